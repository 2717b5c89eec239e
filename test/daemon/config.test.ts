import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadConfig, parseConfig, type Config } from '../../src/daemon/config.ts';
import { ConfigError } from '../../src/daemon/config-error.ts';
import { OperationalError } from '../../src/errors.ts';
import { defaultBeforeQueueLimits, defaultLimits } from '../../src/limits.ts';
import { defaultRules } from '../../src/verdict/rules.ts';

/** Its four lines come first, so what a case adds begins on line 5. */
const minimal = `[[listener]]
protocol = "smtp"
address = "127.0.0.1:10024"
next_hop = "127.0.0.1:10025"
`;

function problemsOf(toml: string): string[] {
  try {
    parseConfig(toml, 'f.toml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a minimal file', () => {
  test('works, with every default', () => {
    const expected: Config = {
      file: 'f.toml',
      hostname: hostname(),
      workers: 1,
      listeners: [
        {
          protocol: 'smtp',
          address: '127.0.0.1:10024',
          position: 'after-queue',
          nextHop: '127.0.0.1:10025',
          backlog: 511,
          xforwardFrom: ['127.0.0.0/8', '::1'],
          mode: 0o660,
        },
      ],
      clamd: {
        endpoints: ['unix:/run/clamav/clamd.ctl'],
        inflightMax: 8,
        streamMaxLengthBytes: 26_214_400,
        maxFileSizeBytes: 26_214_400,
        maxScanTimeMs: 120_000,
        weights: [],
        waitMs: 240_000,
        canaryEveryMs: 300_000,
        signatureAgeMsMax: 604_800_000,
      },
      storm: { waiting: 50, waitMs: 30_000, latencyMs: 20_000, memory: 30, io: 60, cpu: 0 },
      cache: { entriesMax: 20_000, ageMsMax: 600_000 },
      rules: defaultRules,
      banned: [],
      bareCr: 'pass',
      header: { virusScanned: true, text: 'clamgate' },
      spool: { directory: '/var/lib/clamgate/spool' },
      quarantine: {
        directory: '/var/lib/clamgate/quarantine',
        maxAgeMs: 2_592_000_000,
        maxBytes: 1_073_741_824,
      },
      limits: defaultLimits,
      beforeQueue: defaultBeforeQueueLimits,
      log: { format: 'json', level: 'info' },
      control: { address: 'unix:/run/clamgate/control.sock' },
      ledger: {
        enabled: true,
        file: '/var/lib/clamgate/ledger.db',
        retentionMs: 604_800_000,
        bytesMax: 1_073_741_824,
        inDoubt: 'retry',
      },
      commit: {
        name: `clamgate.${hostname()}`,
        witness: 'unix:/run/clamgate/witness.sock',
      },
      update: {
        source: 'freshclam',
        freshclam: ['/usr/bin/freshclam', '--stdout'],
        freshclamMsMax: 3_600_000,
        databaseDirectory: '/var/lib/clamav',
        order: [],
        restart: {},
        check: 'auto',
        checkMsMax: 900_000,
        clamd: '/usr/sbin/clamd',
        memoryReserveBytes: 268_435_456,
        windowMs: 0,
        drainMsMax: 150_000,
        readyMsMax: 900_000,
        stateDirectory: '/var/lib/clamgate-update',
      },
    };
    expect(parseConfig(minimal, 'f.toml')).toStrictEqual(expected);
  });

  test('cannot be changed once read, at any depth', () => {
    const config = parseConfig(minimal, 'f.toml');
    const parts = [
      config,
      config.listeners,
      config.listeners[0],
      config.limits,
      config.clamd.endpoints,
    ];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true));
  });
});

