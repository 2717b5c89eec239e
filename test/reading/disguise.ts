/**
 * Generates messages that hide a payload in any nesting of disguises that some decoder in the field
 * sees through. A disguise is a list of named layers, so that a failing one shrinks to those that
 * matter and can be read.
 */
import fc from 'fast-check';
import * as codecs from '../evasion/codecs.ts';
import { tnef } from '../evasion/tnef.ts';

/** Text is latin1 throughout: a character is a byte. */
interface Entity {
  readonly fields: readonly string[];
  /** What stands between the fields and the body. */
  readonly end: string;
  readonly body: string;
}

/** A file, or what a text part holds. */
interface Content {
  readonly type: string;
  readonly bytes: Buffer;
  /** Whether it can stand in a message as it is: short lines, no NUL. */
  readonly isText: boolean;
}

interface Layer<From, To> {
  readonly name: string;
  readonly wrap: (inner: From) => To;
}

export interface Disguised {
  readonly layers: readonly string[];
  readonly payload: Buffer;
  readonly message: Buffer;
  [fc.toStringMethod](): string;
}

const crlf = '\r\n';
const text = (bytes: Buffer): string => bytes.toString('latin1');
const lines = (all: readonly string[]): string => all.map((line) => line + crlf).join('');
const named = <From, To>(name: string, wrap: (inner: From) => To): Layer<From, To> => ({
  name,
  wrap,
});

/** Without a blank at either end, where some readers take it off. */
const payloads: fc.Arbitrary<Content> = fc.oneof(
  fc
    .string({
      unit: fc.constantFrom(...Array.from('XYZabc019 .:;=-<>()[]{}!@#$%^&*"')),
      minLength: 24,
      maxLength: 90,
    })
    .map((some) => ({ type: 'text/plain', bytes: Buffer.from(`X${some}X`), isText: true })),
  fc.uint8Array({ minLength: 24, maxLength: 150 }).map((some) => ({
    type: 'application/octet-stream',
    bytes: Buffer.from([0, ...some, 1]),
    isText: false,
  })),
);

// What is in the part: a file in a file, or in a text.

const prose = ['', 'Dear all,', 'see below.', ''];
const inText = (
  name: string,
  encode: (bytes: Buffer) => readonly string[],
): Layer<Content, Content> =>
  named(name, ({ bytes }) => ({
    type: 'text/plain',
    bytes: Buffer.from(lines([...prose, ...encode(bytes), 'Bye']), 'latin1'),
    isText: true,
  }));

const isAscii = ({ bytes }: Content): boolean => bytes.every((byte) => byte < 0x80);
const asWideText = (charset: string, write: (bytes: Buffer) => Buffer): Layer<Content, Content> =>
  named(charset, (content) =>
    isAscii(content)
      ? { type: `text/plain; charset=${charset}`, bytes: write(content.bytes), isText: false }
      : content,
  );
const utf16le = (bytes: Buffer): Buffer => Buffer.from(text(bytes), 'utf16le');
const utf16be = (bytes: Buffer): Buffer => utf16le(bytes).swap16();
const utf32le = (bytes: Buffer): Buffer =>
  Buffer.concat([...bytes].map((byte) => Buffer.from([byte, 0, 0, 0])));
const utf7 = (bytes: Buffer): Buffer =>
  Buffer.from(`+${utf16be(bytes).toString('base64').replaceAll('=', '')}-`);

const contentLayers: readonly Layer<Content, Content>[] = [
  named('TNEF', ({ bytes }) => ({
    type: 'application/ms-tnef',
    bytes: tnef([
      { name: 'a.txt', bytes: Buffer.from('x') },
      { name: 'x.com', bytes },
    ]),
    isText: false,
  })),
  named('a message as a file', ({ bytes }) => {
    const fields = [
      'From: a@example.net',
      'To: b@example.net',
      'Content-Transfer-Encoding: base64',
    ];
    const inner = `${lines(fields)}${crlf}${codecs.base64(bytes)}`;
    return { type: 'application/octet-stream', bytes: Buffer.from(inner), isText: true };
  }),
  inText('uuencode', (bytes) => codecs.uuencode(bytes, 'x.com')),
  inText('uuencode with blanks', (bytes) => [
    'begin 644 x',
    ...codecs.uuLines(bytes, ' '),
    ' ',
    'end',
  ]),
  inText('xxencode', (bytes) => codecs.xxencode(bytes, 'x.com')),
  inText('yEnc', (bytes) => codecs.yEnc(bytes, 'x.com')),
  inText('BinHex', (bytes) => codecs.binHex(bytes, 'x.com')),
  inText('a data: URI', (bytes) => [`<a href="data:x/y;base64,${bytes.toString('base64')}">x</a>`]),
  inText('a data: URI in percents', (bytes) => [
    `<a href='data:x/y,${bytes.toString('hex').replace(/../g, '%$&')}'>x</a>`,
  ]),
  named('utf-16 by its mark', (content) =>
    isAscii(content)
      ? {
          type: 'text/plain',
          bytes: Buffer.concat([Buffer.from([0xff, 0xfe]), utf16le(content.bytes)]),
          isText: false,
        }
      : content,
  ),
];

