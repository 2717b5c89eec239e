/** Each decoder of src/reading, which the first byte chooses: the same at any cut, and no flood. */
import assert from 'node:assert/strict';
import { type DecoderName, type EbcdicName, ebcdicNames } from '../../../src/reading/decoder.ts';
import { decoderOf } from '../../../src/reading/decoders.ts';
import { holds, latin1, type Target, usualBounds, whole } from '../target.ts';
import { chosen, sequenceOf } from '../valid.ts';

const ebcdicGrowths = Object.fromEntries(ebcdicNames.map((name) => [name, 1])) as Record<
  EbcdicName,
  number
>;
/** With how many bytes one of the input can become: what none of them is to go beyond. */
const growths: Readonly<Record<DecoderName, number>> = {
  'as it stands': 1,
  base64: 1,
  'base64 with = left out': 1,
  'base64 with = as zero': 1,
  'base64 with URL-safe letters': 1,
  'base64, each line by itself': 1,
  'base64 in folded lines': 1,
  'base64 without lines that hold anything else': 1,
  'base64 in lines of whole quanta': 1,
  'quoted-printable': 1,
  'quoted-printable without broken escapes': 1,
  'quoted-printable without control characters': 1,
  'quoted-printable as Python has it': 1,
  // Half a line of data counts as a whole one.
  uuencode: 2,
  'uuencode of any lines': 1,
  xxencode: 2,
  yEnc: 1,
  'yEnc with dots as they stand': 1,
  // A run of 255 bytes has three, and those four letters.
  BinHex: 64,
  'signed CMS': 1,
  // And the ten bytes in front.
  'deflated, as gzip': 11,
  'percent-encoding': 1,
  'HTML references': 1,
  'flowed text, joined': 1,
  'utf-7': 3,
  // A letter above 127 is one byte here.
  'backslash escapes': 1,
  'utf-16le': 2,
  'utf-16be': 2,
  'utf-32le': 1,
  'utf-32be': 1,
  ...ebcdicGrowths,
  'iso-2022': 1,
  hz: 1,
};
const names = Object.keys(growths) as DecoderName[];

const tokens = [
  '~',
  '~{',
  '\x1b(B',
  '\x0e',
  '&#65;',
  '&colon;',
  '&',
  '==4',
  '=',
  '==',
  '=\r\n',
  '= \t\r\n',
  '=41',
  '=4',
  '\r\n',
  '\n',
  '\r',
  ' ',
  'QUJD',
  'QQ==',
  'Q',
  '-_',
  '!',
]
  .concat([
    '#04)#',
    'M',
    '`',
    'end',
    '=y',
    '..',
    '.',
    '%41',
    '%',
    '+AFg-',
    '+-',
    '+2D3eAA-',
    '\xd8\x3d\xde\x00',
  ])
  .concat([
    '\x3d\xd8\x00\xde',
    '\xff\xfe',
    '\0',
    '\x90\x05',
    ':',
    '\xc1\xba',
    ' \r\n',
    '\r\n:#"N',
    'a'.repeat(63),
  ]);

function decode(name: DecoderName, pieces: readonly Buffer[]): unknown {
  const decoder = decoderOf(name);
  const out = pieces.map((piece) => Buffer.from(decoder.decode(piece)));
  out.push(Buffer.from(decoder.end()));
  return { bytes: Buffer.concat(out), others: decoder.others };
}

function check(input: Buffer): void {
  const name = names[(input[0] ?? 0) % names.length] ?? 'as it stands';
  const bytes = input.subarray(1);
  const decoded = whole(bytes, (pieces) => decode(name, pieces)) as {
    bytes: Buffer;
    others: DecoderName[];
  };
  const most = growths[name] * bytes.length + 3;
  holds(
    decoded.bytes.length <= most,
    `${name}: ${decoded.bytes.length} bytes out of ${bytes.length}`,
  );
  for (const other of decoded.others) {
    assert.deepEqual(decoderOf(other).others, [], 'another way does not lead to further ones');
  }
  if (name === 'base64') likeNode(bytes, decoded.bytes);
}

/** Where it is regular, Node's decoder is another opinion. */
function likeNode(bytes: Buffer, decoded: Buffer): void {
  const text = bytes.toString('latin1');
  if (
    !/^(?:(?:[A-Za-z0-9+/]{4})*\r\n)*(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(
      text,
    )
  )
    return;
  assert.deepEqual(decoded, Buffer.from(text, 'base64'));
}

export const decoders: Target = {
  ...usualBounds,
  name: 'decoders',
  tokens,
  bufferBytesMax: (inputBytes) => 64 * inputBytes + 256 * 1024,
  valid: chosen(
    names.length,
    sequenceOf(tokens, 24).map((some) => latin1(some.toString('latin1'))),
  ),
  check,
};