test('every value is taken over, in our units', () => {
  const config = parseConfig(
    `hostname = "mx.example.org"
workers = 4
[[listener]]
protocol = "lmtp"
address = "unix:/run/clamgate/lmtp.sock"
position = "after-queue"
next_hop = "lmtp:unix:/run/dovecot/lmtp"
backlog = 7
xforward_from = ["192.0.2.0/24"]
mode = "0600"
[clamd]
endpoints = ["tcp://av.example.org:3310", "unix:/c"]
inflight_max = 3
stream_max_length = "100M"
max_file_size = 1000
max_scan_time = 5000
weights = [3]
wait_max = "30s"
canary_every = "1m"
signatures_max_age = "2d"
[storm]
waiting = 5
wait = "2s"
latency = 0
memory = 10
io = 0
cpu = 90
[cache]
enabled = false
max_entries = 5
max_age = "1h"
[rules]
infected = "discard"
oversize = "tag"
limits = "pass"
partial = "defer"
limits_silent = "quarantine"
old_signatures = "defer"
ambiguous = "tag"
encrypted = "pass"
banned = "reject"
macro = "reject"
smuggling = "quarantine"
bare_cr = "space"
[header]
virus_scanned = false
text = "by clamgate"
[spool]
directory = "/s"
[quarantine]
directory = "/q"
max_age = "2w"
max_size = "5G"
notice_to = "postmaster@example.org"
[limits]
deadline_ms = "90s"
scan_ms = 60000
message_bytes_max = "30M"
recipients_max = 200
[log]
format = "text"
level = "debug"
[control]
address = "127.0.0.1:8025"
[ledger]
enabled = false
file = "/l.db"
retention = "6d"
max_size = "2M"
in_doubt = "hold"
[before_queue]
transaction_wait_ms = "1s"
next_hop_reply_ms = "2s"
deadline_ms = "3s"
next_hop_dot_ms = 4000
[commit]
address = "unix:/c.sock"
name = "again.example.org"
witness = "unix:/w.sock"
[update]
source = "delivered"
freshclam = ["/f", "-v"]
freshclam_time = "1m"
database_directory = "/db"
delivered_directory = "/d"
order = ["unix:/c"]
restart = { "unix:/c" = "clamd@a.service" }
check = "yes"
check_time = "2m"
clamd = "/clamd"
memory_reserve = "1G"
window = "1h"
drain_time = "3m"
ready_time = "4m"
state_directory = "/st"
`,
    'g.toml',
  );
  const expected: Config = {
    file: 'g.toml',
    hostname: 'mx.example.org',
    workers: 4,
    listeners: [
      {
        protocol: 'lmtp',
        address: 'unix:/run/clamgate/lmtp.sock',
        position: 'after-queue',
        nextHop: 'lmtp:unix:/run/dovecot/lmtp',
        backlog: 7,
        xforwardFrom: ['192.0.2.0/24'],
        mode: 0o600,
      },
    ],
    clamd: {
      endpoints: ['tcp://av.example.org:3310', 'unix:/c'],
      inflightMax: 3,
      streamMaxLengthBytes: 104_857_600,
      maxFileSizeBytes: 1000,
      maxScanTimeMs: 5000,
      weights: [3],
      waitMs: 30_000,
      canaryEveryMs: 60_000,
      signatureAgeMsMax: 172_800_000,
    },
    storm: { waiting: 5, waitMs: 2000, latencyMs: 0, memory: 10, io: 0, cpu: 90 },
    cache: undefined,
    rules: {
      infected: 'discard',
      oversize: 'tag',
      limits: 'pass',
      partial: 'defer',
      'limits-silent': 'quarantine',
      ambiguous: 'tag',
      'old-signatures': 'defer',
      encrypted: 'pass',
      banned: 'reject',
      macro: 'reject',
      smuggling: 'quarantine',
      unscannable: 'quarantine',
    },
    banned: [],
    bareCr: 'space',
    header: { virusScanned: false, text: 'by clamgate' },
    spool: { directory: '/s' },
    quarantine: {
      directory: '/q',
      maxAgeMs: 1_209_600_000,
      maxBytes: 5_368_709_120,
      noticeTo: 'postmaster@example.org',
    },
    limits: {
      ...defaultLimits,
      deadlineMs: 90_000,
      scanMs: 60_000,
      messageBytesMax: 31_457_280,
      recipientsMax: 200,
    },
    beforeQueue: {
      transactionWaitMs: 1000,
      nextHopReplyMs: 2000,
      deadlineMs: 3000,
      nextHopDotMs: 4000,
    },
    log: { format: 'text', level: 'debug' },
    control: { address: '127.0.0.1:8025' },
    ledger: {
      enabled: false,
      file: '/l.db',
      retentionMs: 518_400_000,
      bytesMax: 2_097_152,
      inDoubt: 'hold',
    },
    commit: { address: 'unix:/c.sock', name: 'again.example.org', witness: 'unix:/w.sock' },
    update: {
      source: 'delivered',
      freshclam: ['/f', '-v'],
      freshclamMsMax: 60_000,
      databaseDirectory: '/db',
      deliveredDirectory: '/d',
      order: ['unix:/c'],
      restart: { 'unix:/c': 'clamd@a.service' },
      check: 'yes',
      checkMsMax: 120_000,
      clamd: '/clamd',
      memoryReserveBytes: 1_073_741_824,
      windowMs: 3_600_000,
      drainMsMax: 180_000,
      readyMsMax: 240_000,
      stateDirectory: '/st',
    },
  };
  expect(config).toStrictEqual(expected);
});

