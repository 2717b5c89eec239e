/** What the probes make of the words of programs and files. */
import { describe, expect, test } from '@jest/globals';
import type { Host } from '../../src/doctor/host.ts';
import { output } from '../../src/doctor/host.ts';
import { known, notKnown, probe, valueOf } from '../../src/doctor/known.ts';
import { obstacleIn, type Owned } from '../../src/doctor/probes/access.ts';
import { parseCtime, threadsMaxOf, versionFacts } from '../../src/doctor/probes/clamd.ts';
import { findClamdConf } from '../../src/doctor/probes/clamd-conf.ts';
import { findClamdUnit } from '../../src/doctor/probes/clamd-unit.ts';
import { listeningSockets, socketAt } from '../../src/doctor/probes/listening.ts';
import { loadTimeIn, logLines, measureLoad } from '../../src/doctor/probes/load-time.ts';
import { readClock, readMemory, readSomaxconn } from '../../src/doctor/probes/machine.ts';
import { readLargest, readProcess } from '../../src/doctor/probes/processes.ts';
import { runningClamds } from '../../src/doctor/probes/running-clamds.ts';
import { showUnit, startMs, timeSpanMs, unitNames } from '../../src/doctor/probes/units.ts';
import { findUser } from '../../src/doctor/probes/user.ts';
import { systemClock } from '../../src/clock.ts';
import { measureSizes } from '../../src/doctor/probes/clamd-sizes.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A machine with these files, and programs that say these words. */
function hostWith(
  files: Readonly<Record<string, string>>,
  programs: Readonly<Record<string, string>> = {},
): Host {
  const said = new Map(Object.entries(programs));
  const texts = new Map(Object.entries(files));
  return {
    clock: new FakeClock(),
    uid: 0,
    run: (program, args) => {
      const out = said.get([program, ...args].join(' ')) ?? said.get(program);
      if (out === undefined)
        return Promise.resolve({ code: undefined, out: '', err: `${program} is not installed` });
      return Promise.resolve({ code: 0, out, err: '' });
    },
    readText: (path) => {
      const text = texts.get(path);
      return text === undefined
        ? Promise.reject(new Error(`ENOENT ${path}`))
        : Promise.resolve(text);
    },
    list: (directory) =>
      Promise.resolve([
        ...new Set(
          [...texts.keys()]
            .filter((path) => path.startsWith(`${directory}/`))
            .map((path) => path.slice(directory.length + 1).split('/')[0] ?? ''),
        ),
      ]),
  };
}

describe('a probe', () => {
  test('tells what it found', async () => {
    expect(await probe(new FakeClock(), 1000, () => Promise.resolve(1))).toEqual(known(1));
  });
  test('that fails says why', async () => {
    const fails = () => Promise.reject(new Error('denied'));
    expect(await probe(new FakeClock(), 1000, fails)).toEqual(notKnown('denied'));
  });
  test('that takes too long is given up, and told so', async () => {
    const clock = new FakeClock();
    let isOver = false;
    const found = probe(clock, 1000, (signal) => {
      signal.addEventListener('abort', () => (isOver = true));
      return new Promise<never>(() => undefined);
    });
    clock.advance(1000);
    expect(await found).toEqual(notKnown('no answer within 1 s'));
    expect(isOver).toBe(true);
  });
  test('value or nothing', () => {
    expect([valueOf(known(0)), valueOf(notKnown('x'))]).toEqual([0, undefined]);
  });
});

test('a program that is not there', async () => {
  await expect(output(hostWith({}), 'ss', [])).rejects.toThrow('ss is not installed');
});

const ss = `tcp   LISTEN 0      100        127.0.0.1:10025      0.0.0.0:*    users:(("master",pid=7,fd=1))
tcp   LISTEN 0      4096               *:3310             *:*    users:(("clamd",pid=9,fd=3),("systemd",pid=1,fd=4))
tcp   LISTEN 0      50             [::1]:25            [::]:*
u_str LISTEN 0      15         /run/clamav/clamd.ctl 123          * 0    users:(("clamd",pid=8,fd=5))
u_dgr UNCONN 0      0          /run/systemd/notify 77       * 0
`;

