/** The rules of the doctor over facts: with all well no trouble, and each thing that is wrong alone. */
import { describe, expect, test } from '@jest/globals';
import { examine, type Finding, type Severity } from '../../src/doctor/check.ts';
import { checks } from '../../src/doctor/checks.ts';
import type { ClamdFacts, ClamdSizes, Facts } from '../../src/doctor/facts.ts';
import { known, notKnown } from '../../src/doctor/known.ts';
import {
  access,
  clamdProcess,
  clamdWith,
  configWith,
  door,
  healthyFacts,
  now,
  unitWith,
  wholePostfix,
} from '../support/doctor-facts.ts';
import { withMain, withOptions, withService } from '../support/recorded-postfix.ts';

const back = '127.0.0.1:10025';
const day = 86_400_000;
const GiB = 2 ** 30;
const healthy = healthyFacts();

const doors = [
  ['postfix-proxy', 'protocol = "smtp"\nposition = "before-queue"\nnext_hop = "127.0.0.1:10025"'],
  ['postfix-milter', 'protocol = "milter"'],
  ['postfix-policy', 'protocol = "policy"'],
] as const;

function ofSeverity(findings: readonly Finding[], ...wanted: Severity[]): string[] {
  const some = findings.filter(({ severity }) => wanted.includes(severity));
  return [...new Set(some.map(({ id }) => id))].sort();
}

test('with all well, every check has looked and nothing is wrong', () => {
  const findings = examine(checks, healthy);
  expect(ofSeverity(findings, 'warn', 'error', 'unknown')).toEqual([]);
  const silent = checks.map(({ id }) => id).filter((id) => !findings.some((one) => one.id === id));
  // These speak only of what is not there: TCP, other doors, a second clamd, a blocking reload, a socket unit.
  expect(silent.sort()).toEqual([
    'clamd-exposed',
    'clamd-second-opinion',
    'postfix-milter',
    'postfix-policy',
    'postfix-proxy',
    'reload-blocks',
    'signature-skew',
    'unit-clamd-socket',
  ]);
});

test('each check has a name of its own, a reason, a remedy and a place to read on', () => {
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
  for (const { id, what, why, mend, see } of checks) {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    for (const text of [what, why, mend, see]) expect(text.length).toBeGreaterThan(5);
  }
});

const clamd = (change: Partial<ClamdFacts>): Partial<Facts> => ({
  clamd: [{ ...clamdWith(), ...change }],
});
const conf = (values: Readonly<Record<string, string>>): Partial<Facts> => ({
  clamd: [clamdWith(values)],
});
const database = (built: number) =>
  clamd({ version: known({ text: 'v', engine: 'ClamAV', database: { number: 1, built } }) });
const sizes = (change: Partial<ClamdSizes>, more: Partial<ClamdFacts> = {}) =>
  clamd({
    sizes: known({ upTo: 10_240_000, takesStream: true, fileBytes: 10_240_000, ...change }),
    ...more,
  });
const unit = (properties: Readonly<Record<string, string>>, change: Partial<ClamdFacts> = {}) =>
  clamd({ unit: unitWith(properties), ...change });
const main = (parameters: Readonly<Record<string, string>>): Partial<Facts> => ({
  postfix: known(withMain(wholePostfix(), parameters)),
});
const options = (name: string, some: Readonly<Record<string, string | undefined>>) => ({
  postfix: known(withOptions(wholePostfix(), name, some)),
});
const config = (more: string): Partial<Facts> => ({ config: configWith(more) });
const status = (change: object): Partial<Facts> => ({
  daemon: known({
    ...(healthy.daemon.known ? healthy.daemon.value : {}),
    ...change,
  }) as Facts['daemon'],
});
const disk = (purpose: 'spool' | 'quarantine', freeBytes: number, inMemory = false) => ({
  disks: [{ purpose, path: '/d', space: known({ freeBytes, inMemory }) }],
});
const trial = (reply: string): Partial<Facts> => ({
  commitTrials: [{ nextHop: back, reply: known(reply) }],
});