test.each(['0', '17', '1.5', '"2"'])('workers = %s is refused', (value) => {
  expect(() => parseConfig(`workers = ${value}\n${minimal}`, 'f.toml')).toThrow(
    'f.toml:1: workers: must be a whole number from 1 to 16',
  );
});

describe('a bad configuration names file, line, key and what would be right', () => {
  test.each<[string, string, string[]]>([
    ['syntax', '[clamd]\nendpoints = [', ['f.toml:6: ', 'Invalid TOML document']],
    ['a key twice', '[log]\nlevel = "info"\nlevel = "warn"', ['f.toml:7: ']],
    [
      'unknown key',
      '[limits]\nscan_msec = 1',
      ['f.toml:6: [limits] scan_msec: ', 'did you mean "scan_ms"?'],
    ],
    [
      'unknown key, nothing near',
      '[log]\ncolour = 1',
      ['f.toml:6: [log] colour: ', 'known are format, level'],
    ],
    ['unknown table', '[clamav]\nx = 1', ['f.toml:5: clamav: ', 'did you mean [clamd]?']],
    [
      'mistyped table',
      '[limts]\nscan_ms = 1',
      ['f.toml:5: limts: is not a known key or table; did you mean [limits]?'],
    ],
    [
      'mistyped list of tables',
      '[[listner]]\nprotocol = "smtp"',
      ['f.toml:5: listner: ', 'did you mean [[listener]]?'],
    ],
    [
      'unknown dotted key',
      'log.levle = "info"',
      ['f.toml:5: [[listener]] log: ', 'known are protocol'],
    ],
    [
      'no size',
      '[clamd]\n\nstream_max_length = "lots"',
      ['f.toml:7: [clamd] stream_max_length: ', 'such as "25M"', 'not "lots"'],
    ],
    [
      'no duration',
      '[quarantine]\nmax_age = 30',
      ['f.toml:6: [quarantine] max_age: ', 'such as "12h"', 'not 30'],
    ],
    [
      'below the least',
      '[limits]\nrecipients_max = 0',
      ['f.toml:6: [limits] recipients_max: ', 'at least 1'],
    ],
    [
      'no count',
      '[clamd]\ninflight_max = "ten"',
      ['f.toml:6: [clamd] inflight_max: ', 'a whole number'],
    ],
    [
      'no action',
      '[rules]\ninfected = "bounce"',
      ['f.toml:6: [rules] infected: ', '"quarantine"', 'not "bounce"'],
    ],
    [
      'no flag',
      '[header]\nvirus_scanned = "no"',
      ['f.toml:6: [header] virus_scanned: ', 'true or false'],
    ],
    [
      'two lines of header',
      '[header]\ntext = "a\\r\\nBcc: x"',
      ['f.toml:6: [header] text: ', 'one line'],
    ],
    ['no endpoint', '[clamd]\nendpoints = []', ['f.toml:6: [clamd] endpoints: must not be empty']],
    [
      'bad endpoint',
      '[clamd]\nendpoints = [\n"unix:/a",\n"/b",\n]',
      ['f.toml:8: [clamd] endpoints item 2: ', 'unix:/path or tcp://host:port'],
    ],
    [
      'more weights than endpoints',
      '[clamd]\nendpoints = ["unix:/a"]\nweights = [1, 2]',
      ['f.toml:7: [clamd] weights: has 2 numbers for 1 endpoints'],
    ],
    [
      'more than all of the time',
      '[storm]\nio = 101',
      ['f.toml:6: [storm] io: ', 'a number from 0 to 100'],
    ],
    ['no list', '[clamd]\nendpoints = "unix:/a"', ['f.toml:6: [clamd] endpoints: ', 'list']],
    [
      'relative directory',
      '[spool]\ndirectory = "spool"',
      ['f.toml:6: [spool] directory: ', 'absolute'],
    ],
    [
      'public control',
      '[control]\naddress = "0.0.0.0:80"',
      ['f.toml:6: [control] address: ', 'this machine alone'],
    ],
    [
      'no mailbox',
      '[quarantine]\nnotice_to = "a b@c"',
      ['f.toml:6: [quarantine] notice_to: ', 'a mail address'],
    ],
    ['no table', '[[log]]\nlevel = "info"', ['f.toml:5: [log]: must be a table']],
    ['mode', 'mode = 660', ['f.toml:5: [[listener]] mode: ', 'such as "0660"', 'not 660']],
    [
      'XFORWARD',
      'xforward_from = ["10.0.0.0/99"]',
      ['f.toml:5: [[listener]] xforward_from item 1: ', 'a network'],
    ],
    [
      'missing key',
      '[[listener]]\nprotocol = "smtp"\naddress = "unix:/x"',
      ['f.toml:5: [[listener]] next_hop: is missing', 'host:port'],
    ],
    [
      'a Milter with a next hop',
      '[[listener]]\nprotocol = "milter"\naddress = "unix:/x"\nnext_hop = "unix:/y"',
      ['f.toml:8: [[listener]] next_hop: is for smtp and lmtp', 'hands mail on'],
    ],
    [
      'hold behind the queue',
      'quarantine = "hold"',
      ['f.toml:5: [[listener]] quarantine: is for milter'],
    ],
    [
      'a group that is no name',
      '[[listener]]\nprotocol = "milter"\naddress = "unix:/x"\ngroup = "a b"',
      ['f.toml:8: [[listener]] group: must be the name of a group'],
    ],
    [
      'a policy service hands nothing on',
      '[[listener]]\nprotocol = "policy"\naddress = "unix:/x"\nnext_hop = "unix:/y"',
      ['f.toml:8: [[listener]] next_hop: is for smtp and lmtp', 'no other door'],
    ],
    [
      'only a policy service looks how long the line is',
      'waiting_level = 5',
      ['f.toml:5: [[listener]] waiting_level: is for policy'],
    ],
    [
      'a position that Postfix does not have',
      'position = "in-queue"',
      ['f.toml:5: [[listener]] position: ', 'before-queue'],
    ],
    [
      'LMTP before the queue',
      '[[listener]]\nprotocol = "lmtp"\naddress = "unix:/x"\nnext_hop = "unix:/y"\nposition = "before-queue"',
      ['f.toml:9: [[listener]] position: ', 'smtpd_proxy_filter'],
    ],
    [
      'deadline beyond Postfix before the queue',
      '[before_queue]\ndeadline_ms = "65s"',
      ['f.toml:6: [before_queue] deadline_ms: must be below 100s', 'next_hop_dot_ms (35s)'],
    ],
    [
      'wait at MAIL beyond Postfix before the queue',
      '[before_queue]\nnext_hop_reply_ms = "70s"',
      ['[before_queue] transaction_wait_ms: must be below 100s', 'next_hop_reply_ms (70s)'],
    ],
    [
      'systemd',
      '[[listener]]\nprotocol = "smtp"\naddress = "systemd:a:b"\nnext_hop = "unix:/y"',
      ['f.toml:7: [[listener]] address: ', '"systemd:a:b"', 'unix:/path or systemd:NAME'],
    ],
    [
      'deadline beyond Postfix',
      '[limits]\ndeadline_ms = "500s"',
      [
        'f.toml:6: [limits] deadline_ms: must be below 600s',
        'together with next_hop_dot_ms (100s)',
      ],
    ],
    [
      'reply to the dot beyond Postfix',
      '[limits]\nnext_hop_dot_ms = "120s"',
      [
        'f.toml:5: [limits] deadline_ms: must be below 600s',
        'together with next_hop_dot_ms (120s)',
      ],
    ],
    [
      'scan beyond deadline',
      '[limits]\nscan_ms = "480s"',
      ['f.toml:6: [limits] scan_ms: must be below deadline_ms (480s)'],
    ],
    [
      'wait beyond Postfix',
      '[limits]\ntransaction_wait_ms = "300s"',
      ['f.toml:6: [limits] transaction_wait_ms: must be below 300s'],
    ],
    [
      'deadline under the default scan',
      '[limits]\ndeadline_ms = "100s"',
      ['f.toml:5: [limits] scan_ms: must be below deadline_ms (100s)'],
    ],
    [
      'an address twice',
      '[control]\naddress = "127.0.0.1:10024"',
      ['f.toml:6: [control] address: ', 'used before'],
    ],
    [
      'a loop',
      '[[listener]]\nprotocol = "lmtp"\naddress = "unix:/x"\nnext_hop = "lmtp:127.0.0.1:10024"',
      ['f.toml:8: [[listener]] next_hop: ', 'round for ever'],
    ],
  ])('%s', (_, addition, words) => {
    const problems = problemsOf(minimal + addition);
    expect(problems).toHaveLength(1);
    for (const word of words) expect(problems[0]).toContain(word);
  });

  test.each([
    [
      '',
      'f.toml: [[listener]]: is missing: without a listener there is nothing to do; clamgate.example.toml shows one',
    ],
    [
      '[listener]\nprotocol = "smtp"',
      'f.toml:1: [[listener]]: must be a table with two brackets, [[listener]]',
    ],
    ['listener = []', 'f.toml:1: [[listener]]: must not be empty'],
  ])('without a listener: %j', (toml, problem) => {
    expect(problemsOf(toml)).toEqual([problem]);
  });

  test('all problems at once, in the order of their lines', () => {
    const problems = problemsOf(
      `hostname = "not a name"\n${minimal}mod = 1\n[log]\nlevel = "loud"\nx = 1\n`,
    );
    expect(problems.map((problem) => problem.split(': ').slice(0, 2))).toEqual([
      ['f.toml:1', 'hostname'],
      ['f.toml:6', '[[listener]] mod'],
      ['f.toml:8', '[log] level'],
      ['f.toml:9', '[log] x'],
    ]);
  });
});

