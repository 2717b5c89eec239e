import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { parseConfig, type Config } from '../../src/daemon/config.ts';
import { Daemon } from '../../src/daemon/daemon.ts';
import { Log } from '../../src/daemon/log.ts';
import { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeNextHop } from '../support/fake-next-hop.ts';
import { until } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

let folder: Folder;
let daemon: Daemon;
let log: Log;

beforeEach(async () => {
  folder = makeFolder();
  const config = configWith('control.sock', 'first');
  log = new Log(config.log, systemClock, new PassThrough().resume());
  daemon = newDaemon(config);
  await daemon.adopt(config);
});
afterEach(async () => {
  await daemon.stop();
  folder.remove();
});

function newDaemon(config: Config): Daemon {
  const nothing = (): void => undefined;
  const clock = systemClock;
  return new Daemon(config, { clock, log, observe: nothing, observeHandover: nothing });
}

async function started(config: Config): Promise<Daemon> {
  const starting = newDaemon(config);
  await starting.adopt(config);
  return starting;
}

interface Programs {
  readonly clamd: FakeClamd;
  readonly nextHop: FakeNextHop;
}

/** Beside the other daemon, with sockets and a ledger of its own. */
function secondConfig({ clamd, nextHop }: Programs): Config {
  const { path } = folder;
  return parseConfig(
    `[[listener]]
protocol = "smtp"
address = "unix:${path}/second.sock"
next_hop = "${nextHop.address}"
[clamd]
endpoints = ["${clamd.address.name}"]
[control]
address = "unix:${path}/control.sock"
[spool]
directory = "${path}/second-spool"
[quarantine]
directory = "${path}/quarantine"
[ledger]
file = "${path}/second/ledger.db"
`,
    'f',
  );
}

function openLedger({ ledger }: Config): Promise<SqliteLedger> {
  const warn = (): void => undefined;
  return SqliteLedger.open({ ...ledger, clock: systemClock, commitMsMax: 1000, warn });
}

function configWith(control: string, text: string, ledger = ''): Config {
  const { path } = folder;
  return parseConfig(
    `[[listener]]
protocol = "smtp"
address = "unix:${path}/listener.sock"
next_hop = "unix:${path}/next-hop.sock"
[control]
address = "unix:${path}/${control}"
[spool]
directory = "${path}/spool"
[quarantine]
directory = "${path}/quarantine"
[ledger]
file = "${path}/ledger/ledger.db"
${ledger}
[header]
text = "${text}"
`,
    'f',
  );
}

test('another control address is refused with all that came with it, and the words say how', async () => {
  const adopting = daemon.adopt(configWith('other.sock', 'second'));
  await expect(adopting).rejects.toMatchObject({
    code: 'CONFIG',
    message: `[control] address changes only at a restart; it stays unix:${folder.path}/control.sock`,
  });
  expect(daemon.config.header.text).toBe('first');
  await daemon.adopt(configWith('control.sock', 'third'));
  expect(daemon.config.header.text).toBe('third');
});

test('a reload that is under way when it stops opens nothing any more', async () => {
  const { path } = folder;
  const adopting = daemon.adopt(configWith('control.sock', 'second'));
  const stopping = daemon.stop();
  await expect(adopting).rejects.toThrow('shutdown');
  await stopping;
  expect(daemon.listening).toEqual([]);
  const refused = once(connect(`${path}/listener.sock`), 'connect');
  await expect(refused).rejects.toMatchObject({ code: 'ENOENT' });
  daemon = await started(configWith('control.sock', 'third'));
});

test('a start that fails leaves nothing open that would keep the process', async () => {
  const { listeners, ledger, ...rest } = configWith('control.sock', 'second');
  const file = `${folder.path}/second/ledger.db`;
  const second = { ...rest, listeners, ledger: { ...ledger, file } };
  await expect(newDaemon(second).adopt(second)).rejects.toThrow('in use');
  // Whoever has it open, holds it against others.
  await (await openLedger(second)).close();
});

test('going down ends the scans that nobody waits for, and they do not count as broken', async () => {
  const [clamd, nextHop] = await Promise.all([FakeClamd.start(), FakeNextHop.start()]);
  clamd.usual = { step: 'hold' };
  const config = secondConfig({ clamd, nextHop });
  const second = newDaemon(config);
  await second.adopt(config);
  const content = 'Subject: x\r\n\r\nbody\r\n';
  const peer = connect(`${folder.path}/second.sock`).resume();
  peer.write(`EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n${content}.\r\n`);
  await until(() => clamd.held === 1, 'the scan runs');
  peer.destroy();
  await until(() => second.load.transactions === 0, 'the peer is missed');
  await second.stop();
  await Promise.all([clamd.stop(), nextHop.stop()]);
  const ledger = await openLedger(config);
  expect(ledger.brokenScans(createHash('sha256').update(content).digest('hex'))).toBe(0);
  await ledger.close();
});

test('workers take its messages apart, as many as the configuration says, to the end', async () => {
  const [clamd, nextHop] = await Promise.all([FakeClamd.start(), FakeNextHop.start()]);
  const config = { ...secondConfig({ clamd, nextHop }), workers: 2 };
  const second = await started(config);
  expect([daemon.load.workers, second.load.workers]).toEqual([undefined, 2]);
  await expect(second.adopt({ ...config, workers: 3 })).rejects.toThrow(
    'workers changes only at a restart; it stays 2',
  );
  const content = messages.message(messages.withAttachment('a', Buffer.from('harmless')));
  const peer = connect(`${folder.path}/second.sock`).resume();
  peer.write('EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n');
  peer.write(Buffer.concat([content, Buffer.from('.\r\n')]));
  await until(() => nextHop.messages.length === 1, 'it is handed over');
  const sent = clamd.streams.map(({ bytes }) => bytes.toString());
  expect(sent.slice(1)).toEqual(['See file.\r\n', 'harmless']);
  peer.destroy();
  await second.stop();
  expect(second.load.workers).toBe(0);
  await Promise.all([clamd.stop(), nextHop.stop()]);
});

test('what is done to the ledger is done by the daemon that has it open', async () => {
  const order = { attempt: 'a1', state: 'aborted' } as const;
  expect(await daemon.changeable.ledger.settle(order)).toEqual({ kind: 'nothing-open' });
  const { before, after } = await daemon.changeable.ledger.compact();
  expect(before).toBeGreaterThanOrEqual(after);
  expect(after).toBeGreaterThan(20_000);
  const status = { usable: true, unsettled: 0, inDoubt: 0, bytes: after };
  expect(await daemon.ledgerStatus()).toEqual(status);
});

test('a ledger that cannot be used is told of, and nothing can be done to it', async () => {
  await daemon.stop();
  folder.write('ledger/ledger.db', 'no database');
  daemon = await started(configWith('control.sock', 'first'));
  expect(await daemon.ledgerStatus()).toMatchObject({ usable: false, bytes: 11 });
  await expect(daemon.changeable.ledger.compact()).rejects.toMatchObject({ code: 'STORE' });
  const order = { attempt: 'a1', state: 'aborted' } as const;
  await expect(daemon.changeable.ledger.settle(order)).rejects.toMatchObject({ code: 'STORE' });
});

test('a ledger that is switched off has no status', async () => {
  await daemon.stop();
  daemon = await started(configWith('control.sock', 'first', 'enabled = false'));
  expect(await daemon.ledgerStatus()).toBeUndefined();
  await expect(daemon.changeable.ledger.compact()).rejects.toThrow('the ledger is switched off');
});