/** Only a field of the part can tell of these, so nothing else is around them. */
const charsetLayers: readonly Layer<Content, Content>[] = [
  named('', (content) => content),
  asWideText('utf-16le', utf16le),
  asWideText('utf-16be', utf16be),
  asWideText('utf-32le', utf32le),
  asWideText('UTF-7', utf7),
];

// How the part is encoded, and how it says so.

type Named = (encoding: string) => readonly string[];
const cte = 'Content-Transfer-Encoding';
const namings: readonly (readonly [string, Named])[] = [
  ['', (encoding) => [`${cte}: ${encoding}`]],
  ['in capitals', (encoding) => [`${cte.toUpperCase()}:${encoding.toUpperCase()}`]],
  ['a blank before the colon', (encoding) => [`${cte} : ${encoding}`]],
  ['in quotes', (encoding) => [`${cte}: "${encoding}"`]],
  ['a semicolon', (encoding) => [`${cte}: ${encoding};`]],
  ['a comment', (encoding) => [`${cte}: (x) ${encoding}`]],
  ['an encoded word', (encoding) => [`${cte}: =?us-ascii?q?${encoding}?=`]],
  ['folded', (encoding) => [`${cte}:${crlf}\t${encoding}`]],
  ['twice, first 7bit', (encoding) => [`${cte}: 7bit`, `${cte}: ${encoding}`]],
  ['twice, then 7bit', (encoding) => [`${cte}: ${encoding}`, `${cte}: 7bit`]],
  ['twice, first base64', (encoding) => [`${cte}: base64`, `${cte}: ${encoding}`]],
  [
    'twice, then quoted-printable',
    (encoding) => [`${cte}: ${encoding}`, `${cte}: quoted-printable`],
  ],
  ['unknown', () => [`${cte}: x-unknown`]],
  ['behind NUL', (encoding) => [`${cte}\0: ${encoding}`]],
  ['behind a bare CR', (encoding) => [`X-Y: z\r${cte}: ${encoding}`]],
];

/** The last one would be a part of what is not base64. */
const ends: readonly (readonly [string, string])[] = [
  ['', crlf],
  ['a line of blanks', ` \t${crlf}`],
  ['two empty lines', crlf + crlf],
];

type Written = (bytes: Buffer) => string;
const everyFew =
  (width: number, between: string): Written =>
  (bytes) =>
    bytes.toString('base64').replace(new RegExp(`.{${width}}`, 'g'), `$&${between}`) + crlf;

/** Each is one that a decoder in the field takes; how they go wrong has numbers of its own. */
const base64Writings: fc.Arbitrary<readonly [string, Written]> = fc.oneof(
  fc.constant(['base64', codecs.base64] as const),
  fc
    .nat(90)
    .map((width) => [`base64 in lines of ${width + 1}`, everyFew(width + 1, crlf)] as const),
  fc
    .tuple(fc.nat(20), fc.constantFrom('!', ' ', '\t', '\xff', '.', '*', '!?', '\0'))
    .map(
      ([width, junk]) =>
        [
          `base64 with ${JSON.stringify(junk)} every ${width + 1}`,
          everyFew(width + 1, junk),
        ] as const,
    ),
  fc.constant([
    'base64 without padding',
    (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, ''),
  ] as const),
  fc
    .nat(20)
    .map((width) => [`base64 with = every ${width + 1}`, everyFew(width + 1, '=')] as const),
  fc.constant(['base64 for URLs', (bytes: Buffer) => bytes.toString('base64url')] as const),
  fc.nat(40).map(
    (size) =>
      [
        `base64 in pieces of ${size + 1}, each padded`,
        (bytes: Buffer) =>
          pieces(bytes, size + 1)
            .map((one) => one.toString('base64'))
            .join(''),
      ] as const,
  ),
  fc
    .nat(40)
    .map(
      (size) =>
        [
          `base64 in lines of ${size + 1} bytes, not padded`,
          (bytes: Buffer) =>
            lines(pieces(bytes, size + 1).map((one) => one.toString('base64').replaceAll('=', ''))),
        ] as const,
    ),
);