/** What is wrong, and each finding that says so. */
const troubles: [string, Partial<Facts>, readonly [Severity, string][]][] = [
  ['no clamd answers', clamd({ pong: notKnown('ENOENT') }), [['error', 'clamd-answers']]],
  ['no clamd at all', clamd({ pong: known('220 mail') }), [['error', 'clamd-answers']]],
  [
    'EICAR is clean',
    clamd({ canary: known({ eicar: 'stream: OK', harmless: 'stream: OK' }) }),
    [['error', 'clamd-canary']],
  ],
  [
    'EICAR is only a limit',
    clamd({
      canary: known({
        eicar: 'stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND',
        harmless: 'stream: OK',
      }),
    }),
    [['error', 'clamd-canary']],
  ],
  [
    'everything is infected',
    clamd({ canary: known({ eicar: 'stream: X FOUND', harmless: 'stream: X FOUND' }) }),
    [['error', 'clamd-canary']],
  ],
  [
    'two clients disagree',
    clamd({ secondOpinion: known({ eicar: 'stream: OK', harmless: 'stream: OK' }) }),
    [['error', 'clamd-second-opinion']],
  ],
  ['silent limits', clamd({ limitAlerts: known('silent') }), [['warn', 'clamd-limit-alerts']]],
  [
    'encrypted parts stopped, and not told of',
    config('[rules]\nencrypted = "quarantine"'),
    [['warn', 'clamd-encrypted-alerts']],
  ],
  ['signatures of four days', database(now - 4 * day), [['warn', 'signature-age']]],
  ['signatures of eight days', database(now - 8 * day), [['error', 'signature-age']]],
  ['signatures of next week', database(now + 7 * day), [['error', 'clock-signatures']]],
  [
    'two clamds that differ',
    {
      clamd: [
        clamdWith(),
        {
          ...clamdWith(),
          version: known({ text: 'v', engine: 'e', database: { number: 1, built: now } }),
        },
      ],
    },
    [['warn', 'signature-skew']],
  ],
  ['clamd open to all', clamd({ outside: known(['192.0.2.1']) }), [['error', 'clamd-exposed']]],
  [
    'killed while it loads',
    unit(
      { Type: 'forking', TimeoutStartUSec: '30s', ExecStart: 'clamd -c /etc/clamd.d/scan.conf' },
      { load: known({ ms: 40_000, source: 'log' }) },
    ),
    [['error', 'unit-clamd-start']],
  ],
  [
    'hardly time to load',
    unit(
      {
        Type: 'forking',
        TimeoutStartUSec: '1min 30s',
        ExecStart: 'clamd -c /etc/clamd.d/scan.conf',
      },
      { load: known({ ms: 40_000, source: 'log' }) },
    ),
    [['warn', 'unit-clamd-start']],
  ],
  [
    'killed at each start, for it takes too long',
    unit(
      { Type: 'forking', TimeoutStartUSec: '1min 30s', Result: 'timeout' },
      { process: notKnown('x'), load: notKnown('nothing tells of it'), conf: notKnown('x') },
    ),
    [['error', 'unit-clamd-start']],
  ],
  [
    'killed at each start, and just being started again',
    unit(
      { Type: 'forking', TimeoutStartUSec: '30s', ActiveState: 'activating', NRestarts: '3' },
      { process: notKnown('x'), load: notKnown('nothing tells of it'), conf: notKnown('x') },
    ),
    [['error', 'unit-clamd-start']],
  ],
  ['a unit of Type=notify', unit({ Type: 'notify' }), [['error', 'unit-clamd-type']]],
  ['a unit of Type=oneshot', unit({ Type: 'oneshot' }), [['error', 'unit-clamd-type']]],
  [
    'forking, and another PIDFile than clamd writes',
    {
      clamd: [
        {
          ...clamdWith({ PidFile: '/run/clamav/clamd.pid' }),
          unit: unitWith({
            Type: 'forking',
            TimeoutStartUSec: '15min',
            ExecStart: 'clamd',
            PIDFile: '/run/clamd.scan/clamd.pid',
          }),
        },
      ],
    },
    [['error', 'unit-clamd-type']],
  ],
  [
    'a MemoryMax that a reload does not fit into',
    unit({ MemoryMax: String(1.5 * GiB) }),
    [['error', 'unit-clamd-memory']],
  ],
  [
    'a MemoryMax below what it takes, without reloads beside',
    {
      clamd: [
        {
          ...clamdWith({ ConcurrentDatabaseReload: 'no' }),
          unit: unitWith({ MemoryMax: String(0.5 * GiB) }),
        },
      ],
    },
    [['error', 'unit-clamd-memory']],
  ],
  [
    'a MemoryHigh that a reload does not fit into',
    unit({ MemoryMax: 'infinity', MemoryHigh: String(1.5 * GiB) }),
    [['warn', 'unit-clamd-memory']],
  ],
  [
    'killed for its memory',
    unit(
      { MemoryMax: String(GiB), Result: 'oom-kill' },
      { process: notKnown('x'), conf: notKnown('x') },
    ),
    [['error', 'unit-clamd-memory']],
  ],
  [
    'forking, and in the foreground',
    unit({ Type: 'forking', TimeoutStartUSec: '15min' }),
    [['error', 'unit-clamd-type']],
  ],
  ['simple, and in the background', unit({ ExecStart: 'clamd' }), [['error', 'unit-clamd-type']]],
  ['never started again', unit({ Restart: 'no' }), [['warn', 'unit-clamd-restart']]],
  [
    'a socket of systemd, and a port that is ignored',
    {
      clamd: [
        {
          ...clamdWith({ TCPSocket: '3310' }),
          unit: unitWith({ TriggeredBy: 'clamav-daemon.socket' }),
        },
      ],
    },
    [['warn', 'unit-clamd-socket']],
  ],
  [
    'no memory to reload',
    { memory: known({ availableBytes: GiB / 2, totalBytes: 2 * GiB }) },
    [['error', 'reload-memory']],
  ],
  [
    'no memory to reload what is in swap',
    {
      ...clamd({ process: known({ ...clamdProcess, rssBytes: GiB / 2, swapBytes: GiB / 2 }) }),
      memory: known({ availableBytes: 0.9 * GiB, totalBytes: 2 * GiB }),
    },
    [['error', 'reload-memory']],
  ],
  [
    'less memory than clamgate update wants',
    {
      ...config('[update]\nmemory_reserve = "512M"'),
      memory: known({ availableBytes: 1.4 * GiB, totalBytes: 2 * GiB }),
    },
    [['warn', 'reload-memory']],
  ],
  [
    'hardly memory to reload',
    { memory: known({ availableBytes: 1.1 * GiB, totalBytes: 2 * GiB }) },
    [['warn', 'reload-memory']],
  ],
  [
    'minutes of silence at each reload',
    {
      clamd: [
        {
          ...clamdWith({ ConcurrentDatabaseReload: 'no' }),
          load: known({ ms: 120_000, source: 'log' }),
        },
      ],
    },
    [['warn', 'reload-blocks']],
  ],
  [
    'one clamd by two names, and its threads given twice',
    { clamd: [clamdWith(), { ...clamdWith(), endpoint: 'tcp://127.0.0.1:3310' }] },
    [
      ['warn', 'clamd-threads'],
      ['warn', 'clamd-threads'],
    ],
  ],
  ['all threads taken', clamd({ threadsMax: known(8) }), [['warn', 'clamd-threads']]],
  ['a short queue', conf({ MaxQueue: '20' }), [['warn', 'clamd-queue']]],
  ['a short backlog', clamd({ backlog: known(5) }), [['warn', 'clamd-backlog']]],
  ['scans that outlast us', conf({ MaxScanTime: '300000' }), [['warn', 'time-scan']]],
  ['scans without end', conf({ MaxScanTime: '0' }), [['warn', 'time-scan']]],
  ['smaller streams', conf({ StreamMaxLength: '10M' }), [['warn', 'size-clamd-conf']]],
  ['shorter scans', conf({ MaxScanTime: '60000' }), [['warn', 'size-clamd-conf']]],
  ['less unpacked than a file', conf({ MaxScanSize: '20M' }), [['warn', 'size-clamd-ladder']]],
  ['a smaller file than a message', sizes({ fileBytes: 5_000_000 }), [['warn', 'size-clamd-file']]],
  ['a shorter stream than a message', sizes({ takesStream: false }), [['warn', 'size-clamd-file']]],
  [
    'a smaller file than a message, and what is larger passes by the rule of a clamd that tells',
    { ...sizes({ fileBytes: 5_000_000 }), ...config('[rules]\nlimits = "tag"') },
    [['error', 'size-clamd-file']],
  ],
  [
    'a smaller file than a message, and what is larger passes by the rule of a silent one',
    {
      ...sizes({ fileBytes: 5_000_000 }, { limitAlerts: known('silent') }),
      ...config('[rules]\noversize = "pass"'),
    },
    [
      ['warn', 'clamd-limit-alerts'],
      ['error', 'size-clamd-file'],
    ],
  ],
  [
    'larger mail than is scanned',
    main({ message_size_limit: '50000000' }),
    [
      ['error', 'size-next-hop'],
      ['warn', 'size-stream'],
    ],
  ],
  [
    'larger mail than we take',
    main({ message_size_limit: '104857601' }),
    [
      ['error', 'size-next-hop'],
      ['error', 'size-postfix'],
      ['warn', 'size-stream'],
    ],
  ],
  [
    'unlimited mail',
    main({ message_size_limit: '0' }),
    [
      ['error', 'size-next-hop'],
      ['error', 'size-postfix'],
      ['warn', 'size-stream'],
    ],
  ],
  ['no daemon', { daemon: notKnown('ECONNREFUSED') }, [['error', 'daemon-answers']]],
  [
    'a daemon without a listener',
    status({ reasons: ['no listener is open'] }),
    [['error', 'daemon-ready']],
  ],
  [
    'a ledger that cannot be used',
    status({ ledger: { usable: false, unsettled: 0, inDoubt: 0, bytes: 0 } }),
    [['error', 'ledger-usable']],
  ],
  [
    'a message in doubt',
    status({ ledger: { usable: true, unsettled: 1, inDoubt: 1, bytes: 0 } }),
    [['warn', 'ledger-in-doubt']],
  ],
  [
    'few descriptors',
    {
      daemonProcess: known({
        pid: 1,
        rssBytes: 1,
        swapBytes: 0,
        openFilesMax: 1024,
        commandLine: [],
        started: 0,
      }),
    },
    [['error', 'daemon-files']],
  ],
  [
    'a socket out of reach',
    { access: [access('connect', '/s', 'clamd', 'no')] },
    [['error', 'access-sockets']],
  ],
  [
    'a configuration out of reach',
    { access: [access('read', '/c', 'the configuration', 'no')] },
    [['error', 'access-configuration']],
  ],
  [
    'a directory out of reach',
    { access: [access('write', '/d', 'spool', 'no')] },
    [['error', 'access-directories']],
  ],
  ['a full disk', disk('spool', 1000), [['error', 'disk-room']]],
  ['a disk too small', disk('quarantine', GiB / 2), [['warn', 'disk-room']]],
  ['a quarantine in memory', disk('quarantine', 100 * GiB, true), [['error', 'disk-lasting']]],
  [
    'a clock of its own',
    { clock: known({ synchronised: false, source: 'chronyc' }) },
    [['warn', 'clock-synchronised']],
  ],
  ['a kernel that cuts', { somaxconn: known(128) }, [['warn', 'backlog-kernel']]],
  [
    'killed while it drains',
    { daemonUnit: unitWith({ TimeoutStopUSec: '30s' }) },
    [['error', 'unit-daemon-stop']],
  ],
  [
    'an unwise configuration',
    { advice: [{ severity: 'warning', key: 'k', text: 't' }] },
    [['warn', 'configuration']],
  ],
  [
    'a listener that is silent',
    { listeners: [{ ...door('127.0.0.1:10024'), extensions: notKnown('ECONNREFUSED') }] },
    [['error', 'listener-answers']],
  ],
  [
    'another filter listens',
    { listeners: [door('127.0.0.1:10024', ['XFORWARD'])] },
    [['warn', 'listener-keywords']],
  ],
  [
    'a listener open to all',
    { listeners: [{ ...door('0.0.0.0:10024'), outside: known(['192.0.2.1']) }] },
    [['error', 'listener-exposed']],
  ],
  [
    'a next hop that is silent',
    { nextHops: [{ ...door(back), extensions: notKnown('ECONNREFUSED') }] },
    [['error', 'next-hop-answers']],
  ],
  [
    'a next hop without 8BITMIME',
    { nextHops: [door(back, ['8BITMIME'])] },
    [['warn', 'next-hop-keywords']],
  ],
  [
    'a next hop open to all',
    { nextHops: [{ ...door(back), outside: known(['192.0.2.1']) }] },
    [['error', 'next-hop-exposed']],
  ],
  [
    'no XFORWARD back',
    { nextHops: [door(back, ['XFORWARD'])] },
    [['warn', 'reinjection-xforward']],
  ],
  ['no filter', main({ content_filter: '' }), [['error', 'postfix-filter']]],
  [
    'a filter at one smtpd only',
    {
      postfix: known(
        withOptions(withMain(wholePostfix(), { content_filter: '' }), 'pickup', {
          content_filter: 'scan:[127.0.0.1]:10024',
        }),
      ),
    },
    [['warn', 'postfix-filter']],
  ],
  [
    'no transport',
    { postfix: known(withService(wholePostfix(), 'scan', () => undefined)) },
    [['error', 'postfix-transport']],
  ],
  [
    'a transport of the other protocol',
    {
      postfix: known(
        withOptions(
          withService(wholePostfix(), 'scan', (service) => ({ ...service, command: 'lmtp' })),
          'scan',
          { lmtp_send_xforward_command: 'yes', lmtp_generic_maps: '' },
        ),
      ),
    },
    [['error', 'postfix-transport']],
  ],
  [
    'a destination that only lmtp(8) knows',
    main({ content_filter: 'scan:inet:127.0.0.1:10024' }),
    [['error', 'postfix-transport']],
  ],
  [
    'no XFORWARD',
    options('scan', { smtp_send_xforward_command: 'no' }),
    [['warn', 'postfix-xforward']],
  ],
  ...(
    [
      [{ smtp_bind_address: '192.0.2.1' }, true],
      [{ inet_interfaces: '192.0.2.1' }, true],
      [{ inet_interfaces: '192.0.2.1 2001:db8::1' }, true],
      [{ inet_interfaces: '127.0.0.1, 192.0.2.1' }, false],
      [{ inet_interfaces: '127.0.0.1' }, false],
      [{ inet_interfaces: '192.0.2.1, mail.example.org' }, false],
      [{ inet_interfaces: '192.0.2.1', smtp_bind_address: '127.0.0.1' }, false],
      [{ smtp_bind_address6: '2001:db8::1' }, false],
    ] as const
  ).map(([parameters, isWrong]): [string, Partial<Facts>, readonly [Severity, string][]] => [
    `to the filter from another address than ours: ${JSON.stringify(parameters)}`,
    main(parameters),
    isWrong ? [['warn', 'postfix-xforward']] : [],
  ]),
  [
    'generic maps',
    options('scan', { smtp_generic_maps: 'hash:/x' }),
    [['warn', 'postfix-unchanged']],
  ],
  ['mapped twice', main({ receive_override_options: '' }), [['warn', 'postfix-mapping']]],
  ['short queue ids', main({ enable_long_queue_ids: 'no' }), [['error', 'queue-ids']]],
  ['a loop', options(back, { content_filter: undefined }), [['error', 'reinjection-loop']]],
  [
    'never mapped',
    options(back, { receive_override_options: undefined }),
    [['error', 'reinjection-overrides']],
  ],
  [
    'open',
    options(back, { smtpd_recipient_restrictions: 'permit' }),
    [['error', 'reinjection-restrictions']],
  ],
  [
    'checked again',
    options(back, { smtpd_helo_restrictions: 'reject_invalid_helo_hostname' }),
    [['warn', 'reinjection-restrictions']],
  ],
  [
    'refusals that count',
    options(back, { smtpd_hard_error_limit: '20' }),
    [['warn', 'reinjection-errors']],
  ],
  [
    'TLS to a relayhost, and so to the filter',
    {
      postfix: known(
        withOptions(withMain(wholePostfix(), { smtp_tls_security_level: 'encrypt' }), 'scan', {
          smtp_tls_security_level: undefined,
        }),
      ),
    },
    [['error', 'postfix-tls']],
  ],
  [
    'TLS from the first byte on',
    options('scan', { smtp_tls_wrappermode: 'yes' }),
    [['error', 'postfix-tls']],
  ],
  [
    'TLS from the filter',
    options(back, { smtpd_tls_security_level: 'encrypt' }),
    [['error', 'reinjection-tls']],
  ],
  [
    'TLS from the filter, the old way',
    options(back, { smtpd_tls_security_level: '', smtpd_enforce_tls: 'yes' }),
    [['error', 'reinjection-tls']],
  ],
  [
    'no question',
    options(back, { smtpd_end_of_data_restrictions: '' }),
    [['error', 'commit-entry']],
  ],
  [
    'a question elsewhere',
    options(back, { smtpd_end_of_data_restrictions: 'check_policy_service unix:private/policy' }),
    [['error', 'commit-entry']],
  ],
  [
    'an absolute path, chrooted',
    {
      postfix: known(
        withService(
          withOptions(wholePostfix(), back, {
            smtpd_end_of_data_restrictions:
              'check_policy_service unix:/var/spool/postfix/clamgate/commit.sock',
          }),
          back,
          (service) => ({ ...service, columns: { ...service.columns, chroot: 'y' } }),
        ),
      ),
    },
    [['error', 'commit-entry']],
  ],
  [
    'a broken main.cf',
    { postfix: notKnown("Postfix: postconf: fatal: /e/main.cf, line 2: missing '=' after x") },
    [['error', 'postfix-readable']],
  ],
  [
    'an instance that is not there',
    { postfix: notKnown('Postfix: postconf: fatal: open /e/main.cf: No such file or directory') },
    [['error', 'postfix-readable']],
  ],
  [
    'no socket of the witness',
    { access: [access('connect', '/w', 'the witness', '/w is not there')] },
    [['error', 'access-sockets']],
  ],
  ['accepted all the same', trial('250 2.0.0 Ok: queued as X'), [['error', 'commit-answers']]],
  [
    'no mail at all',
    trial('530 5.7.0 Must issue a STARTTLS command first to MAIL'),
    [['error', 'commit-answers']],
  ],
  ['nobody to ask', trial('451 4.3.5 Server configuration problem'), [['error', 'commit-answers']]],
  [
    'commits without an answer',
    main({ smtpd_policy_service_default_action: 'DUNNO' }),
    [['error', 'commit-default-action']],
  ],
  ['no patience for us', main({ smtpd_policy_service_timeout: '10s' }), [['warn', 'time-commit']]],
  [
    'no patience at the dot',
    options('scan', { smtp_data_done_timeout: '580s' }),
    [['error', 'time-final-dot']],
  ],
  ['no patience at MAIL', main({ smtp_mail_timeout: '120s' }), [['error', 'time-envelope']]],
  ['no patience at RCPT', main({ smtp_rcpt_timeout: '1m' }), [['error', 'time-envelope']]],
  ['no patience with data', main({ smtp_data_init_timeout: '119s' }), [['warn', 'time-transfer']]],
  [
    'no patience at the next hop',
    options(back, { smtpd_timeout: '120s' }),
    [['warn', 'time-reinjection']],
  ],
  [
    'a queue that remembers longer',
    main({ maximal_queue_lifetime: '7' }),
    [['error', 'time-queue']],
  ],
  [
    'as many in as back',
    {
      postfix: known(
        withService(wholePostfix(), back, (service) => ({
          ...service,
          columns: { ...service.columns, processLimit: '10' },
        })),
      ),
    },
    [['warn', 'processes-back']],
  ],
  [
    'without limit into the filter',
    {
      postfix: known(
        withMain(
          withService(wholePostfix(), 'scan', (service) => ({
            ...service,
            columns: { ...service.columns, processLimit: '0' },
          })),
          { default_destination_concurrency_limit: '0' },
        ),
      ),
    },
    [
      ['warn', 'processes-back'],
      ['warn', 'processes-filter'],
    ],
  ],
];

