/** The lines between the parts, spoilt: missing, doubled, misplaced, decorated. */
import { crlf, entityText, type Entity } from '../message.ts';
import { delimited, mimeVersion, multipart, type Parts, type StructureTrick } from '../trick.ts';

/** Both parts as text, and the boundary. */
type Body = (text: string, file: string, boundary: string) => string;

const open = (boundary: string, tail = ''): string => `--${boundary}${tail}${crlf}`;
const close = (boundary: string, tail = ''): string => `--${boundary}--${tail}${crlf}`;
const harmless = `Content-Type: text/plain${crlf}${crlf}Nothing here.${crlf}`;

const decorated =
  (tail: string): Body =>
  (text, file, b) =>
    `${open(b, tail)}${text}${crlf}${open(b, tail)}${file}${crlf}${close(b, tail)}`;
const prefixed =
  (head: string): Body =>
  (text, file, b) =>
    `${open(b)}${text}${crlf}${head}${open(b)}${file}${crlf}${close(b)}`;

const lines: Readonly<Record<string, Body>> = {
  'blanks behind': decorated('    '),
  'tab behind': decorated('\t'),
  'many blanks behind': decorated(' '.repeat(2000)),
  'letters behind': decorated('xyz'),
  'word behind': decorated(' junk'),
  'comment behind': decorated(' (x)'),
  'one hyphen behind': decorated('-'),
  'NUL behind': decorated('\0'),
  'bare CR behind': decorated('\r'),
  'no-break space behind': decorated('\xa0'),
  'blank before': prefixed(' '),
  'tab before': prefixed('\t'),
  'hyphen before': prefixed('-'),
  'quote mark before': prefixed('> '),
  'text before, mid-line': prefixed('The end of a line '),
  'bare CR before': (text, file, b) => `${open(b)}${text}\r${open(b)}${file}${crlf}${close(b)}`,
  'bare CR around': (text, file, b) => `${open(b)}${text}\r--${b}\r${file}${crlf}${close(b)}`,
  'blank after the hyphens': (text, file, b) =>
    `${open(b)}${text}${crlf}-- ${b}${crlf}${file}${crlf}${close(b)}`,
  'one hyphen only': (text, file, b) =>
    `${open(b)}${text}${crlf}-${b}${crlf}${file}${crlf}-${b}-${crlf}`,
  'no hyphens': (text, file, b) =>
    `${b}${crlf}${text}${crlf}${b}${crlf}${file}${crlf}${b}--${crlf}`,
  'case differs': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b.toLowerCase())}${file}${crlf}${close(b)}`,
  'last has one hyphen': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b)}${file}${crlf}--${b}-${crlf}`,
  'last has letters behind': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b)}${file}${crlf}${close(b, 'xyz')}`,
  'no line end before the last': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b)}${file.trimEnd()}${close(b)}`,
  'no preamble line, blank lines': (text, file, b) =>
    `${crlf.repeat(5)}${open(b)}${text}${crlf}${open(b)}${file}${crlf}${close(b)}`,
};

const order: Readonly<Record<string, Body>> = {
  'last missing': (text, file, b) => `${open(b)}${text}${crlf}${open(b)}${file}`,
  'last missing, cut in the body': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b)}${file.trimEnd()}`,
  'last is a common one': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b)}${file}${crlf}${open(b)}`,
  'first missing': (text, file, b) => `${text}${crlf}${open(b)}${file}${crlf}${close(b)}`,
  'only the file, no first': (_text, file, b) => `${file}${crlf}${close(b)}`,
  'only the file, no delimiter': (_text, file) => file,
  'file in the preamble': (text, file, b) => `${file}${crlf}${open(b)}${text}${crlf}${close(b)}`,
  'file in the epilogue': (text, file, b) => `${open(b)}${text}${crlf}${close(b)}${file}`,
  'file in the epilogue, delimited': (text, file, b) =>
    `${open(b)}${text}${crlf}${close(b)}${open(b)}${file}${crlf}${close(b)}`,
  'file in the epilogue, no last': (text, file, b) =>
    `${open(b)}${text}${crlf}${close(b)}${open(b)}${file}${crlf}`,
  'last comes first': (text, file, b) =>
    `${close(b)}${open(b)}${text}${crlf}${open(b)}${file}${crlf}${close(b)}`,
  'every one is a last': (text, file, b) =>
    `${close(b)}${text}${crlf}${close(b)}${file}${crlf}${close(b)}`,
  doubled: (text, file, b) =>
    `${open(b)}${open(b)}${text}${crlf}${open(b)}${open(b)}${file}${crlf}${close(b)}${close(b)}`,
  'empty parts between': (text, file, b) =>
    `${open(b)}${text}${crlf}${`${open(b)}${crlf}`.repeat(20)}${open(b)}${file}${crlf}${close(b)}`,
  '150 parts before': (text, file, b) =>
    `${open(b)}${text}${crlf}${`${open(b)}${harmless}`.repeat(150)}${open(b)}${file}${crlf}${close(b)}`,
  'a long preamble': (text, file, b) =>
    `${`This is a message in MIME format.${crlf}`.repeat(400)}${open(b)}${text}${crlf}${open(b)}${file}${crlf}${close(b)}`,
  'delimiter of a decoy in the text': (text, file, b) =>
    `${open(b)}${text}${crlf}--decoy${crlf}${harmless}--decoy--${crlf}${open(b)}${file}${crlf}${close(b)}`,
  'delimiter twice, the file between': (text, file, b) =>
    `${open(b)}${text}${crlf}${open(b)}${open(b)}${file}${crlf}${close(b)}`,
  'only one part': (_text, file, b) => `${open(b)}${file}${crlf}${close(b)}`,
  'the file first': (text, file, b) =>
    `${open(b)}${file}${crlf}${open(b)}${text}${crlf}${close(b)}`,
};