const quotedWritings: fc.Arbitrary<readonly [string, Written]> = fc.oneof(
  fc.constant(['quoted-printable', codecs.quotedPrintable] as const),
  fc.constant(['quoted-printable, all of it', codecs.hexQuoted] as const),
  fc.tuple(fc.nat(30), fc.constantFrom('=\r\n', '= \t\r\n', '=\n', '=\r')).map(
    ([width, soft]) =>
      [
        `quoted-printable with ${JSON.stringify(soft)} every ${width + 1}`,
        (bytes: Buffer) =>
          bytes
            .toString('hex')
            .replace(/../g, '=$&')
            .replace(new RegExp(`(?:...){${width + 1}}`, 'g'), `$&${soft}`),
      ] as const,
  ),
);

function pieces(bytes: Buffer, size: number): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size));
  return all;
}

const encodings: fc.Arbitrary<Layer<Content, Entity>> = fc.oneof(
  { withCrossShrink: true },
  written('base64', base64Writings),
  written('quoted-printable', quotedWritings),
  written('base64', base64Writings),
  // As it stands, where it can; it may say so, or not.
  fc.constantFrom(undefined, '7bit', '8bit', 'binary').map((encoding) =>
    named(encoding ?? 'as it stands', ({ type, bytes, isText }: Content): Entity => {
      const isPlain = isText && !bytes.includes(0);
      if (!isPlain)
        return {
          fields: [`Content-Type: ${type}`, `${cte}: base64`],
          end: crlf,
          body: codecs.base64(bytes),
        };
      const said = encoding === undefined ? [] : [`${cte}: ${encoding}`];
      return { fields: [`Content-Type: ${type}`, ...said], end: crlf, body: text(bytes) };
    }),
  ),
);

function written(
  encoding: string,
  writings: fc.Arbitrary<readonly [string, Written]>,
): fc.Arbitrary<Layer<Content, Entity>> {
  return fc
    .tuple(
      writings,
      fc.constantFrom(...namings),
      fc.constantFrom(...(encoding === 'base64' ? ends : ends.slice(0, 2))),
    )
    .map(([[how, write], [naming, name], [ending, end]]) =>
      named(
        [how, naming, ending].filter((one) => one !== '').join(', '),
        ({ type, bytes }: Content) => ({
          fields: [`Content-Type: ${type}`, ...name(encoding)],
          end,
          body: write(bytes),
        }),
      ),
    );
}

// How the message holds its parts.

type Declared = (boundary: string) => readonly string[];
const mixed = (rest: string): readonly string[] => [`Content-Type: multipart/mixed${rest}`];
const hex = (letters: string): string => Buffer.from(letters).toString('hex').replace(/../g, '%$&');
const declarations: readonly (readonly [string, Declared])[] = [
  ['', (boundary) => mixed(`; boundary="${boundary}"`)],
  ['without quotes', (boundary) => mixed(`; boundary=${boundary}`)],
  ['the first of two', (boundary) => mixed(`; boundary=${boundary}; boundary=other`)],
  ['the second of two', (boundary) => mixed(`; boundary=other; boundary=${boundary}`)],
  [
    'the second of two fields',
    (boundary) => [...mixed('; boundary=other'), ...mixed(`; boundary=${boundary}`)],
  ],
  [
    'behind text/plain',
    (boundary) => ['Content-Type: text/plain', ...mixed(`; boundary=${boundary}`)],
  ],
  [
    'in continuations',
    (boundary) => mixed(`; boundary*0=${boundary.slice(0, 1)}; boundary*1=${boundary.slice(1)}`),
  ],
  ['in percents', (boundary) => mixed(`; boundary*=us-ascii''${hex(boundary)}`)],
  ['behind a comment', (boundary) => mixed(`; boundary=(x)${boundary}`)],
  ['half a quote', (boundary) => mixed(`; boundary="${boundary}`)],
  ['single quotes', (boundary) => mixed(`; boundary='${boundary}'`)],
  ['in another case', (boundary) => mixed(`; boundary="${boundary.toUpperCase()}"`)],
  ['folded', (boundary) => mixed(`;${crlf} boundary="${boundary}"`)],
  ['not declared', () => mixed('')],
  ['another', () => mixed('; boundary=another')],
  ['an unknown type', (boundary) => [`Content-Type: multi/mixed; boundary=${boundary}`]],
];