describe('where the configuration comes from', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'clamgate-config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string): string => {
    writeFileSync(join(folder, name), minimal);
    return join(folder, name);
  };

  test('-c goes before $CLAMGATE_CONFIG', () => {
    const [named, fromEnv] = [write('named.toml'), write('env.toml')];
    expect(loadConfig(named, { CLAMGATE_CONFIG: fromEnv }).file).toBe(named);
    expect(loadConfig(undefined, { CLAMGATE_CONFIG: fromEnv }).file).toBe(fromEnv);
  });

  test('a named file that is not there is an error that names it', () => {
    const missing = join(folder, 'missing.toml');
    const load = () => loadConfig(missing, {});
    expect(load).toThrow(OperationalError);
    expect(load).toThrow(/^\/.*missing\.toml: cannot be read \(.*ENOENT/);
  });

  test.each([
    ['named', () => join(folder, 'missing.toml')],
    ['the default', () => undefined],
  ])(
    'without the file (%s), the error says what is looked at and where an example is',
    (_, file) => {
      const load = () => loadConfig(file(), {});
      expect(load).toThrow(
        /; the file is what -c names, else \$CLAMGATE_CONFIG, else \/etc\/clamgate\/clamgate\.toml; /,
      );
      expect(load).toThrow(/; \/\S*\/clamgate\.example\.toml is one to copy$/);
    },
  );

  test('a directory is no file, and the error says which one to name', () => {
    expect(() => loadConfig(folder, {})).toThrow(
      `${folder}: is a directory; name the file in it: ${folder}/clamgate.toml`,
    );
  });

  test('what may not be read needs no example', () => {
    expect(() => loadConfig('/dev/null/x.toml', {})).toThrow(
      /^\S+: cannot be read \(.*ENOTDIR[^;]*$/,
    );
  });
});

