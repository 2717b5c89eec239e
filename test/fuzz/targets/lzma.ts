/** LZMA: the first byte of the properties, the size of what it is to come to in two, and what is packed. */
import fc from 'fast-check';
import { unpackLzma } from '../../../src/inspect/lzma.ts';
import { holds, type Target, usualBounds } from '../target.ts';

/** A header of 7z, as liblzma packs it. */
const packed = Buffer.from(
  '0000813307ae0fce9c06c5090ad02239e9e6dff366d430dc1fed19b87a6aefbb0ad1927b75d6c032f07c9c806a4c7f00' +
    '3b2bfdfb7564c0307453df8c28014a90338be027a571628b68e860cca77c98b8f51a3dfdcbe486ebe9c1316f096e469e' +
    '72ad356a0cdd95fa8770ac068e0b69a85adbdffff1a80e20',
  'hex',
);
const headBytes = 3;

function check(input: Buffer): void {
  if (input.length < headBytes) return;
  const properties = Buffer.from([input[0] ?? 0, 0, 0, 1, 0]);
  const size = input.readUInt16BE(1);
  const unpacked = unpackLzma(input.subarray(headBytes), properties, size);
  holds(unpacked === undefined || unpacked.length === size, 'it comes to what it is said to');
  const again = unpackLzma(input.subarray(headBytes), properties, size);
  holds(
    unpacked === undefined ? again === undefined : (again?.equals(unpacked) ?? false),
    'always the same',
  );
}

export const lzma: Target = {
  ...usualBounds,
  name: 'lzma',
  stepsMax: (inputBytes) => 1000 * inputBytes + 20_000_000,
  tokens: ['\0', '\xff', '\x5d', '\xff\xff\xff\xff', '\0\0\0\0', packed.toString('latin1')],
  valid: fc
    .tuple(
      fc.constantFrom(0x5d, 0, 44, 93, 224),
      fc.constantFrom(348, 100, 0, 65535),
      fc.nat(packed.length),
    )
    .map(([first, size, length]) =>
      Buffer.concat([
        Buffer.from([first, size >> 8, size & 255]),
        packed.subarray(0, length || packed.length),
      ]),
    ),
  check,
};