describe('listening sockets', () => {
  test.each([
    [{ host: '127.0.0.1', port: 10_025 }, 100, [{ name: 'master', pid: 7 }]],
    [{ host: 'localhost', port: 10_025 }, 100, [{ name: 'master', pid: 7 }]],
    [
      { host: '127.0.0.1', port: 3310 },
      4096,
      [
        { name: 'clamd', pid: 9 },
        { name: 'systemd', pid: 1 },
      ],
    ],
    [{ host: '::1', port: 25 }, 50, []],
    [{ path: '/run/clamav/clamd.ctl' }, 15, [{ name: 'clamd', pid: 8 }]],
  ])('%j', async (where, backlog, processes) => {
    const sockets = await listeningSockets(hostWith({}, { ss }));
    expect(socketAt(sockets, where)).toMatchObject({ backlog, processes });
  });
  test('where nothing listens', async () => {
    const sockets = await listeningSockets(hostWith({}, { ss }));
    expect(sockets).toHaveLength(4);
    expect(socketAt(sockets, { host: '127.0.0.1', port: 1 })).toBeUndefined();
  });
});

test.each([
  ['1min 30s', 90_000],
  ['7min', 420_000],
  ['15min', 900_000],
  ['2h 3min 4s 5ms', 7_384_005],
  ['infinity', Infinity],
  ['', undefined],
  [undefined, undefined],
])('a time span %s of systemd is %s ms', (text, expected) => {
  expect(timeSpanMs(text)).toBe(expected);
});

test('a unit, and one that is not there', async () => {
  const systemctl =
    'Type=forking\nLoadState=loaded\nExecStart={ path=/x ; argv[]=/x -a=b ; }\nUser=\n';
  const unit = await showUnit(hostWith({}, { systemctl }), 'clamd@scan.service');
  expect([...unit]).toEqual([
    ['Type', 'forking'],
    ['LoadState', 'loaded'],
    ['ExecStart', '{ path=/x ; argv[]=/x -a=b ; }'],
    ['User', ''],
  ]);
  const absent = hostWith({}, { systemctl: 'Type=simple\nLoadState=not-found\n' });
  await expect(showUnit(absent, 'x.service')).rejects.toThrow('there is no unit x.service');
});

const proc = {
  '/proc/42/status': 'Name:\tclamd\nVmPeak:\t 9000 kB\nVmRSS:\t    1024 kB\nVmSwap:\t   2 kB\n',
  '/proc/42/limits':
    'Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096     files\n',
  '/proc/42/cmdline': '/usr/sbin/clamd\0--config-file\0/etc/clamd.d/scan.conf\0',
  '/proc/42/cgroup': '0::/system.slice/system-clamd.slice/clamd@scan.service\n',
  '/proc/42/stat': `42 (clamd (x) y) S ${Array.from({ length: 18 }, (_, at) => at).join(' ')} 500 rest`,
  '/proc/stat': 'cpu 1 2\nbtime 1000\n',
};

test('a process', async () => {
  expect(await readProcess(hostWith(proc), 42)).toEqual({
    pid: 42,
    rssBytes: 1_048_576,
    swapBytes: 2048,
    openFilesMax: 1024,
    commandLine: ['/usr/sbin/clamd', '--config-file', '/etc/clamd.d/scan.conf'],
    unit: 'clamd@scan.service',
    started: 1_005_000,
  });
});

test('the largest processes, the largest first', async () => {
  const status = (name: string, kibibytes: number) => `Name:\t${name}\nVmRSS:\t ${kibibytes} kB\n`;
  const host = hostWith({
    '/proc/1/status': status('systemd', 10),
    '/proc/2/status': 'Name:\tkthreadd\n',
    '/proc/30/status': status('clamd', 3000),
    '/proc/41/status': status('master', 20),
    '/proc/self/status': status('doctor', 5000),
    '/proc/55/gone': '',
  });
  expect(await readLargest(host, 2)).toEqual([
    { pid: 30, name: 'clamd', rssBytes: 3_072_000 },
    { pid: 41, name: 'master', rssBytes: 20_480 },
  ]);
});

