/** Facts of a set-up with which all is well, made of the recorded Postfix, for the doctor's rules. */
import { postfixEntries } from '../../src/cli/postfix-entries.ts';
import { parseConfig, type Config } from '../../src/daemon/config.ts';
import { warnings } from '../../src/daemon/config-warnings.ts';
import type { ClamdFacts, DoorFacts, Facts, ProcessFacts } from '../../src/doctor/facts.ts';
import { known } from '../../src/doctor/known.ts';
import type { Postfix } from '../../src/postfix/installation.ts';
import { tomlWith } from './config-file.ts';
import { recordedPostfix, withMain, withOptions } from './recorded-postfix.ts';

export const now = Date.UTC(2026, 10, 27, 12);
const GiB = 2 ** 30;
const commit = '[commit]\naddress = "unix:/var/spool/postfix/clamgate/commit.sock"\n';

export function configWith(more = ''): Config {
  return parseConfig(tomlWith(commit + more), '/etc/clamgate/clamgate.toml');
}

/** The recorded Postfix with all that `clamgate postfix` prints, and Postfix's usual size limit. */
export function wholePostfix(): Postfix {
  const settings = { enable_long_queue_ids: 'yes', message_size_limit: '10240000' };
  return postfixEntries(configWith(), '/var/spool/postfix').masterCf.reduce(
    (postfix, { name, options }) =>
      withOptions(postfix, name, Object.fromEntries(options.map((one) => [one.name, one.value]))),
    withMain(recordedPostfix(), settings),
  );
}

export const clamdProcess: ProcessFacts = {
  pid: 1234,
  rssBytes: GiB,
  swapBytes: 0,
  openFilesMax: 524_288,
  commandLine: ['/usr/sbin/clamd', '--foreground=true'],
  unit: 'clamav-daemon.service',
  started: now - 3_600_000,
};

/** Debian's, with what README asks for. */
export const clamdConf: readonly (readonly [string, string])[] = [
  ['LocalSocket', '/run/clamav/clamd.ctl'],
  ['MaxThreads', '12'],
  ['MaxQueue', '100'],
  ['StreamMaxLength', '25M'],
  ['MaxFileSize', '25M'],
  ['MaxScanSize', '100M'],
  ['MaxScanTime', '120000'],
  ['Foreground', 'false'],
  ['AlertExceedsMax', 'yes'],
];

export function clamdWith(values: Readonly<Record<string, string>> = {}): ClamdFacts {
  const answer = { eicar: 'stream: Eicar-Signature FOUND', harmless: 'stream: OK' };
  return {
    endpoint: 'unix:/run/clamav/clamd.ctl',
    isLocal: true,
    pong: known('PONG'),
    version: known({
      text: 'ClamAV 1.4.6/27825/Thu Nov 26 08:00:00 2026',
      engine: 'ClamAV 1.4.6',
      database: { number: 27_825, built: now - 28 * 3_600_000 },
    }),
    threadsMax: known(12),
    canary: known(answer),
    limitAlerts: known('on'),
    sizes: known({ upTo: 10_240_000, takesStream: true, fileBytes: 10_240_000 }),
    conf: known({
      file: '/etc/clamav/clamd.conf',
      values: new Map([...clamdConf, ...Object.entries(values)]),
    }),
    process: known(clamdProcess),
    unit: unitWith({}),
    load: known({ ms: 40_000, source: '/var/log/clamav/clamav.log' }),
    backlog: known(15),
  };
}

export function unitWith(properties: Readonly<Record<string, string>>) {
  return known(
    new Map(
      Object.entries({
        Id: 'clamav-daemon.service',
        Type: 'simple',
        LoadState: 'loaded',
        Restart: 'always',
        TimeoutStartUSec: '7min',
        TriggeredBy: '',
        ExecStart: '{ path=/usr/sbin/clamd ; argv[]=/usr/sbin/clamd --foreground=true ; }',
        ...properties,
      }),
    ),
  );
}

export function door(address: string, without: readonly string[] = []): DoorFacts {
  const keywords = ['SIZE', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'XFORWARD'];
  const announced = keywords.filter((keyword) => !without.includes(keyword));
  const extensions = new Map(announced.map((word) => [word, word === 'SIZE' ? ['10240000'] : []]));
  return { address, flavour: 'smtp', extensions: known(extensions), outside: known([]) };
}

export function healthyFacts(): Facts {
  const config = configWith();
  return {
    config,
    advice: warnings(config),
    isRoot: true,
    now,
    user: known({ name: 'clamgate', uid: 997, gid: 997, groups: [997] }),
    postfix: known(wholePostfix()),
    daemon: known({
      version: '0.1.0',
      started: '2026-11-27T00:00:00.000Z',
      ready: true,
      reasons: [],
      listening: ['127.0.0.1:10024'],
      load: { sessions: 0, transactions: 0, waiting: 0, streams: 0, streamsWaiting: 0 },
      clamd: [],
      scanning: {
        inflight: 0,
        waiting: 0,
        longestWaitMs: 0,
        latency: { count: 0, p50: 0, p95: 0, p99: 0 },
        storm: { on: false, detail: '', pressure: {} },
        skewed: false,
      },
      ledger: { usable: true, unsettled: 0, inDoubt: 0, bytes: 4096 },
    }),
    daemonProcess: known(clamdProcess),
    daemonUnit: unitWith({ TimeoutStopUSec: '1min 30s', User: 'clamgate' }),
    clamd: [clamdWith()],
    listeners: [door('127.0.0.1:10024')],
    nextHops: [door('127.0.0.1:10025')],
    commitTrials: [
      {
        nextHop: '127.0.0.1:10025',
        reply: known(
          '451 4.3.0 <END-OF-MESSAGE>: End-of-data rejected: Stale attempt, not accepted',
        ),
      },
    ],
    access: [
      access('read', '/etc/clamgate/clamgate.toml', 'the configuration'),
      access('connect', '/run/clamav/clamd.ctl', 'clamd'),
      access('write', '/var/lib/clamgate/spool', 'the spool'),
    ],
    disks: (['spool', 'quarantine', 'ledger', 'queue'] as const).map((purpose) => ({
      purpose,
      path: `/var/${purpose}`,
      space: known({ freeBytes: 100 * GiB, inMemory: false }),
    })),
    memory: known({ availableBytes: 3 * GiB, totalBytes: 4 * GiB }),
    largest: known([{ pid: 1234, name: 'clamd', rssBytes: GiB }]),
    clock: known({ synchronised: true, source: 'timedatectl' }),
    somaxconn: known(4096),
  };
}

export function access(
  kind: 'connect' | 'read' | 'write',
  path: string,
  purpose: string,
  obstacle = '',
): Facts['access'][number] {
  return { who: 'daemon', kind, path, purpose, obstacle: known(obstacle) };
}
