/** clamd's answer to INSTREAM: only the exact forms are a verdict, by another way of looking. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  chunkLength,
  type InstreamReply,
  parseReply,
  replyBytesMax,
  replyWords,
} from '../../../src/protocol/clamd/instream.ts';
import { classify } from '../../../src/protocol/clamd/signature.ts';
import { holds, latin1, type Target, usualBounds } from '../target.ts';

const tokens = [
  'stream: OK\0',
  'stream: ',
  'OK',
  ' FOUND',
  '\0',
  '\n',
  '\r',
  ' ERROR',
  'Eicar-Test-Signature',
]
  .concat([
    'INSTREAM size limit exceeded. ERROR\0',
    '(null)',
    'Heuristics.Limits.Exceeded.MaxFileSize',
  ])
  .concat([
    'Heuristics.Encrypted.Zip',
    'Heuristics.OLE2.ContainsMacros',
    'COMMAND READ TIMED OUT\n',
    ' ',
  ]);

function check(input: Buffer): void {
  const reply = parseReply(input);
  assert.deepEqual(reply, expected(input));
  if (reply.kind === 'found') {
    const isHeuristic = reply.signature.startsWith('Heuristics.');
    holds(isHeuristic || classify(reply.signature) === 'infected', 'all else is malware');
  }
  holds(/^[\x20-\x7e]*$/.test(replyWords(input)), 'words for a log are printable');
  holds(replyWords(input).length <= replyBytesMax, 'and no more than allowed');
  holds(chunkLength(input.length).readUInt32BE() === input.length, 'a length is what was measured');
}

/** Without an expression, from the outside in. */
function expected(input: Buffer): InstreamReply {
  const text = input.toString('latin1');
  if (input.length > replyBytesMax) return { kind: 'failed' };
  if (text === 'stream: OK\0') return { kind: 'ok' };
  if (text === 'INSTREAM size limit exceeded. ERROR\0') return { kind: 'size-limit' };
  const [start, end] = ['stream: ', ' FOUND\0'];
  if (text.length < start.length + end.length) return { kind: 'failed' };
  if (!text.startsWith(start) || !text.endsWith(end)) return { kind: 'failed' };
  const signature = text.slice(start.length, -end.length);
  const isWhole = signature !== '' && signature.trim() === signature && !/[\0\r\n]/.test(signature);
  const hasError = signature.split(/\W/).includes('ERROR');
  return isWhole && !hasError ? { kind: 'found', signature } : { kind: 'failed' };
}

export const clamdReply: Target = {
  ...usualBounds,
  name: 'clamd-reply',
  inputBytesMax: 2 * replyBytesMax,
  tokens: [...tokens, 'x'.repeat(replyBytesMax - 20)],
  valid: fc
    .tuple(
      fc.constantFrom('stream: ', 'stream: ', ''),
      fc.array(fc.constantFrom(...tokens), { maxLength: 3 }),
      fc.constantFrom(' FOUND\0', ' FOUND\0', 'OK\0', ''),
    )
    .map(([start, middle, end]) => latin1(start + middle.join('') + end)),
  check,
};
