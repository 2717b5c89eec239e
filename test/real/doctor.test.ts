/**
 * The doctor before a whole set-up: Postfix, clamd and the daemon, all private. A good one has no
 * trouble; then one thing at a time is broken, and exactly what tells of it is told.
 */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { Report } from '../../src/cli/doctor.ts';
import type { Finding } from '../../src/doctor/check.ts';
import { systemClock } from '../../src/clock.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import { runCli } from '../support/run-cli.ts';

jest.setTimeout(120_000);

/** Of the machine that the tests run on, and nobody's to break here. */
const ofTheMachine = [
  'disk-room',
  'disk-lasting',
  'reload-memory',
  'backlog-kernel',
  'clock-synchronised',
  'unit-daemon-stop',
];
const day = 86_400_000;
const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));

describeNeeding(['root', 'postfix', 'clamd', 'ss', 'setpriv'], 'the doctor', () => {
  let clamd: PrivateClamd;
  let postfix: PrivatePostfix;
  let daemon: PrivateDaemon;
  let folder: Folder;
  let witness: Server;
  let [filterPort, reinjectPort] = [0, 0];
  let entry = '';

  beforeAll(async () => {
    folder = makeFolder();
    chmodSync(folder.path, 0o755);
    [filterPort, reinjectPort] = [await freePort(), await freePort()];
    entry = `127.0.0.1:${reinjectPort}/inet`;
    clamd = await PrivateClamd.start({
      StreamMaxLength: '100M',
      MaxFileSize: '100M',
      MaxScanSize: '400M',
      AlertExceedsMax: 'yes',
      // It is asked by two names.
      MaxThreads: '20',
    });
    clamd.writeSignature(27_000, Buffer.from('some file'));
    await clamd.restart();
    postfix = await startPostfix({
      chrooted: true,
      reinjectPort,
      mainCf: ['message_size_limit = 10240000'],
    });
    // The doctor only looks whether it could be asked.
    witness = createServer().listen(join(folder.path, 'witness.sock'));
    daemon = PrivateDaemon.prepare(setUp(`127.0.0.1:${filterPort}`));
    await daemon.restart();
    openToNobody();
    await applied();
    expect(ofTrouble(await look())).toEqual([]);
  });

  afterAll(async () => {
    await daemon.close();
    witness.close();
    await postfix.stop();
    await clamd.close();
    folder.remove();
  });

  const setUp = (address: string) => ({
    listeners: [{ protocol: 'smtp' as const, address, nextHop: `127.0.0.1:${reinjectPort}` }],
    clamd: [clamd.unix.name, clamd.tcp.name],
    more: `[commit]
address = "unix:${postfix.queueDirectory}/clamgate/commit.sock"
witness = "unix:${folder.path}/witness.sock"`,
  });

  /** The daemon's user is nobody here, though it runs as root. */
  function openToNobody(): void {
    chmodSync(join(folder.path, 'witness.sock'), 0o666);
    for (const path of directories()) {
      mkdirSync(path, { recursive: true });
      chownSync(path, nobody, -1);
    }
  }
  const directories = () => [
    join(dirname(daemon.configFile), 'quarantine'),
    daemon.spoolDirectory,
    dirname(daemon.ledgerFile),
  ];

  async function applied(): Promise<void> {
    const where = ['--config-directory', postfix.configDirectory];
    const args = ['-c', daemon.configFile, 'postfix', ...where, '--apply', '--reload'];
    const { code, err } = await runCli(args, { clock: systemClock });
    expect([code, err]).toEqual([0, '']);
    await postfix.logged(/reload -- version/);
  }

  async function look(...more: string[]): Promise<readonly Finding[]> {
    const where = ['--postfix-directory', postfix.configDirectory, '--user', 'nobody'];
    const args = ['-c', daemon.configFile, '--json', 'doctor', ...where, ...more];
    const { code, out, err } = await runCli(args, { clock: systemClock });
    expect(err).toBe('');
    const { findings, healthy } = JSON.parse(out) as Report;
    expect(code).toBe(healthy ? 0 : 1);
    return findings;
  }

  function ofTrouble(findings: readonly Finding[]): string[] {
    const trouble = findings.filter(({ severity }) => severity === 'warn' || severity === 'error');
    return [...new Set(trouble.map(({ id }) => id))].filter((id) => !ofTheMachine.includes(id));
  }

  const postconf = (...args: string[]): void => {
    execFileSync('/usr/sbin/postconf', ['-c', postfix.configDirectory, ...args]);
  };
  const masterCf = () => join(postfix.configDirectory, 'master.cf');

  async function reloaded(): Promise<void> {
    const count = async () =>
      (await postfix.logLines()).join('\n').match(/reload -- version/g)?.length ?? 0;
    const before = await count();
    execFileSync('/usr/sbin/postfix', ['-c', postfix.configDirectory, 'reload'], {
      stdio: 'ignore',
    });
    while ((await count()) === before) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** What is set in main.cf, or for an entry of master.cf, and whether Postfix has to take it up. */
  const main = (setting: string) => [['-e', setting]];
  const ofEntry = (option: string) => [['-P', `${entry}/${option}`]];
  const ofScan = (option: string) => [['-P', `scan/unix/${option}`]];

  const settings: [string, () => string[][], readonly string[], 'reload'?][] = [
    ['no content_filter', () => main('content_filter='), ['postfix-filter']],
    ['another filter', () => main('content_filter=smtp-amavis:[127.0.0.1]:1'), ['postfix-filter']],
    [
      'a transport that is not there',
      () => main(`content_filter=scanner:[127.0.0.1]:${filterPort}`),
      ['postfix-transport'],
    ],
    [
      'no XFORWARD to the filter',
      () => ofScan('smtp_send_xforward_command=no'),
      ['postfix-xforward'],
    ],
    [
      'MIME conversion on the way to the filter',
      () => ofScan('disable_mime_output_conversion=no'),
      ['postfix-unchanged'],
    ],
    [
      'addresses mapped before the filter',
      () => main('receive_override_options='),
      ['postfix-mapping'],
    ],
    ['short queue ids', () => main('enable_long_queue_ids=no'), ['queue-ids']],
    [
      'a filter behind the filter',
      () => ofEntry('content_filter=scan:[127.0.0.1]:1'),
      ['reinjection-loop'],
    ],
    [
      'no receive_override_options of its own',
      () => [['-PX', `${entry}/receive_override_options`]],
      ['reinjection-overrides'],
    ],
    [
      'milters behind the filter',
      () => [
        ...ofEntry('receive_override_options=no_unknown_recipient_checks,no_header_body_checks'),
        ...ofEntry('smtpd_milters=inet:127.0.0.1:1'),
      ],
      ['reinjection-overrides'],
    ],
    [
      'open to everybody',
      () => ofEntry('smtpd_recipient_restrictions=permit'),
      ['reinjection-restrictions'],
    ],
    [
      'restrictions that hold again',
      () => ofEntry('smtpd_sender_restrictions=reject_unknown_sender_domain'),
      ['reinjection-restrictions'],
    ],
    [
      'no XFORWARD from the filter',
      () => ofEntry('smtpd_authorized_xforward_hosts='),
      ['reinjection-xforward'],
      'reload',
    ],
    ['refusals that count', () => ofEntry('smtpd_hard_error_limit=20'), ['reinjection-errors']],
    ['TLS to the filter', () => ofScan('smtp_tls_security_level=encrypt'), ['postfix-tls']],
    [
      'TLS from the filter',
      () => ofEntry('smtpd_tls_security_level=encrypt'),
      ['reinjection-tls', 'commit-answers'],
      'reload',
    ],
    [
      'a next hop without 8BITMIME',
      () => ofEntry('smtpd_discard_ehlo_keywords=8bitmime'),
      ['next-hop-keywords'],
      'reload',
    ],
    [
      'a next hop without DSN',
      () => ofEntry('smtpd_discard_ehlo_keywords=dsn'),
      ['next-hop-keywords'],
      'reload',
    ],
    [
      'a smaller next hop',
      () => ofEntry('message_size_limit=1000000'),
      ['size-next-hop'],
      'reload',
    ],
    [
      'larger messages than ours',
      () => main('message_size_limit=200000000'),
      ['size-postfix'],
      'reload',
    ],
    ['no patience at the dot', () => ofScan('smtp_data_done_timeout=60s'), ['time-final-dot']],
    ['no patience at MAIL', () => ofScan('smtp_mail_timeout=60s'), ['time-envelope']],
    ['no patience with data', () => main('smtp_data_xfer_timeout=30s'), ['time-transfer']],
    ['a next hop without patience', () => ofEntry('smtpd_timeout=30s'), ['time-reinjection']],
    [
      'a next hop that does not wait for us',
      () => main('smtpd_policy_service_timeout=5s'),
      ['time-commit'],
    ],
    ['a queue that remembers longer', () => main('maximal_queue_lifetime=10d'), ['time-queue']],
    ['as many in as back', () => [['-F', 'scan/unix/process_limit=20']], ['processes-back']],
    [
      'more than we take',
      () => [
        ['-F', 'scan/unix/process_limit=150'],
        ['-F', `${entry}/process_limit=160`],
        ...main('default_destination_concurrency_limit=0'),
      ],
      ['processes-filter'],
    ],
    [
      'a next hop that does not ask',
      () => ofEntry('smtpd_end_of_data_restrictions='),
      ['commit-entry'],
    ],
    [
      'a next hop that commits when it cannot ask',
      () => main('smtpd_policy_service_default_action=DUNNO'),
      ['commit-default-action'],
    ],
    [
      'a path that a chrooted smtpd cannot see',
      () =>
        ofEntry(
          `smtpd_end_of_data_restrictions=check_policy_service,unix:${postfix.queueDirectory}/clamgate/commit.sock`,
        ),
      ['commit-entry', 'commit-answers'],
      'reload',
    ],
  ];

  // Jest would take a fourth parameter that a row does not have for its callback.
  test.each(settings)('Postfix: %s', async (...[, changes, expected, reload]) => {
    const before = ['main.cf', 'master.cf'].map((name) => {
      const path = join(postfix.configDirectory, name);
      return { path, text: readFileSync(path, 'utf8') };
    });
    try {
      for (const change of changes()) postconf(...change);
      if (reload) await reloaded();
      expect(ofTrouble(await look()).sort()).toEqual([...expected].sort());
    } finally {
      for (const { path, text } of before) writeFileSync(path, text);
      if (reload) await reloaded();
    }
  });

  test.each<[string, string, string, readonly string[]]>([
    ['fewer threads than we use', 'MaxThreads', '4', ['clamd-threads']],
    ['a short queue', 'MaxQueue', '12', ['clamd-queue']],
    ['a short backlog', 'MaxConnectionQueueLength', '4', ['clamd-backlog']],
    ['smaller streams than we think', 'StreamMaxLength', '20M', ['size-clamd-conf']],
    ['smaller files than streams', 'MaxFileSize', '50M', ['size-clamd-conf', 'size-clamd-ladder']],
    ['less unpacked than one file', 'MaxScanSize', '50M', ['size-clamd-ladder']],
    [
      'files smaller than a message',
      'MaxFileSize',
      '5M',
      ['size-clamd-conf', 'size-clamd-ladder', 'size-clamd-file'],
    ],
    ['less unpacked than a message', 'MaxScanSize', '5M', ['size-clamd-ladder', 'size-clamd-file']],
    [
      'streams shorter than a message',
      'StreamMaxLength',
      '5M',
      ['size-clamd-conf', 'size-clamd-file'],
    ],
    ['scans longer than ours', 'MaxScanTime', '400000', ['time-scan']],
    ['scans without end', 'MaxScanTime', '0', ['time-scan']],
    ['silent about its limits', 'AlertExceedsMax', 'no', ['clamd-limit-alerts']],
    ['open to others', 'TCPAddr', '0.0.0.0', ['clamd-exposed']],
  ])('clamd: %s', async (_, option, value, expected) => {
    const conf = join(dirname(unixPath()), 'clamd.conf');
    const before = readFileSync(conf, 'utf8');
    try {
      clamd.set(option, value);
      await clamd.restart();
      expect(ofTrouble(await look())).toEqual(expected);
    } finally {
      writeFileSync(conf, before);
      await clamd.restart();
    }
  });

  const unixPath = () => clamd.unix.name.replace('unix:', '');

  test.each([
    ['of four days', 4 * day, 'warn'],
    ['of ten days', 10 * day, 'error'],
  ])('signatures %s', async (_, age, severity) => {
    try {
      clamd.writeSignature(27_001, Buffer.from('some file'), age);
      await clamd.restart();
      const findings = await look();
      expect(ofTrouble(findings)).toEqual(['signature-age']);
      expect(findings.find(({ id }) => id === 'signature-age')).toMatchObject({ severity });
    } finally {
      clamd.writeSignature(27_000, Buffer.from('some file'));
      await clamd.restart();
    }
  });

  test('signatures of the day after tomorrow', async () => {
    try {
      clamd.writeSignature(27_001, Buffer.from('some file'), -3 * day);
      await clamd.restart();
      expect(ofTrouble(await look())).toEqual(['clock-signatures']);
    } finally {
      clamd.writeSignature(27_000, Buffer.from('some file'));
      await clamd.restart();
    }
  });

  test('a clamd that finds nothing in EICAR', async () => {
    try {
      clamd.knowsEicar(false);
      await clamd.restart();
      expect(ofTrouble(await look())).toEqual(['clamd-canary']);
    } finally {
      clamd.knowsEicar(true);
      await clamd.restart();
    }
  });

  test('a broken main.cf', async () => {
    const path = join(postfix.configDirectory, 'main.cf');
    const before = readFileSync(path, 'utf8');
    try {
      writeFileSync(path, `${before}no setting\n`);
      // Without Postfix nobody can be asked whether it can be trusted.
      expect(ofTrouble(await look())).toEqual(['postfix-readable']);
    } finally {
      writeFileSync(path, before);
    }
  });

  test('no clamd', async () => {
    try {
      await clamd.stop();
      expect(ofTrouble(await look())).toEqual(['clamd-answers']);
    } finally {
      await clamd.restart();
    }
  });

  test('a socket of clamd that the user of the daemon may not use', async () => {
    try {
      chmodSync(unixPath(), 0o600);
      const findings = await look();
      expect(ofTrouble(findings)).toEqual(['access-sockets']);
      const [denied] = findings.filter(({ severity }) => severity === 'error');
      expect(denied?.what).toMatch(/^clamd: nobody may not write to \S+clamd\.sock \(mode 0600, /);
    } finally {
      chmodSync(unixPath(), 0o666);
    }
  });

  test('a configuration that the user of the daemon may not read', async () => {
    const { configFile } = daemon;
    const { mode } = statSync(configFile);
    try {
      chmodSync(configFile, 0o600);
      const findings = await look();
      expect(ofTrouble(findings)).toEqual(['access-configuration']);
      const [denied] = findings.filter(({ severity }) => severity === 'error');
      expect(denied?.what).toMatch(/^the configuration: nobody may not read \S+ \(mode 0600, /);
    } finally {
      chmodSync(configFile, mode);
    }
  });

  test('a quarantine that the user of the daemon may not write to', async () => {
    const [quarantine = ''] = directories();
    try {
      chownSync(quarantine, 0, -1);
      expect(ofTrouble(await look())).toEqual(['access-directories']);
    } finally {
      chownSync(quarantine, nobody, -1);
    }
  });

  test('a way back that is open to other machines', async () => {
    const before = readFileSync(masterCf(), 'utf8');
    try {
      writeFileSync(
        masterCf(),
        before.replace(`127.0.0.1:${reinjectPort}`, `0.0.0.0:${reinjectPort}`),
      );
      await reloaded();
      expect(ofTrouble(await look())).toEqual(['next-hop-exposed']);
    } finally {
      writeFileSync(masterCf(), before);
      await reloaded();
    }
  });

  test('no way back', async () => {
    try {
      await postfix.setReinjection(false);
      expect(ofTrouble(await look())).toEqual(['next-hop-answers']);
    } finally {
      await postfix.setReinjection(true);
    }
  });

  test('no daemon', async () => {
    try {
      await daemon.stop();
      expect(ofTrouble(await look())).toEqual([
        'daemon-answers',
        'listener-answers',
        'commit-answers',
      ]);
    } finally {
      await daemon.restart();
    }
  });

  test('a listener that is open to other machines', async () => {
    try {
      daemon.configure(setUp(`0.0.0.0:${filterPort}`));
      await daemon.restart();
      openToNobody();
      expect(ofTrouble(await look())).toEqual(['configuration', 'listener-exposed']);
    } finally {
      daemon.configure(setUp(`127.0.0.1:${filterPort}`));
      await daemon.restart();
      openToNobody();
    }
  });

  test('what is asked through smtpd is never delivered, and leaves nothing in the queue', async () => {
    await look();
    await postfix.drained();
    expect(postfix.sink.messages).toHaveLength(0);
  });

  test('says it to people: trouble first, with reason and remedy', async () => {
    const args = [
      '-c',
      daemon.configFile,
      'doctor',
      '--postfix-directory',
      '/nowhere',
      '--user',
      'nobody',
    ];
    const { out } = await runCli(args, { clock: systemClock });
    expect(out).toMatch(
      /^ERROR {2}postfix-readable: Postfix: .*\n.*\n {2}mend {2}Run the doctor on/m,
    );
    expect(out).toMatch(/\d+ errors?, \d+ warnings?, \d+ not known, \d+ well \(--verbose lists/);
  });
});
