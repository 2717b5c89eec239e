/** Any bytes in each state: nothing is thrown, events come in order, replies and memory are bounded. */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ServerEvent } from '../../../src/protocol/smtp/server-session.ts';
import {
  accept,
  type Answer,
  defer,
  limits,
  type Manner,
  newSession,
  Peer,
  refuse,
} from './converse.ts';

/** What leads into each state, once all has been answered with yes. */
const ways = {
  connected: '',
  ready: 'EHLO x\r\n',
  transaction: 'EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n',
  data: 'EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n',
  closed: 'QUIT\r\n',
} as const;

const words = fc.constantFrom(
  'EHLO x\r\n',
  'LHLO x\r\n',
  'HELO x\r\n',
  'MAIL FROM:<a@b>\r\n',
  'MAIL FROM:<>',
  'RCPT TO:<c@d>\r\n',
  'RCPT TO:<\r\n',
  'DATA\r\n',
  'x\r\n',
  '.\r\n',
  '\r\n.\r\n',
  'RSET\r\n',
  'NOOP\r\n',
  'QUIT\r\n',
  'WHAT\r\n',
  'BDAT 3\r\n',
  'XFORWARD NAME=x\r\n',
  ' SIZE=99999',
  ' SMTPUTF8',
  ' X=',
  '\r',
  '\n',
  '\r\n',
  '\0',
  '\xff',
  '.',
  'y'.repeat(250),
);
const chunk = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(words, { minLength: 1, maxLength: 8 })
      .map((all) => Buffer.from(all.join(''), 'latin1')),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)) },
);
const verdicts = fc.array(fc.constantFrom(accept, accept, accept, refuse, defer), { minLength: 1 });

/** Which events may follow which; content and end-of-data only where DATA was not refused. */
const follow: Record<string, readonly string[]> = {
  start: ['mail', 'close'],
  // MAIL may be refused, and so may DATA: then no reset is due.
  mail: ['rcpt', 'mail', 'reset', 'close'],
  rcpt: ['rcpt', 'mail', 'data', 'reset', 'close'],
  data: ['content', 'end-of-data', 'mail', 'reset', 'close'],
  content: ['end-of-data', 'reset'],
  'end-of-data': ['mail', 'close'],
  reset: ['mail', 'close'],
  close: [],
};

function check(
  way: string,
  chunks: readonly Buffer[],
  answer: (event: ServerEvent) => Answer,
  manner: Manner,
  flavour: 'smtp' | 'lmtp',
): void {
  let saidYes = true;
  let open = 0;
  let ended = 0;
  const peer = new Peer(
    newSession({ flavour }),
    (event) => {
      const given = saidYes ? (event.type === 'data' ? undefined : accept) : answer(event);
      const positive = given === undefined || ('code' in given && given.code < 300);
      if (event.type === 'mail' && positive) open += 1;
      if (event.type === 'data' && !positive) ended += 1;
      return given;
    },
    manner,
  );
  peer.session.greet();
  peer.run();
  peer.send(Buffer.from(flavour === 'lmtp' ? way.replace('EHLO', 'LHLO') : way));
  saidYes = false;
  for (const bytes of chunks) {
    peer.send(bytes);
    expect(peer.session.backlog).toBeLessThan(limits.commandBytesMax);
  }
  peer.hangUp();

  const { events, output } = peer.transcript;
  const types = events.map((event) => event.split(' ', 1)[0] ?? '');
  types.reduce((before, type) => {
    expect(`${before}: ${(follow[before] ?? []).join(' ')} `).toContain(` ${type} `);
    return type;
  }, 'start');
  expect(types.at(-1)).toBe('close');
  ended += types.filter((type) => type === 'reset' || type === 'end-of-data').length;
  expect(ended).toBe(open); // Each open transaction ends, and ends once.

  const replies = output.split('\r\n');
  expect(replies.pop()).toBe('');
  for (const line of replies) expect(line).toMatch(/^[2-5]\d\d[ -][\x20-\x7e]{1,100}$/);
  const lines = Buffer.concat([Buffer.from(way), ...chunks]).filter((byte) => byte === 0x0a).length;
  const recipients = types.filter((type) => type === 'rcpt').length;
  const final = replies.filter((line) => line[3] === ' ').length;
  expect(final).toBeLessThanOrEqual(1 + lines + recipients);
}

describe.each(Object.entries(ways))('in the state %s', (_, way) => {
  test.each(['smtp', 'lmtp'] as const)('%s', (flavour) => {
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 6 }),
        verdicts,
        fc.constantFrom<Manner>('at once', 'late'),
        (chunks, given, manner) => {
          let turn = 0;
          const answer = (event: ServerEvent): Answer => {
            const verdict = given[turn++ % given.length] ?? accept;
            return event.type === 'data' && verdict.code < 300 ? undefined : verdict;
          };
          check(way, chunks, answer, manner, flavour);
        },
      ),
      { numRuns: 150 },
    );
  });
});
