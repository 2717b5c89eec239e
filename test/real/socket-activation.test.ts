/** The daemon on sockets that it is handed, as systemd would: by name, and by the address they have. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { execPath } from 'node:process';
import { join } from 'node:path';
import { until } from '../support/memory-content.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort, portAnswers } from '../support/ports.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';

const script = join(import.meta.dirname, '../../bin/clamgate.js');

describeNeeding(['systemd-socket-activate'], 'handed sockets', () => {
  let ports: number[];
  let daemon: PrivateDaemon;
  let child: ChildProcess;
  let output: string;
  beforeEach(async () => {
    ports = [await freePort(), await freePort()];
    output = '';
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await daemon.close();
  });

  /** Both ports are held under the name smtp; who connects has the daemon started. */
  async function start(...addresses: string[]): Promise<void> {
    const nextHop = 'unix:/nonexistent';
    const listeners = addresses.map((address) => ({ protocol: 'smtp' as const, address, nextHop }));
    daemon = PrivateDaemon.prepare({ listeners, clamd: ['unix:/nonexistent/clamd'] });
    const sockets = ports.flatMap((port) => ['-l', `127.0.0.1:${port}`]);
    const command = [execPath, script, 'serve', '-c', daemon.configFile];
    child = spawn('systemd-socket-activate', [...sockets, '--fdname=smtp:smtp', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    await portAnswers(ports[0] ?? 0);
  }

  async function greeting(port = 0): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return bytes.toString();
  }

  test('a name is all sockets of that name', async () => {
    await start('systemd:smtp');
    for (const port of ports) expect(await greeting(port)).toMatch(/^220 /);
    await until(() => output.includes('"event":"listening"'), 'the log says that it listens');
    expect(output).not.toMatch(/socket-unused/);
  });

  test('an address is the socket that is bound to it; one that nobody wants is told of', async () => {
    await start(`127.0.0.1:${ports[1] ?? 0}`);
    expect(await greeting(ports[1])).toMatch(/^220 /);
    const unused = new RegExp(`socket-unused.*127.0.0.1:${ports[0] ?? 0}`);
    await until(() => unused.test(output), 'the socket that nobody wants is told of');
  });

  test('a name that was not passed is an error of the configuration, and the words say what was', async () => {
    await start('systemd:lmtp');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(78);
    const passed = ports.map((port) => `"smtp" (127.0.0.1:${port})`).join(', ');
    expect(output).toContain(`systemd passed no socket named "lmtp"; it passed ${passed}`);
  });
});
