/**
 * What a search found: some thousand random messages, each read by twenty decoders, and what one of
 * them took that we did not. Behind an odd line the header ends for some readers only; and all code
 * pages of EBCDIC, as the conversions of glibc and Java write them; and Zips that clamd 1.4 takes for
 * empty.
 */
import { base64, binHex, cut, quotedPrintable, uuLines, yEnc } from '../codecs.ts';
import { crlf, entityText, type Entity } from '../message.ts';
import { zip } from '../zip.ts';
import { type Build, eicarTricks, mimeVersion, multipart, type WholeTrick } from '../trick.ts';

const octets = 'Content-Type: application/octet-stream; name="invoice.com"';
const inBase64 = 'Content-Transfer-Encoding: base64';
const plain = 'Content-Type: text/plain';
const text: Entity = { fields: [plain], body: `See the file.${crlf}` };
const lines = (...all: readonly string[]): string => all.map((line) => line + crlf).join('');
const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

const part =
  (fields: readonly string[], content: (bytes: Buffer) => string, end?: string): Build =>
  ({ bytes }, mark) =>
    multipart(mark, [text, { fields, body: content(bytes), ...(end !== undefined && { end }) }]);

const crCrLf = `\r${crlf}`;
const message = 'Content-Type: message/rfc822';