/** Multiparts within, whose boundaries have to do with one another. */
const nested: Readonly<Record<string, (parts: Parts) => Entity>> = {
  'the same boundary': ({ text, attachment, mark }) =>
    multipart(mark, [text, { ...multipart(mark, [attachment]) }]),
  'inner one longer': ({ text, attachment, mark }) =>
    multipart(mark, [text, multipart(`${mark}1`, [attachment])]),
  'outer one longer': ({ text, attachment, mark }) =>
    multipart(`${mark}1`, [text, multipart(mark, [attachment])]),
  'inner one with hyphens': ({ text, attachment, mark }) =>
    multipart(mark, [text, multipart(`${mark}--`, [attachment])]),
  'inner one not ended': ({ text, attachment, mark }) => {
    const inner = multipart(`i${mark}`, [text]);
    return multipart(mark, [{ ...inner, body: inner.body.replace(/--\r\n$/, crlf) }, attachment]);
  },
  'inner one ends the outer': ({ text, attachment, mark }) => {
    const inner = multipart(`i${mark}`, [text, attachment]);
    return multipart(mark, [{ ...inner, body: inner.body + close(mark) + open(`i${mark}`) }]);
  },
  'inner one without boundary': ({ text, attachment, mark }) =>
    multipart(mark, [
      text,
      {
        fields: ['Content-Type: multipart/mixed'],
        body: delimited(mark, [entityText(attachment)]),
      },
    ]),
  'inner one uses the outer boundary': ({ text, attachment, mark }) =>
    multipart(mark, [
      text,
      {
        fields: [`Content-Type: multipart/mixed; boundary="i${mark}"`],
        body: delimited(mark, [entityText(attachment)]),
      },
    ]),
  'outer parts interleaved': ({ text, attachment, mark }) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; boundary="${mark}"`],
    body: [
      open(mark),
      `Content-Type: multipart/mixed; boundary="i${mark}"${crlf}${crlf}`,
      open(`i${mark}`) + entityText(text) + crlf,
      open(mark) + entityText(attachment) + crlf,
      close(`i${mark}`),
      close(mark),
    ].join(''),
  }),
  'inner delimiter in the outer epilogue': ({ text, attachment, mark }) => {
    const outer = multipart(mark, [multipart(`i${mark}`, [text])]);
    return { ...outer, body: outer.body + delimited(`i${mark}`, [entityText(attachment)]) };
  },
};

function body(name: string, family: string, build: Body): StructureTrick {
  return {
    side: 'structure',
    family,
    name,
    build: ({ text, attachment, mark }) => ({
      fields: [mimeVersion, `Content-Type: multipart/mixed; boundary="${mark}"`],
      body: build(entityText(text), entityText(attachment), mark),
    }),
  };
}

export const delimiterTricks: readonly StructureTrick[] = [
  ...Object.entries(lines).map(([name, build]) => body(name, 'delimiter line', build)),
  ...Object.entries(order).map(([name, build]) =>
    body(name, 'delimiters missing or misplaced', build),
  ),
  ...Object.entries(nested).map(([name, build]): StructureTrick => ({
    side: 'structure',
    family: 'nested boundaries',
    name,
    build,
  })),
];
