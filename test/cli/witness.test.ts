import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { WitnessClient } from '../../src/relay/witness-client.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { until } from '../support/memory-content.ts';
import { runCli } from '../support/run-cli.ts';

let folder: Folder;
let path: string;
beforeEach(() => {
  folder = makeFolder();
  path = `${folder.path}/witness.sock`;
});
afterEach(() => {
  folder.remove();
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'answers until %s, then leaves nothing',
  async (signal) => {
    mkdirSync(`${folder.path}/incoming`);
    writeFileSync(`${folder.path}/incoming/A1`, '', { mode: 0o700 });
    const args = ['witness', '--socket', path, '--queue-directory', folder.path];
    const running = runCli(args, { clock: systemClock });
    await until(() => existsSync(path) && (statSync(path).mode & 0o777) === 0o660, 'it listens');
    const client = new WitnessClient({
      connect: { path },
      clock: systemClock,
      onTrouble: () => undefined,
    });
    expect([await client.hold('A1'), await client.fate('A1')]).toEqual([true, 'committed']);
    client.close();
    process.emit(signal, signal);
    expect(await running).toEqual({
      code: 0,
      out: '',
      err: `clamgate witness: listening on ${path}\n`,
    });
    expect(existsSync(path)).toBe(false);
  },
);

test.each([
  ['a number that is none', ['--held-max', 'x'], 64],
  ['room for nothing', ['--held-max', '0'], 64],
  ['a path that is not absolute', ['--socket', 'x.sock'], 64],
  ['a directory that is not there', ['--socket', '/nowhere/x.sock'], 69],
])('%s', async (_, args, code) => {
  expect((await runCli(['witness', '--socket', path, ...args])).code).toBe(code);
});

test('a queue directory that is not there is told of', async () => {
  const args = ['witness', '--socket', path, '--queue-directory', `${folder.path}/none`];
  const running = runCli(args, { clock: systemClock });
  await until(() => existsSync(path), 'it listens');
  process.emit('SIGTERM', 'SIGTERM');
  const { code, err } = await running;
  expect([code, err]).toEqual([0, expect.stringContaining(`there is no ${folder.path}/none`)]);
});

test('a file in the place of its socket stays', async () => {
  folder.write('witness.sock', 'x');
  const { code, err } = await runCli(['witness', '--socket', path]);
  expect([code, err]).toEqual([69, `clamgate: ${path} exists and is not a socket\n`]);
});