const ends: Readonly<Record<string, Build>> = {
  'CR CR LF behind the header of a part': part([octets], latin1, crCrLf),
  'CR CR LF behind the header of the message': ({ bytes }) => ({
    fields: [mimeVersion, octets, 'Content-Transfer-Encoding: 8bit'],
    end: crCrLf,
    body: latin1(bytes),
  }),
  'CR CR LF behind the header of a message in it': part([message], (bytes) =>
    entityText({ fields: ['Subject: x', octets], end: crCrLf, body: latin1(bytes) }),
  ),
  'CR CR LF behind quoted-printable': part(
    [octets, 'Content-Transfer-Encoding: quoted-printable'],
    (bytes) => quotedPrintable(bytes),
    crCrLf,
  ),
  'a CR behind a delimiter': ({ bytes }, mark) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; boundary="${mark}"`],
    body: lines(`--${mark}\r`, octets, inBase64, '', base64(bytes), `--${mark}--`),
  }),
  'a CR before a field': part([octets, `\r${inBase64}`], base64),
  'an empty header of a message': part([message], (bytes) => crlf + latin1(bytes)),
  'an empty header of a message behind a comment': part(
    ['Content-Type: (a letter) message/rfc822'],
    (bytes) => crlf + latin1(bytes),
  ),
  'a line of words instead of an empty one': part([octets], latin1, `_${crlf}`),
};

const parts = ({ bytes }: { bytes: Buffer }, boundary: string, delimiter: string): Entity => ({
  fields: [mimeVersion, `Content-Type: multipart/mixed; boundary=${boundary}`],
  body: lines(
    delimiter,
    entityText(text),
    delimiter,
    inBase64.replace(':', `${crlf} :`),
    octets,
    '',
    base64(bytes),
    `${delimiter.trim()}--`,
  ),
});
const boundaries: Readonly<Record<string, Build>> = {
  'an encoded word': (payload, mark) => parts(payload, `"=?us-ascii?q?${mark}?="`, `--${mark}`),
  'blanks before': (payload, mark) => parts(payload, `" ${mark}"`, `--${mark}`),
  'a NUL behind': (payload, mark) => parts(payload, `${mark}\0`, `--${mark}`),
};

const uu = (bytes: Buffer): string[] => ['begin 644 a.com', ...uuLines(bytes), '`', 'end'];

const encodings: Readonly<Record<string, Build>> = {
  'words behind the data of uuencode': part([plain], (bytes) =>
    lines(...uu(bytes).map((line) => (line.length > 20 ? `${line}.end of it` : line))),
  ),
  'a line of uuencode in two, whatever the second begins with': part(
    [octets, 'Content-Transfer-Encoding: x-uuencode'],
    (bytes) => {
      const [begin = '', first = '', ...rest] = uu(bytes);
      return lines(
        begin,
        `${first.slice(0, 33)}${crlf}${first.slice(33, 34)}`,
        '',
        ...rest,
      ).replace(
        `${crlf}${first.slice(33, 34)}${crlf}${crlf}`,
        `${crlf}\t${first.slice(33)}${crlf}`,
      );
    },
  ),
  'yEnc in two parts': ({ bytes }) => {
    const piece = (from: number, to: number, number: number): string => {
      const [begin = '', ...rest] = yEnc(bytes.subarray(from, to), 'a.com');
      const size = begin.replace(/size=\d+/, `size=${bytes.length}`);
      const end = rest.pop() ?? '';
      return lines(
        size.replace('=ybegin ', `=ybegin part=${number} total=2 `),
        `=ypart begin=${from + 1} end=${to}`,
        ...rest,
        end.replace('crc32', `part=${number} pcrc32`),
      );
    };
    const body = piece(0, 30, 1) + piece(30, bytes.length, 2);
    return { fields: [mimeVersion, plain], body };
  },
  'BinHex without a word of it': part([plain], (bytes) =>
    lines(...binHex(bytes, 'a.com').slice(2)),
  ),
};

const oneDecoder: Readonly<Record<string, Build>> = {
  'control characters in quoted-printable': part(
    [octets, 'Content-Transfer-Encoding: quoted-printable'],
    (bytes) => cut(quotedPrintable(bytes).trimEnd(), 10).join('\x0c'),
  ),
};

/** EICAR as IBM037 has it, and of each page the letters !@[\^}$ in which they differ. */
const inCp037 =
  'e7f5d65ad76c7cc1d7baf4e0d7e9e7f5f44dd7b05df7c3c35df7d05bc5c9c3c1d960e2e3c1d5c4c1d9c460c1d5e3c9e5c9d9e4e260e3c5e2e360c6c9d3c55a5bc84ec85c';
const differing = '!@[\\^}$';
const pages: Readonly<Record<string, string>> = {
  ...{ IBM037: '5a7cbae0b0d05b', IBM277: '4f809ee05f4767', IBM278: '4fecb5e05f4767' },
  ...{ IBM280: '4fb590485f545b', IBM284: 'bb7c4ae0bad05b', IBM285: '5a7cb1e0bad04a' },
  ...{ IBM290: '5a7c70b2b0d0e0', 'x-IBM930': '5a7c70b2b0d0e0', IBM297: '4f4490485f545b' },
  ...{ IBM500: '4f7c4ae05fd05b', CP1364: '5a7c70b2b0d05b', CP9030: '5a7c49e069d05b' },
  ...{ IBM871: '4facaebeec9c5b', CP905: '4faf68dc5fb3b9', CP935: '5a7cbab2b0d0e0' },
  ...{ CP1399: '5a7cade0b0d05b', IBM1047: '5a7cade05fd05b', IBM01140: '5a7cbae0b0d05b' },
  ...{ OSF10020025: '5a7cbae0b0d05b', 'ebcdic-es-284+euro': 'bb7c4ae0bad05b' },
};

function inPage(file: Buffer, differs: string): Buffer {
  const letters = Buffer.from(differs, 'hex');
  const usual = Buffer.from(inCp037, 'hex');
  return Buffer.from(
    file.map((byte, at) => letters[differing.indexOf(String.fromCharCode(byte))] ?? usual[at] ?? 0),
  );
}
const codePages: Readonly<Record<string, Build>> = Object.fromEntries(
  Object.entries(pages).map(([name, differs]): [string, Build] => [
    name,
    part([`Content-Type: text/plain; charset=${name}`, inBase64], (bytes) =>
      base64(inPage(bytes, differs)),
    ),
  ]),
);

/** A Zip, changed; the offset of its directory and of that one's end are told. */
const inZip = (change: (archive: Buffer, directory: number, end: number) => Buffer): Build =>
  part(['Content-Type: application/zip; name="papers.zip"', inBase64], (bytes) => {
    const readme = { name: 'readme.txt', bytes: Buffer.from('See the other one.') };
    const archive = zip([readme, { name: 'invoice.com', bytes }]);
    return base64(change(archive, archive.indexOf('PK\x01\x02'), archive.indexOf('PK\x05\x06')));
  });
const zips: Readonly<Record<string, Build>> = {
  'without a directory': inZip((archive, directory) => archive.subarray(0, directory)),
  'cut off at its end': inZip((archive) => archive.subarray(0, -10)),
  'whose directory is not where it says': inZip((archive, _, end) => {
    archive.writeUInt32LE(7, end + 16);
    return archive;
  }),
  'whose directory leaves one out': inZip((archive, directory, end) =>
    Buffer.concat([
      archive.subarray(0, archive.indexOf('PK\x01\x02', directory + 4)),
      archive.subarray(end),
    ]),
  ),
};

export const searchFindingTricks: readonly WholeTrick[] = eicarTricks([
  ['header end, found by a search', ends],
  [
    'boundary, found by a search',
    boundaries,
    'libetpan decodes words in a boundary and has names of fields folded; others trim it, and C ends it at a NUL',
  ],
  ['encoding, found by a search', encodings],
  [
    'encoding, of one decoder',
    oneDecoder,
    'RFC 2045 §6.7 (4) lets decoders leave them out; mimetic does',
  ],
  [
    'Zip, in pieces',
    zips,
    "7-Zip 26.02 and Java's ZipInputStream unpack them, asked on 2026-11-27",
  ],
  ['charset, code page', codePages, "glibc's iconv or Java has a character set of that name"],
]);