test('the clamds that run, and which of them is asked', async () => {
  const host = hostWith({
    '/proc/7/cmdline': '/usr/sbin/clamd\0--foreground=true\0',
    '/proc/8/cmdline': 'clamd\0-c\0/etc/clamd.d/two.conf\0',
    '/proc/9/cmdline': '/usr/sbin/clamd\0-c\0/etc/not-there.conf\0',
    '/proc/10/cmdline': 'freshclam\0--daemon\0',
    '/proc/self/cmdline': 'clamd\0',
    '/etc/clamav/clamd.conf': 'LocalSocket /var/run/clamav/clamd.ctl\n',
    '/etc/clamd.d/two.conf': 'TCPSocket 3310\nTCPAddr 0.0.0.0\n',
  });
  const files = ['/etc/clamav/clamd.conf', '/etc/clamd.d/scan.conf'];
  const first = {
    pid: 7,
    file: '/etc/clamav/clamd.conf',
    listensAt: ['unix:/var/run/clamav/clamd.ctl'],
  };
  const second = { pid: 8, file: '/etc/clamd.d/two.conf', listensAt: ['tcp://127.0.0.1:3310'] };
  expect(await runningClamds(host, { path: '/run/clamav/clamd.ctl' }, files)).toEqual([
    { ...first, isAsked: true },
    { ...second, isAsked: false },
  ]);
  expect(await runningClamds(host, { host: '127.0.0.1', port: 3310 }, files)).toEqual([
    { ...first, isAsked: false },
    { ...second, isAsked: true },
  ]);
});

test('units by a pattern', async () => {
  const systemctl =
    '  clamd@scan.service loaded activating start clamd scanner (scan) daemon\nclamav-daemon.service loaded active running x\n';
  expect(await unitNames(hostWith({}, { systemctl }), 'clam*')).toEqual([
    'clamd@scan.service',
    'clamav-daemon.service',
  ]);
});

test.each([
  [
    { InactiveExitTimestampMonotonic: '1000000', ActiveEnterTimestampMonotonic: '15700000' },
    14_700,
  ],
  [
    { InactiveExitTimestampMonotonic: '99000000', ActiveEnterTimestampMonotonic: '15700000' },
    undefined,
  ],
  [{ InactiveExitTimestampMonotonic: '0', ActiveEnterTimestampMonotonic: '0' }, undefined],
  [{}, undefined],
])('%j: its last start took %s ms', (properties, expected) => {
  expect(startMs(new Map(Object.entries(properties)))).toBe(expected);
});

test('a process outside of a unit, without a limit', async () => {
  const limits = 'Max open files            unlimited            unlimited     files\n';
  const host = hostWith({ ...proc, '/proc/42/limits': limits, '/proc/42/cgroup': '0::/\n' });
  const read = await readProcess(host, 42);
  expect(read.openFilesMax).toBe(Infinity);
  expect(read).not.toHaveProperty('unit');
});

test.each([
  ['ClamAV 1.4.6', undefined],
  ['ClamAV 1.4.6/27825/Thu Nov  6 08:00:01 2026', 27_825],
  ['ClamAV 1.4.6/27825/someday', undefined],
])('VERSION %s', (text, number) => {
  const version = versionFacts(text);
  expect(version).toMatchObject({ text, engine: 'ClamAV 1.4.6' });
  expect(version.database?.number).toBe(number);
});

test('the time of VERSION is that of this machine', () => {
  expect(parseCtime('Thu Nov  6 08:00:01 2026')).toBe(new Date(2026, 10, 6, 8, 0, 1).getTime());
  expect(parseCtime('Thu Nix  6 08:00:01 2026')).toBeUndefined();
});

test('threads of STATS', () => {
  const stats =
    'POOLS: 1\n\nSTATE: VALID PRIMARY\nTHREADS: live 1  idle 0 max 12 idle-timeout 30\nQUEUE: 0 items\n';
  expect(threadsMaxOf(stats)).toBe(12);
  expect(() => threadsMaxOf('UNKNOWN COMMAND')).toThrow('STATS');
});

