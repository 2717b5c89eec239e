/** The daemon as a process: signals, reload, stale sockets, readiness, and `inject`. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askControl } from '../../src/cli/control-client.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import { message, text } from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon, type DaemonOptions } from '../support/private-daemon.ts';
import { startPostfix } from '../support/private-postfix.ts';
import { startSink, type Sink } from '../support/sink.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(120_000);
const script = join(import.meta.dirname, '../../bin/clamgate.js');
const run = promisify(execFile);

describeNeeding(['clamd'], 'the daemon', () => {
  let clamd: PrivateClamd;
  let sink: Sink;
  let daemon: PrivateDaemon;
  let port: number;
  let options: DaemonOptions;

  beforeEach(async () => {
    clamd = await PrivateClamd.start();
    sink = await startSink();
    port = await freePort();
    options = {
      listeners: [
        { protocol: 'smtp', address: `127.0.0.1:${port}`, nextHop: `127.0.0.1:${sink.port}` },
      ],
      clamd: [clamd.unix.name],
    };
    daemon = await PrivateDaemon.start(options);
  });

  afterEach(async () => {
    await daemon.close();
    await sink.stop();
    await clamd.close();
  });

  function send(bytes = message(text())): Promise<readonly string[]> {
    return submit(port, { from: '<a@client.test>', to: ['<b@sink.test>'], data: bytes });
  }

  /** The daemon has the whole message and waits for clamd. */
  async function scanning(): Promise<void> {
    for (;;) {
      const status = (await askControl(daemon.control, '/status')) as Status;
      if (status.scanning.inflight + status.scanning.waiting > 0) return;
    }
  }

  test('SIGTERM finishes what is past its final dot, and exits 0', async () => {
    clamd.pause();
    const sending = send();
    await scanning();
    daemon.signal('SIGTERM');
    await daemon.logged(/"event":"stopping"/);
    clamd.resume();
    expect((await sending)[0]).toMatch(/^250 /);
    expect(await daemon.exited()).toBe(0);
    expect(sink.messages).toHaveLength(1);
  });

  test('SIGTERM answers 451 to what does not end within the drain time, and exits 0', async () => {
    daemon.configure({ ...options, more: '[limits]\ndrain_ms = "1s"\n' });
    await daemon.restart();
    clamd.pause();
    const sending = send();
    await scanning();
    daemon.signal('SIGTERM');
    expect((await sending)[0]).toBe('451 4.3.2 System going down, try again later');
    expect(await daemon.exited()).toBe(0);
    expect(sink.messages).toEqual([]);
    clamd.resume();
  });

  test('SIGTERM while idle sessions are open tells them and ends', async () => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    while (!heard.includes('220 ')) await new Promise(setImmediate);
    expect(await daemon.stop()).toBe(0);
    while (!heard.includes('421 ')) await new Promise(setImmediate);
    expect(heard).toMatch(/^220 .*\r\n421 4\.3\.2 .*\r\n$/);
  });

  test('SIGHUP takes over a new configuration, and refuses a bad one', async () => {
    const other = await startSink();
    const [listener] = options.listeners;
    if (!listener) throw new Error('there is a listener');
    const moved = { ...listener, nextHop: `127.0.0.1:${other.port}` };
    daemon.configure({ ...options, listeners: [moved] });
    daemon.signal('SIGHUP');
    await daemon.logged(/"event":"reloaded"/);
    await send();
    expect([sink.messages.length, other.messages.length]).toEqual([0, 1]);

    daemon.configure({ ...options, more: '[nonsense]\nkey = 1\n' });
    daemon.signal('SIGHUP');
    expect(await daemon.logged(/"event":"reload-refused"/)).toMatch(/nonsense/);
    await send();
    expect([sink.messages.length, other.messages.length]).toEqual([0, 2]);
    await other.stop();
  });

  test('SIGHUP with another control address changes nothing, and says what needs a restart', async () => {
    const toml = readFileSync(daemon.configFile, 'utf8');
    const elsewhere = `127.0.0.1:${await freePort()}`;
    writeFileSync(daemon.configFile, toml.replace(daemon.control, elsewhere));
    daemon.signal('SIGHUP');
    const refusal = await daemon.logged(/"event":"reload-refused"/);
    expect(refusal).toContain('[control] address changes only at a restart');
    expect((await send())[0]).toMatch(/^250 /);
    expect(await askControl(daemon.control, '/status')).toMatchObject({ ready: true });
  });

  test('SIGHUP opens and closes listeners; an address that is taken changes nothing', async () => {
    const [listener] = options.listeners;
    if (!listener) throw new Error('there is a listener');
    const [second, taken] = [await freePort(), clamd.port];
    const at = (where: number) => ({ ...listener, address: `127.0.0.1:${where}` });
    daemon.configure({ ...options, listeners: [at(second), at(taken)] });
    daemon.signal('SIGHUP');
    await daemon.logged(/"event":"reload-refused".*EADDRINUSE/);
    expect((await send())[0]).toMatch(/^250 /);

    daemon.configure({ ...options, listeners: [at(second)] });
    daemon.signal('SIGHUP');
    await daemon.logged(/"event":"reloaded"/);
    await expect(send()).rejects.toThrow(/ECONNREFUSED/);
    port = second;
    expect((await send())[0]).toMatch(/^250 /);
  });

  test('listens on IPv4, on IPv6 and on a Unix socket at once', async () => {
    const [listener] = options.listeners;
    if (!listener) throw new Error('there is a listener');
    const path = `${daemon.spoolDirectory}.sock`;
    const v6 = await freePort();
    const addresses = [listener.address, `[::1]:${v6}`, `unix:${path}`];
    const listeners = addresses.map((address) => ({ ...listener, address }));
    daemon.configure({ ...options, listeners });
    await daemon.restart();
    for (const where of [{ port }, { port: v6, host: '::1' }, { path }]) {
      const socket = connect(where as NetConnectOpts);
      const [greeting] = (await once(socket, 'data')) as [Buffer];
      expect(greeting.toString()).toBe('220 filter.test ESMTP\r\n');
      socket.destroy();
    }
  });

  test('after kill -9 it comes up again on the same sockets', async () => {
    daemon.signal('SIGKILL');
    await daemon.restart();
    expect((await send())[0]).toMatch(/^250 /);
  });

  test('a clamd that is frozen, that is gone, and that is back', async () => {
    daemon.configure({ ...options, more: '[limits]\nscan_ms = "2s"\n' });
    await daemon.restart();
    clamd.pause();
    expect((await send())[0]).toMatch(/^451 4\.7\.1 /);
    clamd.resume();
    await clamd.stop();
    expect((await send())[0]).toMatch(/^451 4\.7\.1 /);
    await expect(run('node', [script, 'status', '-c', daemon.configFile])).rejects.toMatchObject({
      code: 1,
    });
    await clamd.restart();
    await daemon.ready();
    expect((await send())[0]).toMatch(/^250 /);
    expect(sink.messages).toHaveLength(1);
  });
});

