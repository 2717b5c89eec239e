/**
 * What lax readers take that no strict one does: base64 behind words, a delimiter anywhere in its line,
 * a header behind a line that is none; and what CMS and old character sets allow to be written.
 */
import { base64, base64Lines, binHex, uuLines } from '../codecs.ts';
import { crlf, entityText, type Entity } from '../message.ts';
import { type Build, eicarTricks, mimeVersion, multipart, type WholeTrick } from '../trick.ts';

const inBase64 = 'Content-Transfer-Encoding: base64';
const octets = 'Content-Type: application/octet-stream; name="invoice.com"';
const text: Entity = { fields: ['Content-Type: text/plain'], body: `See the file.${crlf}` };
const lines = (...all: readonly string[]): string => all.map((line) => line + crlf).join('');

const part =
  (fields: readonly string[], content: (bytes: Buffer) => readonly string[]): Build =>
  ({ bytes }, mark) =>
    multipart(mark, [text, { fields, body: lines(...content(bytes)) }]);
const plainText = ['Content-Type: text/plain'];

const inText: Readonly<Record<string, Build>> = {
  'declared base64 behind a line of words': part([octets, inBase64], (bytes) => [
    'Hi there',
    ...base64Lines(bytes, 40),
  ]),
  'BinHex whose first line has words before': part(plainText, (bytes) => {
    const [first = '', ...rest] = binHex(bytes, 'a.com');
    return [`The file: ${first}`, ...rest];
  }),
  'BinHex without its first line': part(
    [octets, 'Content-Transfer-Encoding: mac-binhex40'],
    (bytes) => binHex(bytes, 'a.com').slice(2),
  ),
  "uuencode with 'END' within": part(plainText, (bytes) => {
    const [first = '', ...rest] = uuLines(bytes);
    return ['begin 644 a.com', first, 'END', ...rest, '`', 'end'];
  }),
};

