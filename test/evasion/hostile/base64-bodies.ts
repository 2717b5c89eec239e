/** Base64 that a strict decoder refuses or reads otherwise (RFC 2045 §6.8, RFC 4648 §3.3 and §12). */
import { base64, base64Lines, cut } from '../codecs.ts';
import { crlf, type Particulars } from '../message.ts';
import type { EncodingTrick } from '../trick.ts';

type Body = (bytes: Buffer, about: Particulars) => string;

const fields = ['Content-Transfer-Encoding: base64'];
const lines = (all: readonly string[]): string => all.join(crlf) + crlf;
const inLinesOf =
  (width: number): Body =>
  (bytes) =>
    lines(base64Lines(bytes, width));
/** Puts `what` between every `every` characters. */
const sprinkled =
  (what: string, every: number): Body =>
  (bytes) =>
    lines(base64Lines(bytes).map((line) => cut(line, every).join(what)));
const eachLine =
  (change: (line: string) => string): Body =>
  (bytes) =>
    lines(base64Lines(bytes).map(change));
/** Encoded by itself every `size` bytes: padding stands within. */
const inPieces =
  (size: number, separator: string): Body =>
  (bytes) => {
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      pieces.push(bytes.subarray(at, at + size).toString('base64'));
    }
    return pieces.join(separator) + crlf;
  };
/** Puts `what` behind the first `lineCount` lines of 20 characters. */
const interrupted =
  (what: string, lineCount = 2): Body =>
  (bytes) => {
    const all = base64Lines(bytes, 20);
    return lines([...all.slice(0, lineCount), what, ...all.slice(lineCount)]);
  };

const shape: Readonly<Record<string, Body>> = {
  'one line': inLinesOf(1_000_000),
  'lines of 1': inLinesOf(1),
  'lines of 2': inLinesOf(2),
  'lines of 3': inLinesOf(3),
  'lines of 4': inLinesOf(4),
  'lines of 5': inLinesOf(5),
  'lines of 61': inLinesOf(61),
  'lines of 77': inLinesOf(77),
  'lines of 80': inLinesOf(80),
  'lines of any length': (bytes, about) => {
    let rest = bytes.toString('base64');
    let body = '';
    while (rest !== '') {
      const width = about.random.between(1, 90);
      body += rest.slice(0, width) + crlf;
      rest = rest.slice(width);
    }
    return body;
  },
  'blank lines between': interrupted(''),
  'blank lines before': (bytes) => crlf.repeat(5) + base64(bytes),
  'many blank lines before': (bytes) => crlf.repeat(500) + base64(bytes),
  'lines of blanks between': interrupted('     '),
  'blanks before each line': eachLine((line) => `   ${line}`),
  'tab before each line': eachLine((line) => `\t${line}`),
  'blanks behind each line': eachLine((line) => `${line}    `),
  'no line end at the end': (bytes) => bytes.toString('base64'),
  'blank behind each 4': sprinkled(' ', 4),
  'blank behind each 3': sprinkled(' ', 3),
  'blank behind each 1': sprinkled(' ', 1),
  'bare CR for line ends': (bytes) => base64Lines(bytes, 16).join('\r') + crlf,
  'bare CR within': sprinkled('\r', 7),
  'two CR for one': (bytes) => base64Lines(bytes, 20).join('\r\r\n') + crlf,
};

