import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { handoverLog } from '../../src/daemon/handover-log.ts';
import { Log } from '../../src/daemon/log.ts';
import type { HandoverEvent } from '../../src/engine/earlier-attempts.ts';
import { FakeClock } from '../support/fake-clock.ts';

const clock = new FakeClock();

function logged(...events: HandoverEvent[]): string[] {
  const stream = new PassThrough({ encoding: 'utf8' });
  const tell = handoverLog(new Log({ format: 'text', level: 'info' }, clock, stream), clock);
  for (const event of events) tell(event);
  const text = (stream.read() as string | null) ?? '';
  return text.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/^\S+ /, '')]));
}

const noWitness: HandoverEvent = { kind: 'no-witness', nextQueueId: 'N1' };
const a1 = { attempt: 'a1', queueId: 'Q1' };

test.each<[HandoverEvent, RegExp]>([
  [{ kind: 'recovered', ...a1, state: 'delivered' }, /^INFO recovered .*state=delivered/],
  [{ kind: 'ledger-failed', attempt: 'a1', detail: 'full' }, /^ERROR ledger .*detail=full/],
  [{ kind: 'in-doubt', ...a1, rule: 'retry' }, /^WARN in-doubt attempt=a1 queueId=Q1 rule=retry/],
  [
    { kind: 'settled-by-hand', ...a1, recipients: ['b', 'c'], state: 'aborted' },
    /^WARN settled-by-hand attempt=a1 queueId=Q1 recipients=\[b,c\] state=aborted/,
  ],
  [noWitness, /^WARN no-witness nextQueueId=N1/],
])('%j', (event, line) => {
  expect(logged(event)).toEqual([expect.stringMatching(line)]);
});

test('a next hop that does not ask: what follows, and what mends it', () => {
  const [line] = logged({ kind: 'not-asked', nextHop: '127.0.0.1:10025' });
  expect(line).toMatch(/^WARN not-asked nextHop=127\.0\.0\.1:10025 detail=/);
  for (const word of ['in doubt', 'smtpd_end_of_data_restrictions', '`clamgate postfix`']) {
    expect(line).toContain(word);
  }
});

test('what comes with every message is said once in a while', () => {
  expect(logged(noWitness, noWitness, noWitness)).toHaveLength(1);
});