describe('clamd.conf', () => {
  const files = {
    '/etc/clamav/clamd.conf': 'LocalSocket /var/run/clamav/clamd.ctl\n',
    '/etc/clamd.d/scan.conf': 'LocalSocket /run/clamd.scan/clamd.sock\n',
  };
  const running = (...commandLine: string[]) => ({
    pid: 1,
    rssBytes: 1,
    swapBytes: 0,
    openFilesMax: 1,
    commandLine,
    started: 0,
  });
  test.each([
    ['the socket that it names', undefined, '/run/clamd.scan/clamd.sock', '/etc/clamd.d/scan.conf'],
    ['/var/run for /run', undefined, '/run/clamav/clamd.ctl', '/etc/clamav/clamd.conf'],
    [
      'the process',
      running('clamd', '-c', '/etc/clamd.d/scan.conf'),
      '/x',
      '/etc/clamd.d/scan.conf',
    ],
    [
      'the process, joined',
      running('clamd', '--config-file=/etc/clamd.d/scan.conf'),
      undefined,
      '/etc/clamd.d/scan.conf',
    ],
  ])('found by %s', async (_, process, path, expected) => {
    const found = await findClamdConf(hostWith(files), process, path, Object.keys(files));
    expect(found.file).toBe(expected);
  });
  test.each([
    ['of another clamd', undefined, '/run/other.sock'],
    ['that cannot be read', running('clamd', '-c', '/nowhere'), '/run/clamav/clamd.ctl'],
  ])('one %s is not taken', async (_, process, path) => {
    const find = findClamdConf(hostWith(files), process, path, Object.keys(files));
    await expect(find).rejects.toThrow('its clamd.conf is not known');
  });
});

describe('the unit of a clamd', () => {
  const command: Readonly<Record<string, string>> = {
    'clamd@scan.service': '/usr/sbin/clamd -c /etc/clamd.d/scan.conf',
    'clamd@two.service': '/usr/sbin/clamd --config-file=/etc/clamd.d/two.conf',
    'clamav-daemon.service': '/usr/sbin/clamd --foreground=true',
  };
  /** A machine with these units; the names of those that are there come by list-units. */
  const host: Host = {
    ...hostWith({}),
    run: (_, args) => {
      const name = args.at(-1) ?? '';
      const listed = Object.keys(command).map((one) => `${one} loaded active running x\n`);
      const shown = `Id=${name}\nLoadState=${command[name] === undefined ? 'not-found' : 'loaded'}\nExecStart={ argv[]=${command[name] ?? ''} ; }\n`;
      const out = args[0] === 'list-units' ? listed.join('') : shown;
      return Promise.resolve({ code: 0, out, err: '' });
    },
  };
  const running = (unit?: string) => ({
    ...{ pid: 1, rssBytes: 1, swapBytes: 0, openFilesMax: 1, commandLine: [], started: 0 },
    ...(unit !== undefined && { unit }),
  });
  test.each([
    ['its process', running('clamd@two.service'), undefined, 'clamd@two.service'],
    ['its clamd.conf', undefined, '/etc/clamd.d/scan.conf', 'clamd@scan.service'],
    ['its clamd.conf, joined', undefined, '/etc/clamd.d/two.conf', 'clamd@two.service'],
    ["Debian's, which names none", undefined, '/etc/clamav/clamd.conf', 'clamav-daemon.service'],
    ['what is usual', undefined, undefined, 'clamd@scan.service'],
  ])('by %s', async (_, process, confFile, expected) => {
    expect((await findClamdUnit(host, process, confFile)).get('Id')).toBe(expected);
  });
  test.each([
    ['outside of one', running(), undefined, 'outside of a unit'],
    ['that starts another', undefined, '/etc/clamd.d/three.conf', 'or is its'],
  ])('none: %s', async (_, process, confFile, why) => {
    await expect(findClamdUnit(host, process, confFile)).rejects.toThrow(why);
  });
});

