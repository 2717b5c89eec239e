/** The verb: one at a time, its options, what it prints. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { nodeFiles } from '../../src/store/files.ts';
import { lockFile } from '../../src/store/ledger-lock.ts';
import { type Folder, makeFolder, tomlWith } from '../support/config-file.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { runCli } from '../support/run-cli.ts';

let folder: Folder;
let clamd: FakeClamd;
let state: string;

beforeEach(async () => {
  folder = makeFolder();
  clamd = await FakeClamd.start();
  state = join(folder.path, 'state');
});
afterEach(async () => {
  await clamd.stop();
  folder.remove();
});

function config(more: string): string {
  const text = `[clamd]
endpoints = ["${clamd.address.name}"]
[control]
address = "unix:${folder.path}/none.sock"
[update]
database_directory = "${folder.path}/db"
state_directory = "${state}"
${more}`;
  return folder.write('c.toml', tomlWith(text));
}

const run = (more: string, ...args: string[]) =>
  runCli(['-c', config(more), 'update', ...args], { clock: systemClock });

test('what stopped it is said on standard error, and every step on standard output', async () => {
  const { code, out, err } = await run('freshclam = ["sh", "-c", "echo no mirror; exit 58"]');
  expect(code).toBe(69);
  expect(out).toMatch(
    /^\d\d:\d\d:\d\d wait {4}at once \(0\.0 s\)\n.* bring {3}FAILED: freshclam ended with 58: no mirror/,
  );
  expect(err).toBe('clamgate update: stopped: no new signatures came; clamds: 1 not-reached\n');
});

test('--json is one document', async () => {
  const { code, out } = await run('freshclam = ["false"]', '--json');
  expect(code).toBe(69);
  expect(JSON.parse(out)).toMatchObject({
    end: 'not-brought',
    steps: [{ step: 'wait' }, { step: 'bring', outcome: 'failed' }],
    endpoints: [{ endpoint: clamd.address.name, state: 'not-reached' }],
  });
});

test('--reload-only brings nothing, and --window is ours to say', async () => {
  const { code, out } = await run('freshclam = ["false"]', '--reload-only', '--window', '10ms');
  expect(out).toMatch(/ wait {4}0 s, by lot /);
  expect(out).toMatch(/ bring {3}what is there is loaded anew /);
  expect(out).toMatch(/ load {4}tcp:.*FAILED: it answered RELOAD with "COMMAND UNAVAILABLE"/);
  expect(code).toBe(69);
});

test.each(['soon', '-1h', ''])('--window %j is a wrong command line', async (window) => {
  expect((await run('', '--window', window)).code).toBe(64);
});

test('--dry-run needs no lock, and makes nothing', async () => {
  const { code, out } = await run('freshclam = ["false"]', '--dry-run');
  expect(code).toBe(0);
  expect(out).toMatch(/^wait: [^]*bring: run false\n[^]*told RELOAD/);
  expect(readdirSync(folder.path).sort()).toEqual(['c.toml']);
  const { out: json } = await run('freshclam = ["false"]', '--dry-run', '--json');
  expect(JSON.parse(json)).toMatchObject({ dryRun: true, steps: { length: 5 } });
});

test('two never run at once, and the lock ends with the one that has it', async () => {
  mkdirSync(state);
  const lock = await lockFile(nodeFiles, join(state, 'lock'), 0);
  const second = await run('freshclam = ["false"]');
  expect([second.code, second.out]).toEqual([75, '']);
  expect(second.err).toContain('another update runs');
  lock?.release();
  expect((await run('freshclam = ["false"]')).code).toBe(69);
});

test('without a place for the lock nothing is begun', async () => {
  state = '/proc/none';
  const { code, err } = await run('freshclam = ["false"]');
  expect([code, err]).toEqual([74, 'clamgate: /proc/none: cannot be made\n']);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s calls it off, and it ends what it started',
  async (name) => {
    const ran = run(`freshclam = ["sh", "-c", "touch ${folder.path}/begun; sleep 60"]`);
    while (!readdirSync(folder.path).includes('begun')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.emit(name, name);
    const { code, out } = await ran;
    expect(code).toBe(75);
    expect(out).toMatch(/ bring {3}FAILED: called off /);
    expect(process.listenerCount(name)).toBe(0);
  },
);
