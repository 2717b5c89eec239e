/** The field that names the boundary, spoilt: said twice, quoted oddly, cut up, disguised. */
import { crlf, entityText, type Entity } from '../message.ts';
import { delimited, mimeVersion, type StructureTrick } from '../trick.ts';

/** The fields for the boundary that the body has. */
type Fields = (boundary: string) => readonly string[];

const type = (value: string): string => `Content-Type: ${value}`;
const mixed = (rest: string): string[] => [mimeVersion, type(`multipart/mixed${rest}`)];
const filler = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `X-Filler-${i}: ${'dolor sit amet '.repeat(4)}`);
const percent = (text: string): string =>
  Array.from(text, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
const half = (text: string): readonly [string, string] => [text.slice(0, 6), text.slice(6)];

const repeated: Readonly<Record<string, Fields>> = {
  'first of two parameters': (b) => mixed(`; boundary="${b}"; boundary="decoy"`),
  'last of two parameters': (b) => mixed(`; boundary="decoy"; boundary="${b}"`),
  'middle of three parameters': (b) => mixed(`; boundary=a1; boundary="${b}"; boundary=a2`),
  'first of two, unquoted': (b) => mixed(`; boundary=${b}; boundary=decoy`),
  'last of two, unquoted': (b) => mixed(`; boundary=decoy; boundary=${b}`),
  'first of two, other case': (b) => mixed(`; boundary="${b}"; BOUNDARY="decoy"`),
  'last of two, other case': (b) => mixed(`; Boundary="decoy"; boundary="${b}"`),
  'first of two, folded': (b) => mixed(`;\r\n boundary="${b}";\r\n boundary="decoy"`),
  'last of two, folded': (b) => mixed(`;\r\n boundary="decoy";\r\n boundary="${b}"`),
  'first of two fields': (b) => [
    ...mixed(`; boundary="${b}"`),
    type('multipart/mixed; boundary="decoy"'),
  ],
  'last of two fields': (b) => [
    ...mixed(`; boundary="decoy"`),
    type(`multipart/mixed; boundary="${b}"`),
  ],
  'text, then multipart': (b) => [
    mimeVersion,
    type('text/plain'),
    type(`multipart/mixed; boundary="${b}"`),
  ],
  'multipart, then text': (b) => [...mixed(`; boundary="${b}"`), type('text/plain')],
  'multipart, then text, far apart': (b) => [
    ...mixed(`; boundary="${b}"`),
    ...filler(30),
    type('text/plain'),
  ],
  'text, then multipart, other case': (b) => [
    mimeVersion,
    'CONTENT-TYPE: text/plain',
    `content-type: multipart/mixed; boundary="${b}"`,
  ],
  'image, then multipart': (b) => [
    mimeVersion,
    type('image/png'),
    type(`multipart/mixed; boundary="${b}"`),
  ],
  'empty, then multipart': (b) => [mimeVersion, type(''), type(`multipart/mixed; boundary="${b}"`)],
  'multipart, then empty': (b) => [...mixed(`; boundary="${b}"`), type('')],
  'the same twice': (b) => [
    ...mixed(`; boundary="${b}"`),
    type(`multipart/mixed; boundary="${b}"`),
  ],
  'two fields, boundary in the second': (b) => [
    ...mixed(''),
    type(`multipart/mixed; boundary="${b}"`),
  ],
};

const quoting: Readonly<Record<string, Fields>> = {
  unquoted: (b) => mixed(`; boundary=${b}`),
  'single-quoted': (b) => mixed(`; boundary='${b}'`),
  'single quotes belong to it': (b) => mixed(`; boundary=${b}`),
  'quoted pairs': (b) => mixed(`; boundary="${b.replace(/[a-zA-Z]/g, '\\$&')}"`),
  'one quoted pair': (b) => mixed(`; boundary="${b.replace(/^./, '\\$&')}"`),
  'open quote': (b) => mixed(`; boundary="${b}`),
  'quote only behind': (b) => mixed(`; boundary=${b}"`),
  'junk behind the quote': (b) => mixed(`; boundary="${b}"junk`),
  'word behind the quote': (b) => mixed(`; boundary="${b}" junk`),
  'quoted half': (b) => mixed(`; boundary=${half(b)[0]}"${half(b)[1]}"`),
  'two quoted strings': (b) => mixed(`; boundary="${half(b)[0]}""${half(b)[1]}"`),
  'blanks around equals': (b) => mixed(`; boundary = "${b}"`),
  'blank behind equals': (b) => mixed(`; boundary= "${b}"`),
  'blank before equals': (b) => mixed(`; boundary ="${b}"`),
  'folded behind equals': (b) => mixed(`; boundary=\r\n "${b}"`),
  'folded before equals': (b) => mixed(`; boundary\r\n ="${b}"`),
  'folded within the quotes': (b) => mixed(`; boundary="${half(b)[0]}\r\n ${half(b)[1]}"`),
  'blank within the quotes, behind': (b) => mixed(`; boundary="${b} "`),
  'blank within the quotes, before': (b) => mixed(`; boundary=" ${b}"`),
  'comment before': (b) => mixed(`; (x) boundary="${b}"`),
  'comment behind equals': (b) => mixed(`; boundary=(x)"${b}"`),
  'comment before equals': (b) => mixed(`; boundary(x)="${b}"`),
  'comment behind': (b) => mixed(`; boundary="${b}" (x)`),
  'comment glued behind, unquoted': (b) => mixed(`; boundary=${b}(x)`),
  'comment with a decoy': (b) => mixed(`; (boundary="decoy";) boundary="${b}"`),
  'comment behind the type': (b) => mixed(` (x); boundary="${b}"`),
  'decoy within a quoted name': (b) => mixed(`; name="a; boundary=decoy"; boundary="${b}"`),
  'decoy behind a quote in the name': (b) =>
    mixed(`; name="a\\"; boundary=\\"decoy"; boundary="${b}"`),
  'name behind': (b) => mixed(`; boundary="${b}"; name="x; boundary=decoy"`),
  'no semicolon': (b) => mixed(` boundary="${b}"`),
  'comma for semicolon': (b) => mixed(`, boundary="${b}"`),
  'two semicolons': (b) => mixed(`;; boundary="${b}"`),
  'semicolon behind': (b) => mixed(`; boundary="${b}";`),
  'junk parameter before': (b) => mixed(`; zork; boundary="${b}"`),
  'equals only before': (b) => mixed(`; =; boundary="${b}"`),
  'open quote before': (b) => mixed(`; charset="utf-8; boundary="${b}"`),
  'charset before': (b) => mixed(`; charset=utf-8; boundary="${b}"`),
  'upper case': (b) => [mimeVersion, `CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY="${b}"`],
  tabs: (b) => mixed(`;\t\tboundary="${b}"`),
  'no blank': (b) => [mimeVersion, `Content-Type:multipart/mixed;boundary="${b}"`],
  'quotes with a colon': (b) => mixed(`; boundary:"${b}"`),
};

const extended: Readonly<Record<string, Fields>> = {
  'RFC 2231, charset': (b) => mixed(`; boundary*=us-ascii''${b}`),
  'RFC 2231, charset and language': (b) => mixed(`; boundary*=utf-8'en'${b}`),
  'RFC 2231, no charset': (b) => mixed(`; boundary*=''${b}`),
  'RFC 2231, percent': (b) => mixed(`; boundary*=us-ascii''${percent(b)}`),
  'RFC 2231, quoted': (b) => mixed(`; boundary*="us-ascii''${b}"`),
  'RFC 2231, two pieces': (b) => mixed(`; boundary*0="${half(b)[0]}"; boundary*1="${half(b)[1]}"`),
  'RFC 2231, two pieces, unquoted': (b) =>
    mixed(`; boundary*0=${half(b)[0]}; boundary*1=${half(b)[1]}`),
  'RFC 2231, wrong order': (b) => mixed(`; boundary*1="${half(b)[1]}"; boundary*0="${half(b)[0]}"`),
  'RFC 2231, two pieces, percent': (b) =>
    mixed(`; boundary*0*=us-ascii''${percent(half(b)[0])}; boundary*1*=${percent(half(b)[1])}`),
  'RFC 2231, mixed pieces': (b) =>
    mixed(`; boundary*0*=us-ascii''${percent(half(b)[0])}; boundary*1="${half(b)[1]}"`),
  'RFC 2231, one piece': (b) => mixed(`; boundary*0="${b}"`),
  'RFC 2231, a letter a piece': (b) =>
    mixed(Array.from(b, (letter, i) => `;\r\n boundary*${i}="${letter}"`).join('')),
  'RFC 2231 first, plain decoy': (b) => mixed(`; boundary*=us-ascii''${b}; boundary="decoy"`),
  'plain first, RFC 2231 decoy': (b) => mixed(`; boundary="${b}"; boundary*=us-ascii''decoy`),
  'plain decoy, RFC 2231': (b) => mixed(`; boundary="decoy"; boundary*=us-ascii''${b}`),
  'plain decoy, pieces': (b) =>
    mixed(`; boundary="decoy"; boundary*0="${half(b)[0]}"; boundary*1="${half(b)[1]}"`),
  'pieces, plain decoy': (b) =>
    mixed(`; boundary*0="${half(b)[0]}"; boundary*1="${half(b)[1]}"; boundary="decoy"`),
  'encoded word': (b) => mixed(`; boundary="=?us-ascii?Q?${b}?="`),
  'percent without RFC 2231': (b) => mixed(`; boundary="${percent(b)}"`),
};

const disguised: Readonly<Record<string, Fields>> = {
  'space before colon': (b) => [mimeVersion, `Content-Type : multipart/mixed; boundary="${b}"`],
  'tab before colon': (b) => [mimeVersion, `Content-Type\t: multipart/mixed; boundary="${b}"`],
  'folded at once': (b) => [mimeVersion, type(`\r\n multipart/mixed; boundary="${b}"`)],
  'folded in the type': (b) =>
    mixed('')
      .map((f) => f.replace('/', '\r\n /'))
      .concat()
      .map((f) => (f.startsWith('Content-Type') ? `${f}; boundary="${b}"` : f)),
  'blanks around the slash': (b) => [mimeVersion, type(`multipart / mixed; boundary="${b}"`)],
  'no subtype': (b) => [mimeVersion, type(`multipart; boundary="${b}"`)],
  'empty subtype': (b) => [mimeVersion, type(`multipart/; boundary="${b}"`)],
  'unknown subtype': (b) => [mimeVersion, type(`multipart/x-zork; boundary="${b}"`)],
  'odd subtype': (b) => [mimeVersion, type(`multipart/mixed/mixed; boundary="${b}"`)],
  'quoted type': (b) => [mimeVersion, type(`"multipart/mixed"; boundary="${b}"`)],
  'comment before the type': (b) => [mimeVersion, type(`(x) multipart/mixed; boundary="${b}"`)],
  'comment before the slash': (b) => [mimeVersion, type(`multipart(x)/mixed; boundary="${b}"`)],
  'other type first': (b) => [mimeVersion, type(`text/plain, multipart/mixed; boundary="${b}"`)],
  'other type behind': (b) => [mimeVersion, type(`multipart/mixed, text/plain; boundary="${b}"`)],
  'semicolon first': (b) => [mimeVersion, type(`; multipart/mixed; boundary="${b}"`)],
  'encoded word': (b) => [mimeVersion, type(`=?us-ascii?Q?multipart/mixed?=; boundary="${b}"`)],
  'NUL behind the type': (b) => mixed(`\0; boundary="${b}"`),
  'NUL behind the boundary': (b) => mixed(`; boundary="${b}"\0`),
  'NUL before the type': (b) => [mimeVersion, type(`\0multipart/mixed; boundary="${b}"`)],
  'bare CR before the type': (b) => [mimeVersion, type(`\rmultipart/mixed; boundary="${b}"`)],
  'bare CR before the boundary': (b) => mixed(`;\rboundary="${b}"`),
  'bare CR and blank before the boundary': (b) => mixed(`;\r boundary="${b}"`),
  'bare CR behind the boundary': (b) => mixed(`; boundary="${b}"\r`),
  'field behind a bare CR': (b) => [
    mimeVersion,
    `X-Note: x\rContent-Type: multipart/mixed; boundary="${b}"`,
  ],
  'text behind a bare CR': (b) => [
    mimeVersion,
    `Content-Type: multipart/mixed; boundary="${b}"\rContent-Type: text/plain`,
  ],
  '8-bit blank before the type': (b) => [mimeVersion, type(`\xa0multipart/mixed; boundary="${b}"`)],
  '8-bit letter behind the type': (b) => mixed(`\xe9; boundary="${b}"`),
  'vertical tab before the boundary': (b) => mixed(`;\x0bboundary="${b}"`),
  'form feed before the boundary': (b) => mixed(`;\x0c boundary="${b}"`),
  'a long parameter before': (b) => mixed(`; x="${'y'.repeat(3000)}"; boundary="${b}"`),
  'a long folded parameter before': (b) =>
    mixed(`; x="${`${'y'.repeat(60)}\r\n `.repeat(200)}"; boundary="${b}"`),
  '500 parameters before': (b) =>
    mixed(
      `${Array.from({ length: 500 }, (_, i) => `;\r\n p${i}=v`).join('')};\r\n boundary="${b}"`,
    ),
  'behind 300 fields': (b) => [...filler(300), ...mixed(`; boundary="${b}"`)],
  'behind a line without colon': (b) => ['this is no field', ...mixed(`; boundary="${b}"`)],
  'behind a From line': (b) => ['From anna Thu Nov 20 2025', ...mixed(`; boundary="${b}"`)],
  'behind a line of blanks folded': (b) => ['X-Note: x\r\n  ', ...mixed(`; boundary="${b}"`)],
  'MIME-Version missing': (b) => mixed(`; boundary="${b}"`).slice(1),
  'MIME-Version 2.0': (b) => ['MIME-Version: 2.0', ...mixed(`; boundary="${b}"`).slice(1)],
  'MIME-Version empty': (b) => ['MIME-Version:', ...mixed(`; boundary="${b}"`).slice(1)],
  'MIME-Version odd': (b) => ['MIME-Version: 1 . 0 (x)', ...mixed(`; boundary="${b}"`).slice(1)],
  'MIME-Version twice': (b) => ['MIME-Version: 0.9', ...mixed(`; boundary="${b}"`)],
  'MIME-Version behind': (b) => mixed(`; boundary="${b}"`).toReversed(),
};

/** Boundaries that are odd themselves: how the body spells it, and how the field does. */
const odd: Readonly<Record<string, readonly [boundary: (mark: string) => string, Fields]>> = {
  'single quotes': [(mark) => `'${mark}'`, (b) => mixed(`; boundary=${b}`)],
  'blank within': [
    (mark) => `${mark.slice(0, 8)} ${mark.slice(8)}`,
    (b) => mixed(`; boundary="${b}"`),
  ],
  'blank behind': [(mark) => mark, (b) => mixed(`; boundary="${b} "`)],
  'one character': [() => '?', (b) => mixed(`; boundary="${b}"`)],
  'special characters': [(mark) => `=_(${mark}):/?+,`, (b) => mixed(`; boundary="${b}"`)],
  'special characters, unquoted': [(mark) => `=_${mark}:/?+`, (b) => mixed(`; boundary=${b}`)],
  'an equals sign, unquoted': [(mark) => `=_Part=${mark}`, (b) => mixed(`; boundary=${b}`)],
  'hyphens before': [(mark) => `--------${mark}`, (b) => mixed(`; boundary="${b}"`)],
  'hyphens behind': [(mark) => `${mark}--`, (b) => mixed(`; boundary="${b}"`)],
  'hyphens only': [() => '-----', (b) => mixed(`; boundary="${b}"`)],
  '70 characters': [(mark) => mark.repeat(5).slice(0, 70), (b) => mixed(`; boundary="${b}"`)],
  '71 characters': [(mark) => mark.repeat(5).slice(0, 71), (b) => mixed(`; boundary="${b}"`)],
  '200 characters': [(mark) => mark.repeat(20).slice(0, 200), (b) => mixed(`; boundary="${b}"`)],
  '900 characters': [(mark) => mark.repeat(90).slice(0, 900), (b) => mixed(`; boundary="${b}"`)],
  '3000 characters': [(mark) => mark.repeat(300).slice(0, 3000), (b) => mixed(`; boundary="${b}"`)],
  '8-bit': [(mark) => `\xe9${mark}\xfc`, (b) => mixed(`; boundary="${b}"`)],
  'UTF-8': [(mark) => `\xc3\xa9${mark}`, (b) => mixed(`; boundary="${b}"`)],
  'tab within': [(mark) => `a\t${mark}`, (b) => mixed(`; boundary="${b}"`)],
  'escaped quote': [(mark) => `a"${mark}`, (b) => mixed(`; boundary="${b.replace('"', '\\"')}"`)],
  'escaped backslash': [
    (mark) => `a\\${mark}`,
    (b) => mixed(`; boundary="${b.replace('\\', '\\\\')}"`),
  ],
  'backslash as it is': [(mark) => `a\\${mark}`, (b) => mixed(`; boundary="${b}"`)],
  'cut at a NUL': [(mark) => mark, (b) => mixed(`; boundary="${b}\0x"`)],
  'cut at a semicolon': [(mark) => mark, (b) => mixed(`; boundary=${b};x`)],
  'cut at a blank': [(mark) => mark, (b) => mixed(`; boundary=${b} x`)],
  'cut at a comma': [(mark) => mark, (b) => mixed(`; boundary=${b},x`)],
  'cut at a slash': [(mark) => mark, (b) => mixed(`; boundary=${b}/x`)],
  'encoded word as it is': [(mark) => `=?us-ascii?Q?${mark}?=`, (b) => mixed(`; boundary="${b}"`)],
  'percent as it is': [(mark) => `%41${mark}`, (b) => mixed(`; boundary="${b}"`)],
  empty: [() => '', (b) => mixed(`; boundary="${b}"`)],
  'empty, unquoted': [() => '', () => mixed(`; boundary=`)],
  'not said': [(mark) => mark, () => mixed('')],
  'said in another case': [
    (mark) => mark.toUpperCase(),
    (b) => mixed(`; boundary="${b.toLowerCase()}"`),
  ],
};

function trick(
  family: string,
  name: string,
  fields: Fields,
  odds?: (mark: string) => string,
): StructureTrick {
  return {
    side: 'structure',
    family,
    name,
    build: ({ text, attachment, mark }): Entity => {
      const boundary = odds === undefined ? mark : odds(mark);
      const body = `A message in MIME.${crlf}${delimited(boundary, [text, attachment].map(entityText))}`;
      return { fields: fields(boundary), body };
    },
  };
}

const families: Readonly<Record<string, Readonly<Record<string, Fields>>>> = {
  'boundary repeated': repeated,
  'boundary quoted': quoting,
  'boundary in RFC 2231': extended,
  'multipart field disguised': disguised,
};

export const boundaryFieldTricks: readonly StructureTrick[] = [
  ...Object.entries(families).flatMap(([family, rows]) =>
    Object.entries(rows).map(([name, fields]) => trick(family, name, fields)),
  ),
  ...Object.entries(odd).map(([name, [boundary, fields]]) =>
    trick('boundary itself odd', name, fields, boundary),
  ),
];