test.each(['', 'none', 'may', 'dane'])('TLS that is not insisted on is well: "%s"', (level) => {
  for (const facts of [
    options('scan', { smtp_tls_security_level: level }),
    options(back, { smtpd_tls_security_level: level }),
  ]) {
    expect(ofSeverity(examine(checks, { ...healthy, ...facts }), 'warn', 'error')).toEqual([]);
  }
});

test.each(troubles)('%s', (_, change, expected) => {
  const findings = examine(checks, { ...healthy, ...change });
  const trouble = findings
    .filter(({ severity }) => severity === 'warn' || severity === 'error')
    .map(({ severity, id }): [Severity, string] => [severity, id]);
  const byId = (one: [Severity, string], other: [Severity, string]) =>
    one[1].localeCompare(other[1]);
  expect(trouble.sort(byId)).toEqual([...expected].sort(byId));
});

test('every check is broken by one of them', () => {
  const broken = new Set(troubles.flatMap(([, , expected]) => expected.map(([, id]) => id)));
  // At the end of this file.
  for (const id of ['commit-configured', ...doors.map(([id]) => id)]) broken.add(id);
  expect(checks.map(({ id }) => id).filter((id) => !broken.has(id))).toEqual([]);
});

describe('a clamd that does not answer', () => {
  const silent = (change: Partial<ClamdFacts>): Finding | undefined => {
    const facts = { ...healthy, ...clamd({ pong: notKnown('connect ENOENT'), ...change }) };
    return examine(checks, facts).find(({ id }) => id === 'clamd-answers');
  };
  const running = (listensAt: string, isAsked: boolean) => ({
    running: [{ pid: 7, file: '/etc/clamd.conf', listensAt: [listensAt], isAsked }],
  });

  test('and runs loads its signatures', () => {
    const found = silent(running('unix:/run/clamav/clamd.ctl', true));
    expect(found?.what).toContain('process 7 is a clamd that is to listen there (/etc/clamd.conf)');
    expect(found?.mend).toMatch(/^Wait: it loads/);
  });
  test('where another one runs that we do not ask', () => {
    const found = silent(running('unix:/run/other.ctl', false));
    expect(found?.what).toContain('is to listen at unix:/run/other.ctl (/etc/clamd.conf)');
    expect(found?.mend).toContain('[clamd] endpoints');
  });
  test('where the other that runs is asked as well', () => {
    const found = silent(running('unix:/run/clamav/clamd.ctl', false));
    expect(found?.what).toMatch(/connect ENOENT$/);
  });
  test('and whose socket is not there is told of once', () => {
    const gone = access('connect', '/s', 'clamd', '/s is not there');
    const facts = { ...healthy, ...clamd({ pong: notKnown('ENOENT') }), access: [gone] };
    expect(ofSeverity(examine(checks, facts), 'error')).toEqual(['clamd-answers']);
  });
});

