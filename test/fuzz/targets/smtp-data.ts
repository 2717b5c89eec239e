/** Message data: decoded the same at any cut, and what goes out comes in again as it was. */
import assert from 'node:assert/strict';
import { DataDecoder, type Violations } from '../../../src/protocol/smtp/data.ts';
import { DataEncoder } from '../../../src/protocol/smtp/data-encoder.ts';
import { cut, holds, type Target, usualBounds, whole } from '../target.ts';
import { chosen, sequenceOf } from '../valid.ts';

const tokens = [
  '.',
  '..',
  '\r\n',
  '\n',
  '\r',
  '\r\n.\r\n',
  '\r\n..\r\n',
  '\0',
  'text',
  '\r.\r',
  '\n.\n',
  ' ',
];
const messageBytesMax = 1000;
const bareCrRules = ['pass', 'refuse', 'space'] as const;

function decode(
  pieces: readonly Buffer[],
  bareCr: (typeof bareCrRules)[number],
): { content: Buffer; ended: boolean; used: number; violations: Violations } {
  const decoder = new DataDecoder({ bareCr, messageBytesMax });
  const content: Buffer[] = [];
  let total = 0;
  for (const piece of pieces) {
    if (decoder.ended) break;
    const { slices, used } = decoder.decode(piece);
    content.push(...slices.map((slice) => Buffer.from(slice)));
    total += used;
  }
  const { ended, violations } = decoder;
  return { content: Buffer.concat(content), ended, used: total, violations };
}

function encode(pieces: readonly Buffer[]): Buffer {
  const encoder = new DataEncoder();
  return Buffer.concat([...pieces.flatMap((piece) => encoder.encode(piece)), encoder.end()]);
}

function check(input: Buffer): void {
  const bareCr = bareCrRules[(input[0] ?? 0) % 3] ?? 'pass';
  const bytes = input.subarray(1);
  const { content, ended, used } = whole(bytes, (pieces) => decode(pieces, bareCr));
  holds(content.length <= messageBytesMax, 'no more content than allowed');
  holds(ended || used === bytes.length, 'all is used, or the data has ended');
  const sent = encode(cut(bytes));
  assert.deepEqual(encode([bytes]), sent, 'how it is cut makes no difference to what goes out');
  const back = decode([sent], 'pass');
  holds(back.ended && back.used === sent.length, 'the end of data is where we put it');
  const isKept = !back.violations.bareLf && !back.violations.tooLarge;
  const missing =
    bytes.length === 0 || bytes.subarray(-2).toString('latin1') === '\r\n' ? '' : '\r\n';
  if (isKept) assert.deepEqual(back.content, Buffer.concat([bytes, Buffer.from(missing)]));
}

export const smtpData: Target = {
  ...usualBounds,
  name: 'smtp-data',
  tokens,
  valid: chosen(3, sequenceOf(tokens, 40)),
  check,
};