/** Another field comes first, so that it is not the MIME field which makes the line a delimiter. */
const behindDelimiter =
  (delimiter: (mark: string) => string): Build =>
  ({ bytes }, mark) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; boundary="${mark}"`],
    body: lines(
      `--${mark}`,
      entityText(text),
      delimiter(mark),
      'X-Other: 1',
      octets,
      inBase64,
      '',
      base64(bytes),
      `--${mark}--`,
    ),
  });

const delimiters: Readonly<Record<string, Build>> = {
  'words before': behindDelimiter((mark) => `xx --${mark}`),
  'many blanks before': behindDelimiter((mark) => `${' '.repeat(12)}--${mark}`),
  'a no-break space before': behindDelimiter((mark) => `\xa0--${mark}`),
  'a NUL within': behindDelimiter((mark) => `--${mark.slice(0, 4)}\0${mark.slice(4)}`),
};

const inMessage =
  (types: readonly string[], ...before: readonly string[]): Build =>
  ({ bytes }, mark) =>
    multipart(mark, [
      text,
      { fields: types, body: lines(...before, octets, inBase64, '', base64(bytes)) },
    ]);
const message = 'Content-Type: message/rfc822';

const headers: Readonly<Record<string, Build>> = {
  'a message with a line of words before': inMessage([plainText[0] ?? '', message], 'junk here'),
  'an HTTP response': inMessage(['Content-Type: message/http'], 'HTTP/1.1 200 OK'),
  'a byte order mark before the type': ({ bytes }, mark) => {
    const { fields, body } = multipart('other', [
      { fields: [octets, inBase64], body: base64(bytes) },
    ]);
    const content = `\xef\xbb\xbf${entityText({ fields: fields.slice(1), body })}`;
    return multipart(mark, [text, { fields: [message], body: content }]);
  },
};

const charset = (name: string, encode: (bytes: Buffer) => string): [string, Build] => [
  name,
  (payload, mark) =>
    multipart(mark, [
      text,
      {
        fields: [`Content-Type: text/plain; charset=${name}`, inBase64],
        body: base64(Buffer.from(encode(payload.bytes), 'latin1')),
      },
    ]),
];
const escapes = (begin: string) => (bytes: Buffer) =>
  Array.from(bytes, (byte) => begin + byte.toString(16).padStart(2, '0')).join('');
/** EICAR in the German and the Turkish EBCDIC. */
const german = 'e7f5d64fd76cb5c1d763f4ecd7e9e7f5f44dd75f5df7c3c35df7dc5b';
const turkish = 'e7f5d64fd76caec1d768f4dcd7e9e7f5f44dd75f5df7c3c35df78cad';
const name = 'c5c9c3c1d960e2e3c1d5c4c1d9c460c1d5e3c9e5c9d9e4e260e3c5e2e360c6c9d3c5';
const ends = { german: '4f5bc84ec85c', turkish: '4fadc84ec85c' };
const ebcdic = (hex: string) => () => Buffer.from(hex, 'hex').toString('latin1');

const charsets: Readonly<Record<string, Build>> = Object.fromEntries([
  charset('U7', (bytes) => {
    const wide = Buffer.from(bytes.toString('latin1'), 'utf16le').swap16();
    return `+${wide.toString('base64').replace(/=+$/, '')}-`;
  }),
  charset('unicode_escape', escapes('\\x')),
  charset('raw_unicode_escape', escapes('\\u00')),
  charset('cp273', ebcdic(german + name + ends.german)),
  charset('cp1026', ebcdic(turkish + name + ends.turkish)),
]);

/** DER (X.690 §8.1), and BER whose length is not told. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const digits = length.toString(16);
  const long = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | long.length, ...long];
  return Buffer.concat([Buffer.from(head), content]);
}
const ber = (tag: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), content, Buffer.alloc(2)]);
const identifier = (last: number): Buffer => Buffer.from(`06092a864886f70d01070${last}`, 'hex');
const sha256 = Buffer.from('300b0609608648016503040201', 'hex');

interface Signing {
  readonly wrap: (tag: number, content: Buffer) => Buffer;
  readonly algorithms?: number;
  readonly octets: (content: Buffer) => Buffer;
}

const signed =
  ({ wrap, algorithms = 1, octets: inOctets }: Signing, isFile = false): Build =>
  ({ bytes }) => {
    const entity = entityText({ fields: [octets, inBase64], body: base64(bytes) });
    const content = inOctets(isFile ? bytes : Buffer.from(entity, 'latin1'));
    const sets = der(0x31, Buffer.concat(Array.from({ length: algorithms }, () => sha256)));
    const inner = wrap(0x30, Buffer.concat([identifier(1), wrap(0xa0, content)]));
    const version = Buffer.from([2, 1, 1]);
    const data = wrap(0x30, Buffer.concat([version, sets, inner, der(0x31, Buffer.alloc(0))]));
    return {
      fields: [
        mimeVersion,
        'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"',
        inBase64,
      ],
      body: base64(wrap(0x30, Buffer.concat([identifier(2), wrap(0xa0, data)]))),
    };
  };
const pieces = (size: number) => (content: Buffer) => {
  const count = Math.ceil(content.length / size);
  const cut = (at: number): Buffer => content.subarray(at * size, (at + 1) * size);
  return Buffer.concat(Array.from({ length: count }, (_, at) => der(4, cut(at))));
};

const cms: Readonly<Record<string, Build>> = {
  'pieces of 10 bytes': signed({ wrap: ber, octets: (all) => ber(0x24, pieces(10)(all)) }),
  'pieces of 7, lengths told': signed({ wrap: der, octets: (all) => der(0x24, pieces(7)(all)) }),
  'pieces in pieces': signed({
    wrap: ber,
    octets: (all) => ber(0x24, ber(0x24, pieces(5)(all))),
  }),
  'behind 9 KB': signed({ wrap: der, algorithms: 700, octets: (all) => der(4, all) }),
  'a file in pieces': signed({ wrap: ber, octets: (all) => ber(0x24, pieces(9)(all)) }, true),
};

const encodedNames: Readonly<Record<string, Build>> = {
  uuencode: part(plainText, (bytes) => [
    'begin-encoded 644 YS5jb20=',
    ...uuLines(bytes),
    '`',
    'end',
  ]),
  base64: part(plainText, (bytes) => [
    'begin-base64-encoded 644 YS5jb20=',
    ...base64Lines(bytes, 60),
    '====',
  ]),
};

export const laxReaderTricks: readonly WholeTrick[] = eicarTricks([
  ['text looked through', inText],
  ['delimiter anywhere in a line', delimiters],
  ['header behind a line that is none', headers],
  ['charset of Python only', charsets],
  ['signed S/MIME in BER', cms, 'OpenSSL, Thunderbird, Outlook: X.690 §8.7.3, RFC 5652 §5.2'],
  ['uuencode with an encoded name', encodedNames, 'GNU sharutils: uuencode --encode-file-name'],
]);