describe('a clamd that looks at less than a message can have', () => {
  const found = (change: Partial<ClamdSizes>, values: Readonly<Record<string, string>>) => {
    const facts = sizes(change, { conf: clamdWith(values).conf ?? notKnown('') });
    return examine(checks, { ...healthy, ...facts }).find(({ id }) => id === 'size-clamd-file');
  };

  test.each<[string, Partial<ClamdSizes>, Record<string, string>, RegExp]>([
    ['by MaxFileSize', { fileBytes: 5e6 }, { MaxFileSize: '5M' }, /^Raise MaxFileSize \(5M\) in /],
    ['by MaxScanSize', { fileBytes: 5e6 }, { MaxScanSize: '5M' }, /^Raise MaxScanSize \(5M\) in /],
    [
      'by both',
      { fileBytes: 5e6 },
      { MaxFileSize: '6M', MaxScanSize: '5M' },
      /^Raise MaxFileSize \(6M\) and MaxScanSize \(5M\) in /,
    ],
    [
      'by StreamMaxLength',
      { takesStream: false },
      { StreamMaxLength: '5M' },
      /^Raise StreamMaxLength \(5M\) in \/etc\/clamav\/clamd.conf to at least 10000K and restart/,
    ],
    ['although its clamd.conf allows for more', { fileBytes: 5e6 }, {}, /^Restart clamd: /],
  ])('%s has that for its remedy', (_, change, values, mend) => {
    expect(found(change, values)?.mend).toMatch(mend);
  });

  test('says how much, and which rule holds', () => {
    expect(found({ fileBytes: 5 * 2 ** 20 }, {})?.what).toContain(
      'to look at files of up to 5M, and a message can have 10000K ([rules] limits = "quarantine")',
    );
  });

  test('is not known by one that looks into no archives', () => {
    expect(found({ fileBytes: Infinity }, {})?.severity).toBe('unknown');
  });

  test('is told of its other fault alone where it does not answer', () => {
    const facts = { ...healthy, ...clamd({ pong: notKnown('x'), sizes: notKnown('x') }) };
    expect(ofSeverity(examine(checks, facts), 'unknown')).toEqual([]);
  });
});