describe('the time to load', () => {
  const log = `Fri Nov 27 10:00:00 2026 -> +++ Started at Fri Nov 27 10:00:00 2026
Fri Nov 27 10:00:01 2026 -> Reading databases from /var/lib/clamav
Fri Nov 27 10:00:41 2026 -> Loaded 8708000 signatures.
Fri Nov 27 11:00:00 2026 -> Reading databases from /var/lib/clamav
Fri Nov 27 11:00:50 2026 -> Database correctly reloaded (8708001 signatures)
`;
  const logged = { file: 'f', values: new Map([['LogFile', '/log']]) };
  test('of the last start or reload', () => {
    expect(loadTimeIn(logLines(log))).toBe(50_000);
  });
  test.each([
    ['a log without times', 'Reading databases from /x\nLoaded 1 signatures.\n'],
    ['one that is still loading', 'Fri Nov 27 10:00:01 2026 -> Reading databases from /x\n'],
  ])('nothing from %s', (_, text) => {
    expect(loadTimeIn(logLines(text))).toBeUndefined();
  });
  test('by its log', async () => {
    const sources = { conf: logged, running: undefined, unit: undefined, socket: undefined };
    expect(await measureLoad(hostWith({ '/log': log }), sources)).toEqual({
      ms: 50_000,
      source: '/log',
    });
  });
  test('by the journal of its unit', async () => {
    const journalctl =
      '1764237600.5 host clamd[8]: Reading databases from /x\n1764237630.0 host clamd[8]: Loaded 5 signatures.\n';
    const running = {
      pid: 8,
      rssBytes: 1,
      swapBytes: 0,
      openFilesMax: 1,
      commandLine: [],
      started: 0,
      unit: 'c.service',
    };
    const sources = { conf: undefined, running, unit: undefined, socket: undefined };
    const load = await measureLoad(hostWith({}, { journalctl }), sources);
    expect(load).toEqual({ ms: 29_500, source: 'the journal' });
  });
  test.each([
    ['forking', 14_000, 'systemctl show'],
    ['simple', 9000, 'the journal'],
  ])('by systemd, where it saw it: Type=%s', async (type, ms, source) => {
    const unit = new Map([
      ['Id', 'c.service'],
      ['Type', type],
      ['InactiveExitTimestampMonotonic', '1000000'],
      ['ActiveEnterTimestampMonotonic', '15000000'],
    ]);
    const journalctl =
      type === 'forking'
        ? ''
        : '1.0 h c: Reading databases from /x\n10.0 h c: Loaded 5 signatures.\n';
    const sources = { conf: undefined, running: undefined, unit, socket: undefined };
    const load = await measureLoad(hostWith({}, { journalctl }), sources);
    expect(load).toEqual({ ms, source });
  });
  test('by nothing', async () => {
    const sources = { conf: undefined, running: undefined, unit: undefined, socket: undefined };
    await expect(measureLoad(hostWith({}), sources)).rejects.toThrow('nothing tells of it');
  });
});

describe('rights, worked out', () => {
  const user = { name: 'clamgate', uid: 5, gid: 6, groups: [6, 7] };
  const root: Owned = { path: '/', uid: 0, gid: 0, mode: 0o755 };
  const at = (path: string, uid: number, gid: number, mode: number): Owned => ({
    path,
    uid,
    gid,
    mode,
  });
  test.each([
    ['for all', [root, at('/s', 0, 0, 0o666)], ''],
    ['as its owner', [root, at('/s', 5, 0, 0o600)], ''],
    ['by a group that was added', [root, at('/s', 0, 7, 0o660)], ''],
    ['not as others', [root, at('/s', 0, 0, 0o664)], 'write to /s (mode 0664, uid 0, gid 0)'],
    [
      'an owner without the right has not that of others',
      [root, at('/s', 5, 0, 0o066)],
      'write to /s',
    ],
    [
      'not through a directory',
      [root, at('/d', 0, 8, 0o710), at('/d/s', 0, 0, 0o666)],
      'pass through /d (mode 0710',
    ],
  ])('to write: %s', (_, chain, expected) => {
    const obstacle = obstacleIn(chain, user, 'write');
    expect(obstacle).toContain(expected);
    expect(obstacle === '').toBe(expected === '');
  });
  test.each([
    ['for all', [root, at('/f', 0, 0, 0o644)], ''],
    ['by a group', [root, at('/f', 0, 7, 0o640)], ''],
    ['not what may only be written', [root, at('/f', 0, 7, 0o620)], 'read /f (mode 0620'],
    ['not as others', [root, at('/f', 0, 0, 0o640)], 'read /f (mode 0640'],
    ['not through a directory', [at('/', 0, 0, 0o700), at('/f', 5, 6, 0o600)], 'pass through /'],
  ])('to read: %s', (_, chain, expected) => {
    const obstacle = obstacleIn(chain, user, 'read');
    expect(obstacle).toContain(expected);
    expect(obstacle === '').toBe(expected === '');
  });
  test('root may', () => {
    expect(obstacleIn([root, at('/s', 1, 1, 0)], { ...user, uid: 0 }, 'write')).toBe('');
  });
});

