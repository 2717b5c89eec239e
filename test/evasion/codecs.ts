/** The encodings of mail, as their inventors wrote them; the tricks spoil them. */
import { crc32 } from 'node:zlib';
import { crlf } from './message.ts';

/** RFC 2045 §6.8, in lines of `width` characters. */
export function base64Lines(bytes: Buffer, width = 76): string[] {
  return cut(bytes.toString('base64'), width);
}

export function cut(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${width}}`, 'gs')) ?? [];
}

export function base64(bytes: Buffer): string {
  return base64Lines(bytes).join(crlf) + crlf;
}

/** Every byte as =XX, 25 of them a line (RFC 2045 §6.7). */
export function hexQuoted(bytes: Buffer): string {
  const escaped = Array.from(bytes, (byte) => `=${hex(byte)}`);
  return cut(escaped.join(''), 75).join(`=${crlf}`) + crlf;
}

/** Only what has to be quoted (RFC 2045 §6.7), as a mail client would. */
export function quotedPrintable(bytes: Buffer): string {
  const tokens = Array.from(bytes, (byte) =>
    byte > 32 && byte < 127 && byte !== 61 ? String.fromCharCode(byte) : `=${hex(byte)}`,
  );
  let line = '';
  const lines: string[] = [];
  for (const token of tokens) {
    if (line.length + token.length > 75) {
      lines.push(`${line}=`);
      line = '';
    }
    line += token;
  }
  return [...lines, line].join(crlf) + crlf;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** POSIX uuencode; a zero is a space, or a backtick as most programs have it since. */
export function uuLines(bytes: Buffer, zero = '`', lineBytes = 45): string[] {
  return sixBitLines(bytes, lineBytes, (six) => (six === 0 ? zero : String.fromCharCode(six + 32)));
}

export function uuencode(bytes: Buffer, filename: string): string[] {
  return [`begin 644 ${filename}`, ...uuLines(bytes), '`', 'end'];
}

const xxAlphabet = '+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export function xxencode(bytes: Buffer, filename: string): string[] {
  const lines = sixBitLines(bytes, 45, (six) => xxAlphabet.charAt(six));
  return [`begin 644 ${filename}`, ...lines, '+', 'end'];
}

function sixBitLines(bytes: Buffer, lineBytes: number, letter: (six: number) => string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += lineBytes) {
    const some = bytes.subarray(at, at + lineBytes);
    lines.push(letter(some.length) + sixes(some).map(letter).join(''));
  }
  return lines;
}

/** Three bytes are four numbers of six bits; what is missing is zero. */
function sixes(bytes: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    numbers.push(a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63);
  }
  return numbers;
}

/** yEnc 1.3 (yence.sourceforge.net), with escaped NUL, LF, CR, = and a leading dot. */
export function yEnc(bytes: Buffer, filename: string, width = 128): string[] {
  const lines: string[] = [];
  let line = '';
  for (const byte of bytes) {
    const code = (byte + 42) & 255;
    const critical = [0, 10, 13, 61].includes(code) || (line === '' && code === 46);
    line += critical ? `=${String.fromCharCode((code + 64) & 255)}` : String.fromCharCode(code);
    if (line.length >= width) lines.push(line);
    if (line.length >= width) line = '';
  }
  if (line !== '') lines.push(line);
  const crc = crc32(bytes).toString(16).padStart(8, '0');
  const start = `=ybegin line=${width} size=${bytes.length} name=${filename}`;
  return [start, ...lines, `=yend size=${bytes.length} crc32=${crc}`];
}

const hqxAlphabet = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';

/** BinHex 4.0 (RFC 1741): header, data fork and an empty resource fork, each with its CRC. */
export function binHex(bytes: Buffer, filename: string): string[] {
  const header = Buffer.alloc(1 + filename.length + 1 + 18);
  header.writeUInt8(filename.length);
  header.write(filename, 1, 'latin1');
  header.write('????????', filename.length + 2, 'latin1');
  header.writeUInt32BE(bytes.length, filename.length + 12);
  const forks = [header, bytes, Buffer.alloc(0)].flatMap((fork) => [fork, crcOf(fork)]);
  // 0x90 begins a run, so it is followed by a zero where it is meant itself.
  const escaped = [...Buffer.concat(forks)].flatMap((byte) => (byte === 0x90 ? [0x90, 0] : [byte]));
  const text = sixes(Buffer.from(escaped))
    .slice(0, Math.ceil((escaped.length * 8) / 6))
    .map((six) => hqxAlphabet.charAt(six))
    .join('');
  return ['(This file must be converted with BinHex 4.0)', '', ...cut(`:${text}:`, 64)];
}

/** CRC-CCITT as BinHex has it: over the bytes and two zeros in the place of the CRC. */
function crcOf(bytes: Buffer): Buffer {
  let crc = 0;
  for (const byte of [...bytes, 0, 0]) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = (crc & 0x8000) !== 0;
      crc = ((crc << 1) & 0xffff) | ((byte >> bit) & 1);
      if (carry) crc ^= 0x1021;
    }
  }
  return Buffer.from([crc >> 8, crc & 255]);
}