test('no more comes at once than qmgr has under way for one destination', () => {
  const through = (limits: Readonly<Record<string, string>>) => {
    const many = withService(wholePostfix(), 'scan', (service) => ({
      ...service,
      columns: { ...service.columns, processLimit: undefined },
    }));
    const facts = { ...healthy, postfix: known(withMain(many, limits)) };
    return examine(checks, facts).find(({ id }) => id === 'processes-back')?.what;
  };
  expect(through({ default_destination_concurrency_limit: '12' })).toMatch(/^12 into/);
  expect(through({ scan_destination_concurrency_limit: '7' })).toMatch(/^7 into/);
  expect(through({ scan_destination_concurrency_limit: '0' })).toMatch(/^100 into/);
});

test('no commit question, where it could be asked', () => {
  const { name, witness } = healthy.config.commit;
  const commit = { name, witness };
  const facts = { ...healthy, config: { ...healthy.config, commit }, commitTrials: [] };
  const findings = examine(checks, facts);
  expect(ofSeverity(findings, 'warn', 'error')).toEqual(['commit-configured', 'commit-entry']);
});

describe('what cannot be seen is not known, and no trouble', () => {
  const blind: [string, Partial<Facts>, readonly string[]][] = [
    ['Postfix', { postfix: notKnown('postconf is not installed') }, ['postfix-readable']],
    [
      'a Postfix that is not set up',
      {
        postfix: notKnown(
          'Postfix: postconf: fatal: open /etc/postfix/main.cf: No such file or directory',
        ),
      },
      ['postfix-readable'],
    ],
    [
      'Postfix, without rights',
      { postfix: notKnown('Postfix: postconf: fatal: open /e/main.cf: Permission denied') },
      ['postfix-readable'],
    ],
    ['the clock', { clock: notKnown('no timedatectl') }, ['clock-synchronised']],
    ['memory', { memory: notKnown('no /proc') }, ['reload-memory']],
    [
      'clamd, without rights',
      { ...clamd({ pong: notKnown('connect EACCES /s') }), isRoot: false },
      ['clamd-answers'],
    ],
    [
      'a listener, without rights',
      {
        listeners: [{ ...door('unix:/s'), extensions: notKnown('connect EACCES /s') }],
        isRoot: false,
      },
      ['listener-answers'],
    ],
    [
      'the daemon, without rights',
      { daemon: notKnown('EACCES'), isRoot: false },
      ['daemon-answers'],
    ],
    [
      'signatures of others',
      clamd({ version: known({ text: 'ClamAV', engine: 'ClamAV' }) }),
      ['signature-age'],
    ],
    [
      'how long clamd loads',
      unit({ Type: 'forking', ExecStart: 'clamd' }, { load: notKnown('x') }),
      ['unit-clamd-start'],
    ],
  ];
  test.each(blind)('%s', (_, change, expected) => {
    const findings = examine(checks, { ...healthy, ...change });
    expect(ofSeverity(findings, 'unknown')).toEqual(expected);
    expect(ofSeverity(findings, 'warn', 'error')).toEqual([]);
  });
});