const garbage: Readonly<Record<string, Body>> = {
  'exclamation marks': sprinkled('!', 5),
  'full stops': sprinkled('.', 5),
  hyphens: sprinkled('-', 5),
  underscores: sprinkled('_', 5),
  asterisks: sprinkled('*', 3),
  colons: sprinkled(':', 4),
  'at signs': sprinkled('@', 4),
  'hash signs': sprinkled('#$%', 4),
  quotes: sprinkled('"', 4),
  parentheses: sprinkled('()', 4),
  NULs: sprinkled('\0', 5),
  'a NUL behind each': sprinkled('\0', 1),
  'control characters': sprinkled('\x01\x08\x1b', 4),
  deletes: sprinkled('\x7f', 4),
  '8-bit bytes': sprinkled('\xff', 5),
  '8-bit letters': sprinkled('\xe4\xf6', 6),
  'no-break spaces': sprinkled('\xa0', 4),
  'form feeds': sprinkled('\x0c', 4),
  'zero-width spaces': sprinkled('\xe2\x80\x8b', 4),
  'byte order mark before': (bytes) => `\xef\xbb\xbf${base64(bytes)}`,
  'a line of garbage before': (bytes) => `!!! ### !!!${crlf}${base64(bytes)}`,
  'a line of hyphens': interrupted('----------'),
  'a line of two hyphens': interrupted('--'),
  'a signature mark': interrupted('-- '),
  'a line of dots': interrupted('....'),
  'dots before each line': eachLine((line) => `.${line}`),
  'quote marks before each line': eachLine((line) => `> ${line}`),
  'angle brackets around each line': eachLine((line) => `<${line}>`),
  'commas behind each line': eachLine((line) => `${line},`),
  'backslash behind each line': eachLine((line) => `${line}\\`),
  'garbage in the first quantum': (bytes) => base64(bytes).replace(/^./, '$&!'),
  'garbage in the last quantum': (bytes) => base64(bytes).replace(/.(?=\S?\S?\r\n$)/, '!$&'),
};

const padding: Readonly<Record<string, Body>> = {
  'missing padding': (bytes) => base64(bytes).replace(/=+/, ''),
  'one too many': (bytes) => base64(bytes).replace(/\r\n$/, '=\r\n'),
  'far too many': (bytes) => base64(bytes).replace(/\r\n$/, `${'='.repeat(40)}\r\n`),
  'on a line of its own': (bytes) => base64(bytes).replace(/=+/, '\r\n$&'),
  'parted by blanks': (bytes) => base64(bytes).replace(/=/g, ' = '),
  'behind a blank line': (bytes) => base64(bytes).replace(/=+/, '\r\n\r\n$&'),
  'before everything': (bytes) => `=${base64(bytes)}`,
  'before everything, twice': (bytes) => `==${base64(bytes)}`,
  'a quantum of padding before': (bytes) => `====${crlf}${base64(bytes)}`,
  'a quantum of padding within': interrupted('===='),
  'after each byte': inPieces(1, ''),
  'after each byte, in lines': inPieces(1, crlf),
  'after each two bytes': inPieces(2, ''),
  'after each four bytes': inPieces(4, ''),
  'after each four bytes, in lines': inPieces(4, crlf),
  'two streams': inPieces(31, crlf),
  'two streams, joined': inPieces(31, ''),
  'two streams and a blank line': inPieces(31, crlf + crlf),
  'streams of 10, padding parted': inPieces(10, ' '),
  'text behind': (bytes) => `${base64(bytes)}${crlf}This is the end.${crlf}`,
  'stray quantum behind': (bytes) => `${base64(bytes)}AAAA${crlf}`,
  'signature behind': (bytes) => `${base64(bytes)}-- ${crlf}Anna${crlf}`,
  'unused bits set': (bytes) =>
    base64(bytes).replace(/[A-Za-z](?==)/, (letter) =>
      String.fromCharCode(letter.charCodeAt(0) + 1),
    ),
  'equals sign within a quantum': (bytes) => base64(bytes).replace(/^(.{8})(.)/, '$1=$2'),
  'URL-safe alphabet': (bytes) => base64(bytes).replaceAll('+', '-').replaceAll('/', '_'),
};

const families: Readonly<Record<string, Readonly<Record<string, Body>>>> = {
  'base64 lines': shape,
  'base64 with garbage': garbage,
  'base64 padding': padding,
};

export const base64BodyTricks: readonly EncodingTrick[] = Object.entries(families).flatMap(
  ([family, rows]) =>
    Object.entries(rows).map(([name, body]) => ({
      side: 'encoding' as const,
      family,
      name,
      encode: ({ bytes }, about) => ({ fields, body: body(bytes, about) }),
    })),
);
