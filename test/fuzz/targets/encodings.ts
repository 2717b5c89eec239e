/** Anything, encoded as its inventors wrote it, comes out of our decoder as it was. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DecoderName } from '../../../src/reading/decoder.ts';
import { decoderOf } from '../../../src/reading/decoders.ts';
import * as codecs from '../../evasion/codecs.ts';
import { cut, latin1, type Target, usualBounds } from '../target.ts';
import { bytes, chosen } from '../valid.ts';

type Encode = (bytes: Buffer) => string;

const lines = (all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('');
const ways: readonly (readonly [DecoderName, Encode])[] = [
  ['base64', codecs.base64],
  ['base64', (some) => codecs.base64Lines(some, 60).join('\n')],
  ['base64 with URL-safe letters', (some) => some.toString('base64url')],
  ['base64 with = left out', (some) => some.toString('base64').replaceAll('=', '')],
  ['quoted-printable', codecs.hexQuoted],
  ['quoted-printable', codecs.quotedPrintable],
  ['uuencode', (some) => lines(codecs.uuLines(some))],
  ['uuencode', (some) => lines(codecs.uuLines(some, ' '))],
  ['xxencode', (some) => lines(codecs.xxencode(some, 'x').slice(1, -2))],
  ['yEnc', (some) => lines(codecs.yEnc(some, 'x').slice(1, -1))],
  ['BinHex', (some) => lines(codecs.binHex(some, 'x'))],
  ['percent-encoding', (some) => some.toString('hex').replace(/../g, '%$&')],
  [
    'utf-7',
    (some) =>
      `+${Buffer.from(some.toString('latin1'), 'utf16le').swap16().toString('base64').replaceAll('=', '')}-`,
  ],
  ['utf-16le', (some) => Buffer.from(some.toString('latin1'), 'utf16le').toString('latin1')],
  [
    'utf-16be',
    (some) => Buffer.from(some.toString('latin1'), 'utf16le').swap16().toString('latin1'),
  ],
];

function check(input: Buffer): void {
  const [name, encode] = ways[(input[0] ?? 0) % ways.length] ?? [];
  if (name === undefined || encode === undefined || input.length < 2) return;
  const original = input.subarray(1);
  const decoder = decoderOf(name);
  const pieces = cut(latin1(encode(original))).map((piece) => Buffer.from(decoder.decode(piece)));
  const decoded = Buffer.concat([...pieces, decoder.end()]);
  // QP writers end with a line; what a text decoder gives is UTF-8.
  const isText = name.startsWith('utf');
  const expected = isText ? Buffer.from(original.toString('latin1')) : original;
  const end = name === 'quoted-printable' ? decoded.subarray(0, expected.length) : decoded;
  assert.deepEqual(end, expected, name);
}

export const encodings: Target = {
  ...usualBounds,
  name: 'encodings',
  tokens: ['\0', '\x90', '\x90\0', '=', '.', '\r\n', ' ', '\xff', '\x13', '\xd6', '\xe0', '+', '%'],
  inputBytesMax: 1024,
  bufferBytesMax: (inputBytes) => 16 * inputBytes + 256 * 1024,
  stepsMax: (inputBytes) => 5000 * inputBytes + 200_000,
  valid: chosen(ways.length, fc.oneof(bytes(60), bytes(300))),
  check,
};