test('a daemon that does not run is told once, and not by the sockets that it does not have', () => {
  const own = { ...access('connect', '/var/spool/postfix/clamgate/commit.sock', 'x', 'not there') };
  const facts = { ...healthy, access: [{ ...own, who: 'postfix' as const }] };
  expect(ofSeverity(examine(checks, facts), 'error')).toEqual(['access-sockets']);
  const without = { ...facts, daemon: notKnown<never>('ECONNREFUSED') };
  expect(ofSeverity(examine(checks, without), 'error')).toEqual(['daemon-answers']);
});

test('the recommended start time grows with the load time', () => {
  const mendFor = (ms: number) =>
    examine(checks, {
      ...healthy,
      ...unit(
        { Type: 'forking', TimeoutStartUSec: '1min 30s', ExecStart: 'clamd' },
        { load: known({ ms, source: 'log' }) },
      ),
    }).find(({ id }) => id === 'unit-clamd-start')?.mend;
  expect(mendFor(60_000)).toContain('TimeoutStartSec=900');
  expect(mendFor(400_000)).toContain('TimeoutStartSec=1620');
});

test('a MemoryMax is recommended that a reload fits into', () => {
  const mendFor = (values: Readonly<Record<string, string>>) =>
    examine(checks, {
      ...healthy,
      clamd: [{ ...clamdWith(values), unit: unitWith({ MemoryMax: '1000000' }) }],
    }).find(({ id }) => id === 'unit-clamd-memory')?.mend;
  expect(mendFor({})).toContain('clamav-daemon.service: [Service] MemoryMax=2304M');
  expect(mendFor({ ConcurrentDatabaseReload: 'no' })).toContain('MemoryMax=1280M');
});

