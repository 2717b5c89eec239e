/** The ledger, the commit question and the witness as the daemon opens them. */
import { once as event } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import { Log } from '../../src/daemon/log.ts';
import { Once } from '../../src/daemon/once.ts';
import { SystemdSockets } from '../../src/daemon/systemd-sockets.ts';
import type { HandoverEvent } from '../../src/engine/earlier-attempts.ts';
import { OperationalError } from '../../src/errors.ts';
import { type Folder, makeFolder } from '../support/config-file.ts';
import { entry } from '../support/ledgers.ts';
import { until } from '../support/memory-content.ts';

let folder: Folder;
let opened: Once[];
let events: HandoverEvent[];
let logged: string;

beforeEach(() => {
  folder = makeFolder();
  opened = [];
  events = [];
  logged = '';
});
afterEach(async () => {
  for (const one of opened) await one.close();
  folder.remove();
});

async function open(ledger = '', commit = ''): Promise<Once> {
  const { path } = folder;
  const config = parseConfig(
    `hostname = "mx.test"
[[listener]]
protocol = "smtp"
address = "127.0.0.1:10024"
next_hop = "127.0.0.1:10025"
[ledger]
file = "${path}/ledger/l.db"
${ledger}
${commit}`,
    'f',
  );
  const output = new PassThrough();
  output.on('data', (bytes: Buffer) => (logged += bytes.toString()));
  const log = new Log(config.log, systemClock, output);
  const one = await Once.open(config, {
    clock: systemClock,
    log,
    observe: (seen) => events.push(seen),
    sockets: new SystemdSockets([]),
  });
  opened.push(one);
  return one;
}

const never = new AbortController().signal;
const message = { queueId: 'Q0', digest: 'd' };
const to = { address: 'b@example.org', parameters: [] };

const commitTable = (): string => `[commit]
address = "unix:${folder.path}/commit/commit.sock"
witness = "unix:${folder.path}/witness.sock"`;

/** What a Postfix is answered. */
async function ask(heloName: string): Promise<string> {
  const socket = connect(`${folder.path}/commit/commit.sock`);
  socket.write(
    `request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nhelo_name=${heloName}\n` +
      'queue_id=N1\ninstance=i\n\n',
  );
  const [bytes] = (await event(socket, 'data')) as [Buffer];
  socket.destroy();
  return bytes.toString();
}

test('what one daemon has handed over the next one knows', async () => {
  const first = await open();
  const handover = await first.handovers.claim(message, [to], 'hop', never);
  await handover.end(first.handovers.nameAttempt('mx.test'), 'discarded');
  await first.close();
  opened = [];
  const second = await open();
  expect((await second.handovers.claim(message, [to], 'hop', never)).due).toEqual([]);
});

test('a ledger that is damaged: started all the same, everything is put off, and said loudly', async () => {
  await (await open()).close();
  opened = [];
  writeFileSync(`${folder.path}/ledger/l.db`, 'no database');
  const one = await open();
  expect(one.problem).toMatch(/\S/);
  expect(logged).toContain('"event":"ledger-unusable"');
  await expect(one.handovers.claim(message, [to], 'hop', never)).rejects.toThrow(OperationalError);
});

test('without a ledger nothing is known and nothing in the way', async () => {
  const one = await open('enabled = false');
  const handover = await one.handovers.claim(message, [to], 'hop', never);
  await handover.end(one.handovers.nameAttempt('mx.test'), 'discarded');
  handover.release();
  expect((await one.handovers.claim(message, [to], 'hop', never)).due).toEqual([to]);
  expect(one.problem).toBeUndefined();
});

test('the commit question is answered where it is asked', async () => {
  const one = await open('', commitTable());
  expect(await ask('mail.example.org')).toBe('action=DUNNO\n\n');
  expect(await ask('nobody.clamgate.mx.test')).toMatch(/^action=451 4\.3\.0 /);
  const handover = await one.handovers.claim(message, [to], 'hop', never);
  const attempt = one.handovers.nameAttempt('mx.test');
  expect(attempt.helloName).toMatch(/^[0-9a-z]{8}-[0-9a-f-]{36}\.clamgate\.mx\.test$/);
  await handover.begin(attempt);
  expect(await ask(attempt.helloName)).toBe('action=DUNNO\n\n');
  expect(one.ledger.find('Q0')).toMatchObject([{ state: 'prepared', nextQueueId: 'N1' }]);
  expect(events).toEqual([{ kind: 'no-witness', nextQueueId: 'N1' }]);
  expect(logged).toContain('"event":"no-witness"');
});

test('a socket that cannot be opened is an error of the configuration, and nothing stays open', async () => {
  writeFileSync(`${folder.path}/commit`, '');
  await expect(open('', commitTable())).rejects.toMatchObject({ code: 'CONFIG' });
  await expect(open()).resolves.toBeDefined();
});

test('what was left in doubt is settled or told of at the start', async () => {
  const first = await open();
  const handover = await first.handovers.claim(message, [to], 'hop', never);
  await handover.begin(first.handovers.nameAttempt('mx.test'));
  await first.close();
  opened = [];
  const second = await open();
  await until(() => events.length > 0, 'it is told of');
  expect(second.ledger.unsettled().map(({ state }) => state)).toEqual(['in-doubt']);
  expect(events.map(({ kind }) => kind)).toEqual(['in-doubt']);
});

test('what is at work is not counted as unsettled; what is in doubt is counted apart', async () => {
  const one = await open();
  const live = one.handovers.nameAttempt('mx.test');
  const states = { [live.id]: 'sending', a1: 'sending', a2: 'in-doubt', a3: 'delivered' } as const;
  const entries = Object.entries(states).map(([attempt, state]) => entry({ attempt, state }));
  await one.ledger.commit([{ kind: 'begin', entries }]);
  expect(await one.ledgerStatus()).toMatchObject({ usable: true, unsettled: 2, inDoubt: 1 });
  one.handovers.forget(live);
  expect(await one.ledgerStatus()).toMatchObject({ unsettled: 3, inDoubt: 1 });
});

test('what becomes of a handover is counted and logged', async () => {
  const one = await open();
  await one.ledger.commit([{ kind: 'begin', entries: [entry({ state: 'in-doubt' })] }]);
  await one.handovers.settle({ attempt: 'a1', state: 'delivered' });
  expect(events).toMatchObject([{ kind: 'settled-by-hand', attempt: 'a1' }]);
  expect(logged).toContain('"event":"settled-by-hand","attempt":"a1"');
});
