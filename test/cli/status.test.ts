import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';
import { aStatus, someLoad } from '../support/pool.ts';
import { startControl, type TestControl } from '../support/control.ts';
import { runCli } from '../support/run-cli.ts';

let folder: Folder;
let socket: string;
let config: string;
let daemon: TestControl | undefined;

beforeEach(() => {
  folder = makeFolder();
  socket = `${folder.path}/control.sock`;
  config = folder.write('c.toml', tomlWith(`[control]\naddress = "unix:${socket}"`));
});
afterEach(async () => {
  await daemon?.control.close();
  daemon = undefined;
  folder.remove();
});

test('a daemon that is ready', async () => {
  daemon = await startControl(socket);
  const { code, out, err } = await runCli(['status', '-c', config]);
  expect([code, err]).toEqual([0, '']);
  expect(out).toBe(
    `clamgate    1.2.3, up since 1970-01-01T00:00:00.000Z
ready       yes
listening   127.0.0.1:10024
load        3 sessions, 2 messages, 1 waiting
clamd       unix:/a ready since 1970-01-01T00:00:00.000Z, 2 of 8 streams: ClamAV 1.4
            limits: it says when it reaches one
scanning    2 streams, 1 waiting for a clamd; p50 10 ms, p95 20 ms, p99 30 ms
quarantine  5 messages, 1K
ledger      40K, 7 unsettled, 2 of them in doubt
`,
  );
});

test('one with workers', async () => {
  const load = { sessions: 0, transactions: 0, waiting: 0, workers: 3 };
  daemon = await startControl(socket, { load: () => load });
  const { out } = await runCli(['status', '-c', config]);
  expect(out).toMatch(/^workers {5}3 running$/m);
});

test('one that is not', async () => {
  daemon = await startControl(socket, { stopping: () => true });
  const { code, out } = await runCli(['status', '-c', config]);
  expect(code).toBe(1);
  expect(out).toContain('ready       no\n            the daemon is going down\n');
});

test('clamds that are not well, and a storm', async () => {
  const on = { on: true, since: 60_000, detail: 'disk pressure 71 % (level 60 %)', pressure: {} };
  daemon = await startControl(socket, {
    clamd: () => [
      aStatus({
        draining: true,
        drainedUntil: 5000,
        limitAlerts: 'silent',
        fileBytesMax: 10_000_000,
      }),
      aStatus({ endpoint: 'unix:/b', ok: false, state: 'lying', detail: 'called EICAR clean' }),
    ],
    scanning: () => ({ ...someLoad, storm: on, skewed: true }),
  });
  const { out } = await runCli(['status', '-c', config]);
  expect(out).toContain('2 of 8 streams, draining until 1970-01-01T00:00:05.000Z: ClamAV');
  expect(out).toContain('            limits: SILENT about what it skips');
  expect(out).toContain('            limits: it looks at files of up to 10000000 bytes');
  expect(out).toMatch(/^clamd +unix:\/b lying since 1970\S+, 2 streams: called EICAR clean$/m);
  expect(out).toMatch(
    /^storm +since 1970-01-01T00:01:00.000Z: disk pressure 71 % \(level 60 %\)$/m,
  );
  expect(out).toContain('different signatures for hours');
});

test.each([
  [undefined, 'none'],
  [{ usable: false, unsettled: 0, inDoubt: 0, bytes: 1 }, 'cannot be used'],
])('a ledger that is %j', async (ledger, words) => {
  daemon = await startControl(socket, { ledger: () => Promise.resolve(ledger) });
  expect((await runCli(['status', '-c', config])).out).toContain(`ledger      ${words}\n`);
});

test('for programs', async () => {
  daemon = await startControl(socket);
  const { out } = await runCli(['status', '-c', config, '--json']);
  expect(JSON.parse(out)).toMatchObject({ version: '1.2.3', ready: true });
});

test('no daemon', async () => {
  const { code, out, err } = await runCli(['status', '-c', config]);
  expect([code, out]).toEqual([69, '']);
  expect(err).toMatch(/^clamgate: no answer from the daemon at unix:.*; is it running\?\n$/);
});

test('something else than our daemon', async () => {
  const other = createServer((peer) => peer.on('error', () => undefined).end('220 ESMTP\r\n'));
  other.listen(socket);
  await once(other, 'listening');
  expect((await runCli(['status', '-c', config])).code).toBe(69);
  other.close();
});