describeNeeding(['root', 'postfix', 'clamd'], 'clamgate inject', () => {
  test('through Postfix: says what became of a clean and of an EICAR message', async () => {
    const clamd = await PrivateClamd.start();
    const [filterPort, reinjectPort] = [await freePort(), await freePort()];
    const postfix = await startPostfix({
      reinjectPort,
      filter: { protocol: 'smtp', address: filterPort },
    });
    const daemon = await PrivateDaemon.start({
      listeners: [
        {
          protocol: 'smtp',
          address: `127.0.0.1:${filterPort}`,
          nextHop: `127.0.0.1:${reinjectPort}`,
        },
      ],
      clamd: [clamd.unix.name],
    });
    const inject = async (kind: string): Promise<unknown> => {
      const args = ['inject', kind, '--to', 'b@sink.test', '-c', daemon.configFile, '--json'];
      const server = ['--server', `127.0.0.1:${postfix.submitPort}`];
      const { stdout } = await run('node', [script, ...args, ...server]);
      return JSON.parse(stdout) as unknown;
    };
    try {
      expect(await inject('--clean')).toMatchObject({
        fate: 'relayed',
        transactions: [{ nextHopQueueId: expect.stringMatching(/^[0-9A-Z]+$/i) as unknown }],
      });
      expect(await inject('--eicar')).toMatchObject({
        fate: 'quarantined',
        transactions: [{ quarantineId: expect.stringMatching(/./) as unknown }],
      });
      await postfix.sink.received(1);
      expect(postfix.sink.messages).toHaveLength(1);
    } finally {
      await daemon.close();
      await postfix.stop();
      await clamd.close();
    }
  });
});
