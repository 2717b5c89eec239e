/** The Milter door as OpenDKIM's miltertest sees it: a client that is not ours, with its own scripts. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { eicarFile } from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';

jest.setTimeout(60_000);

const scripts = join(import.meta.dirname, 'milter');

describeNeeding(['miltertest', 'clamd'], 'miltertest', () => {
  let directory: string;
  let clamd: PrivateClamd;
  let daemon: PrivateDaemon;
  let refusing: string;
  let holding: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'miltertest-'));
    writeFileSync(join(directory, 'eicar'), eicarFile);
    const [first, second] = [await freePort(), await freePort()];
    [refusing, holding] = [`inet:${first}@127.0.0.1`, `inet:${second}@127.0.0.1`];
    clamd = await PrivateClamd.start();
    daemon = await PrivateDaemon.start({
      listeners: [
        { protocol: 'milter', address: `127.0.0.1:${first}` },
        { protocol: 'milter', address: `127.0.0.1:${second}`, more: 'quarantine = "hold"\n' },
      ],
      clamd: [clamd.unix.name],
      waitMax: '1s',
    });
    await daemon.ready();
  });

  afterAll(async () => {
    await daemon.close();
    await clamd.close();
    rmSync(directory, { recursive: true });
  });

  /** Resolves to what it complains of. */
  function run(script: string, socket: string): Promise<string> {
    const defined = [`SOCKET=${socket}`, `EICAR=${join(directory, 'eicar')}`, `SCRIPTS=${scripts}`];
    const args = [...defined.flatMap((each) => ['-D', each]), '-s', join(scripts, script)];
    return new Promise((resolve) => {
      execFile('miltertest', args, (error, stdout, stderr) => {
        resolve(error ? `${stdout}${stderr}${error.message}` : '');
      });
    });
  }

  test.each(['clean.lua', 'infected.lua', 'versions.lua', 'aborts.lua'])('%s', async (script) => {
    expect(await run(script, refusing)).toBe('');
  });

  test('held.lua', async () => {
    expect(await run('held.lua', holding)).toBe('');
  });

  test('a script that expects something else fails', async () => {
    expect(await run('held.lua', refusing)).toContain('no verdict behind it');
  });

  test('the queue id is the one that the MTA told', async () => {
    await run('clean.lua', refusing);
    const [record] = await daemon.transactions();
    expect(record).toMatchObject({
      queueId: '4F1QUEUEID',
      client: { name: 'client.example', addr: '192.0.2.1', helo: 'client.example' },
      recipients: [{ address: 'b@example.org' }, { address: 'c@example.org' }],
    });
  });

  test('unavailable.lua', async () => {
    await clamd.stop();
    expect(await run('unavailable.lua', refusing)).toBe('');
  });
});