describe('[[banned]]', () => {
  const listener = `[[listener]]
protocol = "smtp"
address = "127.0.0.1:10024"
next_hop = "127.0.0.1:10025"
`;

  test('is a rule, its patterns folded, its action that of [rules] where it has none', () => {
    const { banned } = parseConfig(
      `${listener}[rules]\nbanned = "tag"\n[[banned]]\nname = "a"\nnames = ["*.EXE"]\nrecipients = ["X@y"]\n` +
        '[[banned]]\nname = "b"\naction = "reject"\nunlisted = true\nin_archives = false\n',
      'f',
    );
    expect(banned).toMatchObject([
      { name: 'a', action: 'tag', names: ['*.exe'], recipients: ['x@y'], inArchives: true },
      { name: 'b', action: 'reject', names: [], unlisted: true, inArchives: false },
    ]);
  });

  test.each([
    ['name = "a"', 5, 'bans nothing'],
    ['name = "a"\nunlisted = true\n[[banned]]\nname = "a"\nunlisted = true', 9, 'taken'],
    ['name = "a"\nname_patterns = ["*"]', 7, 'is not a known key'],
    ['name = "a"\nnames = ["dir/*.exe"]', 7, 'a name without its folders'],
    ['name = "a"\nnames = [""]', 7, 'a name without its folders'],
    ['name = "a"\nnames = "*.exe"', 7, 'must be a list'],
    ['name = "a"\ntypes = ["exe"]', 7, 'a pattern for a type'],
    ['name = "a"\ntricks = ["rtl"]', 7, 'direction-override'],
    ['name = "a b"\nunlisted = true', 6, 'a word for the log'],
    ['names = ["*"]', 5, 'is missing'],
    ['name = "a"\nunlisted = true\naction = "bounce"', 8, '"quarantine" or'],
  ])('%s: line %i', (rule, line, words) => {
    const text = `${listener}[[banned]]\n${rule}\n`;
    expect(() => parseConfig(text, 'f')).toThrow(words);
    expect(() => parseConfig(text, 'f')).toThrow(`f:${line}`);
  });

  test('is a table with two brackets', () => {
    expect(() => parseConfig(`${listener}[banned]\nname = "a"\n`, 'f')).toThrow('two brackets');
  });
});
