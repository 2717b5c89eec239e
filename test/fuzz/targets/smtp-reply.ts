/** What a next hop says: replies or nonsense, and a reply that we pass on is the same reply. */
import assert from 'node:assert/strict';
import {
  type DecodedReply,
  ReplyDecoder,
  replyLinesMax,
} from '../../../src/protocol/smtp/reply-decoder.ts';
import { encodeReply, type Reply } from '../../../src/protocol/smtp/reply.ts';
import { holds, type Target, usualBounds, whole } from '../target.ts';
import { sequenceOf } from '../valid.ts';

const tokens = [
  '250 OK\r\n',
  '250-x\r\n',
  '250 2.0.0 OK\r\n',
  '550 5.7.1 No\r\n',
  '421 4.3.2 Bye\r\n',
]
  .concat([
    '354 Go\r\n',
    '220 x ESMTP\r\n',
    '250\r\n',
    '450-4.1.1 a\r\n450 4.1.1 b\r\n',
    '\r\n',
    '\n',
    '\r',
  ])
  .concat([
    '\0',
    '\xff',
    '250-PIPELINING\r\n',
    '199 x\r\n',
    '600 x\r\n',
    '2.0.0 ',
    'x'.repeat(2046),
  ]);

function decode(pieces: readonly Buffer[]): readonly DecodedReply[] {
  const decoder = new ReplyDecoder();
  const all: DecodedReply[] = [];
  for (const piece of pieces) {
    decoder.receive(piece);
    for (let one = decoder.next(); one !== undefined; one = decoder.next()) {
      if (all.at(-1)?.kind === 'nonsense') break;
      all.push(one);
    }
  }
  return all;
}

function check(input: Buffer): void {
  for (const decoded of whole(input, decode)) if (decoded.kind === 'reply') passedOn(decoded.reply);
}

function passedOn(reply: Reply): void {
  holds(reply.lines.length <= replyLinesMax, 'a reply has no more lines than allowed');
  holds(reply.code >= 200 && reply.code < 600, 'a code of SMTP');
  const bytes = encodeReply(reply);
  const lines = bytes.toString('latin1').split('\r\n');
  holds(lines.length === reply.lines.length + 1, 'no line of it becomes two');
  const [again, ...more] = decode([bytes]);
  // Ours are longer by an enhanced code on each line, so they may be too long for ourselves.
  if (again?.kind !== 'reply' || lines.some((line) => line.length > 2000)) return;
  holds(more.length === 0, 'a reply stays one reply');
  const plain = (lines: readonly string[]): string[] =>
    lines.map((line) => line.replaceAll('\t', '?'));
  assert.deepEqual(
    { ...again.reply, lines: plain(again.reply.lines) },
    { ...reply, lines: plain(reply.lines) },
  );
}

export const smtpReply: Target = {
  ...usualBounds,
  name: 'smtp-reply',
  tokens,
  valid: sequenceOf(tokens, 12),
  check,
};