/** Where the parts stand: the entity is to be found in all of them. */
type Laid = (boundary: string, part: string) => string;
const note = `Content-Type: text/plain${crlf}${crlf}Hello${crlf}`;
const layouts: readonly (readonly [string, Laid])[] = [
  ['', (b, part) => `--${b}${crlf}${part}${crlf}--${b}--${crlf}`],
  ['a text before', (b, part) => `--${b}${crlf}${note}--${b}${crlf}${part}${crlf}--${b}--${crlf}`],
  [
    'a text behind',
    (b, part) => `--${b}${crlf}${part}${crlf}--${b}${crlf}${note}${crlf}--${b}--${crlf}`,
  ],
  [
    'a preamble',
    (b, part) => `This is MIME.${crlf}${crlf}--${b}${crlf}${part}${crlf}--${b}--${crlf}`,
  ],
  ['an epilogue', (b, part) => `--${b}${crlf}${part}${crlf}--${b}--${crlf}Bye${crlf}`],
  ['no end', (b, part) => `--${b}${crlf}${part}`],
  ['blanks behind delimiters', (b, part) => `--${b} \t${crlf}${part}${crlf}--${b}-- ${crlf}`],
  [
    'behind the end',
    (b, part) => `--${b}${crlf}${note}--${b}--${crlf}--${b}${crlf}${part}${crlf}--${b}--${crlf}`,
  ],
];

const multiparts: fc.Arbitrary<Layer<Entity, Entity>> = fc
  .tuple(
    // Some begin like others, and some are the same.
    fc.constantFrom('b', 'bb', 'bbb', 'c', 'outer', '0_9', 'b'.repeat(70)),
    fc.constantFrom(...declarations),
    fc.constantFrom(...layouts),
  )
  .map(([boundary, [declaring, declare], [laying, lay]]) =>
    named(
      ['multipart', boundary, declaring, laying].filter((one) => one !== '').join(', '),
      (inner) => ({
        fields: declare(boundary),
        end: crlf,
        body: lay(boundary, entityText(inner)),
      }),
    ),
  );

const envelope = ['From: a@example.net', 'To: b@example.net', 'Subject: x', 'MIME-Version: 1.0'];
const messages: fc.Arbitrary<Layer<Entity, Entity>> = fc
  .constantFrom(
    'message/rfc822',
    'message/global',
    'application/octet-stream',
    'message/partial; number=1; total=2; id=x',
  )
  .map((type) =>
    named(`a message as ${type}`, (inner) => ({
      fields: [`Content-Type: ${type}`],
      end: crlf,
      body: entityText({ ...inner, fields: [...envelope, ...inner.fields] }),
    })),
  );

function entityText({ fields, end, body }: Entity): string {
  return `${lines(fields)}${end}${body}`;
}

const lineEnds: readonly (readonly [string, string])[] = [
  ['', crlf],
  ['lines end with LF', '\n'],
  ['lines end with CR', '\r'],
];

/** Any payload in any disguise. */
export const disguised: fc.Arbitrary<Disguised> = fc
  .tuple(
    payloads,
    fc
      .tuple(
        fc.array(fc.constantFrom(...contentLayers), { maxLength: 2 }),
        fc.constantFrom(...charsetLayers),
      )
      .map(([files, charset]) => [...files, charset]),
    encodings,
    fc.array(fc.oneof(multiparts, messages), { maxLength: 3 }),
    fc.constantFrom(...lineEnds),
  )
  .map(([payload, contents, encoding, structures, [ending, end]]) => {
    const content = contents.reduce((inner, { wrap }) => wrap(inner), payload);
    const entity = structures.reduce((inner, { wrap }) => wrap(inner), encoding.wrap(content));
    const whole = entityText({ ...entity, fields: [...envelope, ...entity.fields] });
    const names = [...contents, encoding, ...structures].map(({ name }) => name);
    return told({
      layers: [...names, ending].filter((name) => name !== ''),
      payload: payload.bytes,
      message: Buffer.from(whole.replaceAll(crlf, end), 'latin1'),
    });
  });

function told(one: Pick<Disguised, 'layers' | 'payload' | 'message'>): Disguised {
  const words = `${one.layers.join(' in ')}\n${JSON.stringify(text(one.payload))}\n${JSON.stringify(text(one.message))}`;
  return { ...one, [fc.toStringMethod]: () => words };
}