test('memory is what is available without swapping', async () => {
  const text =
    'MemTotal:       100 kB\nMemFree:         1 kB\nMemAvailable:    40 kB\nSwapFree:        2 kB\n';
  expect(await readMemory(hostWith({ '/proc/meminfo': text }))).toEqual({
    availableBytes: 40 * 1024,
    totalBytes: 100 * 1024,
  });
});

test('net.core.somaxconn', async () => {
  expect(await readSomaxconn(hostWith({ '/proc/sys/net/core/somaxconn': '4096\n' }))).toBe(4096);
});

test.each([
  ['timedatectl', 'yes\n', true],
  ['timedatectl', 'no\n', false],
  ['chronyc', 'Reference ID    : X\nLeap status     : Normal\n', true],
  ['chronyc', 'Leap status     : Not synchronised\n', false],
])('the clock by %s: %j', async (program, words, synchronised) => {
  const clock = await readClock(hostWith({}, { [program]: words }));
  expect(clock).toEqual({ synchronised, source: program });
});

test('a clock that nobody tells of', async () => {
  await expect(readClock(hostWith({}))).rejects.toThrow('neither');
});

test('the user of the daemon, with the groups of its unit', async () => {
  const host = hostWith(
    {},
    {
      'id -u -- clamgate': '997\n',
      'id -g -- clamgate': '996\n',
      'id -G -- clamgate': '996 8\n',
      'getent group virusgroup': 'virusgroup:x:77:\n',
    },
  );
  const unit = new Map([['SupplementaryGroups', 'virusgroup']]);
  expect(await findUser(host, 'clamgate', unit)).toEqual({
    name: 'clamgate',
    uid: 997,
    gid: 996,
    groups: [996, 8, 77],
  });
  await expect(findUser(hostWith({}), 'nobody')).rejects.toThrow('id is not installed');
});

describe('the sizes of a clamd', () => {
  const measured = async (prepare: (clamd: FakeClamd) => void) => {
    const clamd = await FakeClamd.start();
    prepare(clamd);
    const settings = { clock: systemClock, connectMs: 1000, silenceMs: 1000 };
    const signal = new AbortController().signal;
    try {
      const all = { ...settings, streamBytesMax: Infinity };
      return await measureSizes(clamd.address, 400_000, all, signal);
    } finally {
      await clamd.stop();
    }
  };
  const enough = { upTo: 400_000, takesStream: true, fileBytes: 400_000 };

  test('that are enough', async () => {
    expect(await measured(() => undefined)).toEqual(enough);
  });
  test('whose stream is too short', async () => {
    const found = await measured(({ script }) => {
      script.push({ step: 'size-limit', streamBytesMax: 300_000 });
    });
    expect(found).toEqual({ ...enough, takesStream: false });
  });
  test('whose file is too small, told or not', async () => {
    for (const words of [
      'stream: OK\0',
      'stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0',
    ]) {
      const { fileBytes } = await measured((clamd) => {
        clamd.ofSize = (bytes) => (bytes > 200_000 ? words : 'stream: Eicar-Test FOUND\0');
      });
      expect(fileBytes).toBeGreaterThan(100_000);
      expect(fileBytes).toBeLessThanOrEqual(200_000);
    }
  });
  test('that cannot be told', async () => {
    const broken = measured((clamd) => {
      clamd.ofSize = () => 'stream: nonsense ERROR\0';
    });
    await expect(broken).rejects.toThrow('neither');
  });
});
