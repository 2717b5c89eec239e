import { expect, test } from '@jest/globals';
import { type Answer, inSituation } from '../../src/engine/answer.ts';
import { type Course, describe as describeOutcome } from '../../src/engine/describe.ts';
import { Intake } from '../../src/engine/intake.ts';
import { abandoned, type Outcome, refused } from '../../src/engine/outcome.ts';
import { Scans } from '../../src/engine/scans.ts';
import { HeaderCollector } from '../../src/protocol/message/header.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import { Spool } from '../../src/store/spool.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { StandInScanner } from '../support/stand-ins.ts';

const ms = { wait: 1, receive: 2, scan: 3, handover: 4, total: 10 };
const path = (address: string): Course['reversePath'] => ({ address, parameters: [] });
const said = (code: number, text: string): Answer => ({
  kind: 'next-hop',
  reply: reply(code, '2.0.0', text),
});
const course: Course = {
  id: 'id1',
  time: 5,
  listener: 'test',
  client: { ident: 'FROM-IDENT' },
  reversePath: path('a@example.net'),
  recipients: [{ path: path('b@example.org'), answer: said(250, 'Ok') }],
  intake: undefined,
  ms,
};

function arrived(text: string, end: boolean): Intake {
  const spool = new Spool({ files: new MemoryFiles(), directory: '/', memoryBytes: 1000 });
  const intake = new Intake(
    spool,
    new HeaderCollector(1000),
    new Scans({ scanner: new StandInScanner(), ledger: noLedger, clock: new FakeClock() }),
  );
  void intake.write(Buffer.from(text));
  if (end) intake.finish();
  return intake;
}

test('a transaction that came to no message', () => {
  expect(describeOutcome(abandoned, course)).toEqual({
    id: 'id1',
    time: 5,
    listener: 'test',
    client: { ident: 'FROM-IDENT' },
    queueId: 'FROM-IDENT',
    sender: 'a@example.net',
    reversePath: undefined,
    recipients: [{ address: 'b@example.org' }],
    size: 0,
    findings: [],
    coverage: 'none',
    streams: [],
    outcome: 'abandoned',
    ms,
  });
});

test('the queue id of the topmost Received goes before XFORWARD IDENT', () => {
  const received =
    'Received: by mx (Postfix, from userid 0)\r\n\tid 4XyZ123456z1; Sat, 21 Nov 2026 00:00:00 +0000 (UTC)\r\n';
  const intake = arrived(`${received}Message-ID: <m@x>\r\n\r\nx\r\n`, true);
  expect(describeOutcome(abandoned, { ...course, intake })).toMatchObject({
    queueId: '4XyZ123456z1',
    messageId: '<m@x>',
  });
});

test('size and digest: the digest only of what is whole', () => {
  const whole = describeOutcome(abandoned, { ...course, intake: arrived('x: y\r\n', true) });
  expect(whole.size).toBe(6);
  expect(whole.digest).toMatch(/^[0-9a-f]{64}$/);
  const part = describeOutcome(abandoned, { ...course, intake: arrived('x: y\r\n', false) });
  expect(part.size).toBe(6);
  expect(part).not.toHaveProperty('digest');
});

test('recipients: the words of the next hop where it refused them', () => {
  const record = describeOutcome(abandoned, {
    ...course,
    recipients: [
      { path: path('b@example.org'), answer: said(250, 'Ok') },
      { path: path('c@example.org'), answer: said(550, 'no') },
      { path: path('d@example.org') },
    ],
  });
  expect(record.recipients).toEqual([
    { address: 'b@example.org' },
    { address: 'c@example.org', outcome: 'rejected', reply: reply(550, '2.0.0', 'no') },
    { address: 'd@example.org' },
  ]);
});

test('recipients over LMTP: each its own words at the dot', () => {
  const recipients = [
    { path: path('b@example.org'), answer: said(250, 'Ok') },
    { path: path('c@example.org'), answer: said(550, 'no') },
    { path: path('d@example.org'), answer: said(250, 'Ok') },
  ];
  const outcome: Outcome = {
    kind: 'relayed',
    answers: [said(250, 'in'), said(452, 'full')],
    ends: ['relayed', 'deferred'],
  };
  expect(describeOutcome(outcome, { ...course, recipients }).recipients).toEqual([
    { address: 'b@example.org', reply: reply(250, '2.0.0', 'in') },
    { address: 'c@example.org', outcome: 'rejected', reply: reply(550, '2.0.0', 'no') },
    { address: 'd@example.org', outcome: 'deferred', reply: reply(452, '2.0.0', 'full') },
  ]);
});

test.each<[string, Outcome, object]>([
  [
    'relayed: the reply, and the queue id in it',
    { kind: 'relayed', answers: [said(250, 'Ok: queued as 4F3bXYZ')] },
    {
      outcome: 'relayed',
      reply: reply(250, '2.0.0', 'Ok: queued as 4F3bXYZ'),
      nextHopQueueId: '4F3bXYZ',
    },
  ],
  [
    'deferred: the situation and the detail',
    refused('scan-failed', 'why'),
    { outcome: 'deferred', situation: 'scan-failed', detail: 'why' },
  ],
  [
    'quarantined: under which id',
    { kind: 'quarantined', answers: [inSituation('taken')], quarantineId: 'Q1' },
    { outcome: 'quarantined', situation: 'taken', quarantineId: 'Q1' },
  ],
  [
    'verdict, coverage, findings and streams',
    {
      kind: 'rejected',
      answers: [],
      findings: [{ kind: 'infected', stream: '1', detail: 'Eicar' }],
      verdict: { kind: 'infected', action: 'reject', coverage: 'full', unscanned: [], because: [] },
      report: { findings: [], parts: [], streams: [] },
    },
    {
      verdict: 'infected',
      coverage: 'full',
      findings: [{ kind: 'infected', stream: '1', detail: 'Eicar' }],
    },
  ],
])('%s', (_, outcome, expected) => {
  expect(describeOutcome(outcome, course)).toMatchObject(expected);
});

test('another next hop gives no queue id that we would guess', () => {
  const outcome: Outcome = { kind: 'relayed', answers: [said(250, 'Message accepted 17')] };
  expect(describeOutcome(outcome, course)).not.toHaveProperty('nextHopQueueId');
});