test('where memory is short the largest processes are named', () => {
  const mendFor = (largest: Facts['largest']) =>
    examine(checks, {
      ...healthy,
      memory: known({ availableBytes: GiB / 2, totalBytes: 2 * GiB }),
      largest,
    }).find(({ id }) => id === 'reload-memory')?.mend;
  const processes = [
    { pid: 7, name: 'clamd', rssBytes: GiB },
    { pid: 9, name: 'mysqld', rssBytes: GiB / 2 },
  ];
  expect(mendFor(known(processes))).toContain('clamd (7) 1024 MiB, mysqld (9) 512 MiB.');
  expect(mendFor(notKnown('no /proc'))).toContain('not known: no /proc');
});

test('a check that fails says so, and the others go on', () => {
  const broken = {
    ...checks[0],
    id: 'broken',
    look: () => {
      throw new Error('a bug');
    },
  };
  const findings = examine([broken as never, ...checks.slice(1, 2)], healthy);
  expect(findings[0]).toMatchObject({ severity: 'unknown', what: 'a fault of this check: a bug' });
  expect(findings).toHaveLength(2);
});

describe('the doors before the queue', () => {
  const setting = (id: string, server: string): Partial<Facts> => {
    const postfix = wholePostfix();
    const names = {
      'postfix-proxy': 'smtpd_proxy_filter',
      'postfix-milter': 'smtpd_milters',
      'postfix-policy': 'smtpd_recipient_restrictions',
    };
    const name = names[id as keyof typeof names];
    const value = id === 'postfix-policy' ? `reject, check_policy_service ${server}` : server;
    return { postfix: known(withMain(postfix, { [name]: value })) };
  };
  const look = (id: string, address: string, table: string, server: string): string | undefined => {
    const config = configWith(`\n[[listener]]\naddress = "${address}"\n${table}\n`);
    const findings = examine(checks, { ...healthy, ...setting(id, server), config });
    return findings.find((one) => one.id === id)?.severity;
  };

  test.each(doors)('%s: whether Postfix names it', (id, table) => {
    const socket = 'unix:/var/spool/postfix/clamgate/x.sock';
    const absent = id === 'postfix-policy' ? 'warn' : 'error';
    expect(look(id, '127.0.0.1:10099', table, 'inet:127.0.0.1:10099')).toBe('ok');
    expect(look(id, '127.0.0.1:10099', table, 'inet:localhost:10099')).toBe('ok');
    expect(look(id, socket, table, 'unix:clamgate/x.sock')).toBe('ok');
    expect(look(id, socket, table, socket)).toBe('ok');
    expect(look(id, socket, table, 'unix:clamgate/y.sock')).toBe(absent);
    expect(look(id, '127.0.0.1:10099', table, '127.0.0.1:10098')).toBe(absent);
  });

  test.each([
    ['the smtpd on port 25', 'smtp', {}, 'warn'],
    ['one that asks for none of us', 'smtp', { receive_override_options: 'no_milters' }, 'ok'],
    ['one that takes mail back', back, {}, 'ok'],
  ] as const)('a Milter of main.cf that is taken from %s', (_, name, more, severity) => {
    const config = configWith('\n[[listener]]\nprotocol = "milter"\naddress = "127.0.0.1:10099"\n');
    const settings = { smtpd_milters: 'inet:127.0.0.1:10099', milter_default_action: 'tempfail' };
    const whole = withMain(wholePostfix(), settings);
    const entry = whole.services.find((one) => one.name === back);
    // The recorded Postfix has no smtpd for others.
    const open = entry && { ...entry, name: 'smtp', options: new Map<string, string>() };
    const services = [...whole.services, ...(open ? [open] : [])];
    const postfix = withOptions({ ...whole, services }, name, {
      smtpd_milters: '',
      ...more,
    });
    const findings = examine(checks, { ...healthy, postfix: known(postfix), config });
    expect(findings.find(({ id }) => id === 'postfix-milter')?.severity).toBe(severity);
  });

  test('a Milter without which mail comes in', () => {
    const config = configWith('\n[[listener]]\nprotocol = "milter"\naddress = "127.0.0.1:10099"\n');
    const settings = { smtpd_milters: 'inet:127.0.0.1:10099', milter_default_action: 'accept' };
    const postfix = known(withMain(wholePostfix(), settings));
    const findings = examine(checks, { ...healthy, postfix, config });
    expect(findings.find(({ id }) => id === 'postfix-milter')?.severity).toBe('error');
  });
});
