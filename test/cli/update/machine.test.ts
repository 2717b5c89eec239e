import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { confFileOf, FoundClamds, reloadFacts } from '../../../src/cli/update/local-clamds.ts';
import { largest, LinuxMachine } from '../../../src/cli/update/machine.ts';
import { type Folder, makeFolder } from '../../support/config-file.ts';
import { addressOf } from '../../support/fake-clamd.ts';

let folder: Folder;
let machine: LinuxMachine;

beforeEach(() => {
  folder = makeFolder();
  machine = new LinuxMachine(join(folder.path, 'proc'), join(folder.path, 'cgroup'));
});
afterEach(() => {
  folder.remove();
});

function put(path: string, content: string): string {
  const file = join(folder.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function process(pid: number, name: string, command: readonly string[], kib = 1000): void {
  put(
    `proc/${pid}/status`,
    `Name:\t${name}\nVmPeak:\t 9 kB\nVmRSS:\t ${kib} kB\nVmSwap:\t 24 kB\n`,
  );
  put(`proc/${pid}/cmdline`, command.map((word) => `${word}\0`).join(''));
}

test('memory that is available; unknown where the kernel does not say', () => {
  expect(machine.availableBytes()).toBeUndefined();
  put('proc/meminfo', 'MemTotal:  4000 kB\nMemAvailable:    2048 kB\n');
  expect(machine.availableBytes()).toBe(2_097_152);
});

test('processes, with what they have; threads of the kernel and what is no process are none', () => {
  process(12, 'clamd', ['/usr/sbin/clamd', '-c', '/a b'], 5000);
  process(13, 'mysqld', ['mysqld'], 7000);
  put('proc/14/status', 'Name:\tkworker/0:1\n');
  put('proc/self/status', 'Name:\tnode\nVmRSS:\t 1 kB\n');
  const processes = machine.processes();
  expect(processes).toHaveLength(2);
  expect(processes[0]).toEqual({
    pid: 12,
    name: 'clamd',
    residentBytes: 5_120_000,
    swapBytes: 24_576,
    command: ['/usr/sbin/clamd', '-c', '/a b'],
  });
  expect(largest(processes, 1).map(({ name }) => name)).toEqual(['mysqld']);
});

test('this machine itself can be read', () => {
  const own = new LinuxMachine();
  expect(own.availableBytes()).toBeGreaterThan(2 ** 20);
  const pid = globalThis.process.pid;
  expect(own.processes().find((one) => one.pid === pid)?.residentBytes).toBeGreaterThan(2 ** 20);
});

test.each<[string, Record<string, string>, number | undefined]>([
  ['no ceiling', { 'a/memory.max': 'max\n', 'a/memory.current': '5' }, undefined],
  ['its own', { 'a/b/memory.max': '1000', 'a/b/memory.current': '400' }, 600],
  [
    'the narrowest above it',
    {
      ...{ 'a/b/memory.max': '1000', 'a/b/memory.current': '400' },
      ...{ 'a/memory.max': '1000', 'a/memory.current': '900' },
    },
    100,
  ],
  [
    'what is cached can be taken back',
    {
      ...{ 'a/b/memory.max': '1000', 'a/b/memory.current': '900' },
      'a/b/memory.stat': 'anon 1\ninactive_file 300\n',
    },
    400,
  ],
  ['more than it may have', { 'a/b/memory.max': '10', 'a/b/memory.current': '12' }, 0],
])('control group: %s', (_, files, room) => {
  put('proc/5/cgroup', '1:name=x:/old\n0::/a/b\n');
  for (const [path, text] of Object.entries(files)) put(`cgroup/${path}`, text);
  expect(machine.groupRoomBytes(5)).toBe(room);
});

test('version 1 of control groups tells nothing here', () => {
  put('proc/5/cgroup', '5:memory:/a\n');
  expect(machine.groupRoomBytes(5)).toBeUndefined();
});

test.each<[readonly string[], string | undefined]>([
  [['clamd', '-c', '/a'], '/a'],
  [['clamd', '--config-file', '/a'], '/a'],
  [['clamd', '--foreground=true', '--config-file=/a'], '/a'],
  [['clamd', '-c/a'], '/a'],
  [['clamd', '--foreground=true'], undefined],
  [['-c', 'x'], undefined],
  [[], undefined],
])('%j names %s', (command, file) => {
  expect(confFileOf(command)).toBe(file);
});

test.each<[string, string, string, boolean]>([
  ['its socket', 'LocalSocket /run/clamd/a.sock', 'unix:/run/clamd/a.sock', true],
  ['as Debian writes it', 'LocalSocket /var/run/clamd/a', 'unix:/run/clamd/a', true],
  ['another socket', 'LocalSocket /run/b', 'unix:/run/a', false],
  ['its port', 'TCPSocket 3310', 'tcp://127.0.0.1:3310', true],
  ['its port by name', 'TCPSocket 3310\nTCPAddr 127.0.0.1', 'tcp://localhost:3310', true],
  ['another port', 'TCPSocket 3311', 'tcp://127.0.0.1:3310', false],
  ['its port on another address', 'TCPSocket 3310\nTCPAddr ::1', 'tcp://127.0.0.1:3310', false],
  ['its port on all addresses', 'TCPSocket 3310\nTCPAddr 0.0.0.0', 'tcp://127.0.0.1:3310', true],
  ['the port of another machine', 'TCPSocket 3310', 'tcp://192.0.2.1:3310', false],
])('a clamd is found by %s', (_, conf, endpoint, isFound) => {
  const file = put('clamd.conf', `${conf}\n`);
  process(9, 'cron', ['cron', '-c', file]);
  process(12, 'clamd', ['clamd', '-c', file]);
  const found = new FoundClamds(machine, []).find(addressOf(endpoint));
  expect(found && [found.process?.pid, found.confFile]).toEqual(isFound ? [12, file] : undefined);
});

test('one without a named file has one of the usual; one that does not run is known by it', () => {
  const usual = put('usual.conf', 'LocalSocket /a\n');
  const clamds = new FoundClamds(machine, [usual]);
  expect(clamds.find(addressOf('unix:/a'))).toMatchObject({ process: undefined, confFile: usual });
  process(12, 'clamd', ['/usr/sbin/clamd', '--foreground=true']);
  expect(clamds.find(addressOf('unix:/a'))?.process?.pid).toBe(12);
  expect(clamds.find(addressOf('unix:/b'))).toBeUndefined();
});

test('a relative name is not taken for one of ours', () => {
  put('usual.conf', 'LocalSocket /a\n');
  process(12, 'clamd', ['clamd', '-c', 'usual.conf']);
  expect(new FoundClamds(machine, []).find(addressOf('unix:/a'))).toBeUndefined();
});

test('what of its configuration matters, with its defaults', () => {
  expect(reloadFacts(new Map())).toEqual({
    concurrentReload: true,
    databaseDirectory: '/var/lib/clamav',
    logFile: undefined,
    selfCheckSeconds: 600,
  });
  const conf = new Map([
    ['ConcurrentDatabaseReload', 'no'],
    ['DatabaseDirectory', '/d'],
    ['LogFile', '/l'],
    ['SelfCheck', '0'],
  ]);
  expect(reloadFacts(conf)).toEqual({
    concurrentReload: false,
    databaseDirectory: '/d',
    logFile: '/l',
    selfCheckSeconds: 0,
  });
});
