/**
 * The Debian package on a machine with a real systemd, Postfix and clamd: installed, started, stopped,
 * frozen, upgraded and purged. The tests go one after the other, as an administrator's day does.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { missing } from '../support/programs.ts';
import { domain, guestFiles } from './guest.ts';
import { CannotBoot, Machine } from './machine.ts';
import { dropIn, knocking, property, successor } from './service.ts';
import { slowClamd } from './slow-clamd.ts';
import { deliver, mailing, oneClamdAgain, twoClamds, untilBothHave } from './update.ts';

const root = join(import.meta.dirname, '../..');
const needs = ['root', 'systemd-nspawn', 'nsenter', 'postfix', 'clamd', 'dpkg-deb'];
const unit = 'clamgate.service';
jest.setTimeout(240_000);
/** With SHORT=1, as all tests are run together, what takes long and is least likely to break is left out. */
const long = process.env['SHORT'] === '1' ? test.skip : test;

/** Two packages of what is built here; the second is newer. */
function build(revision: number): string {
  const { status, stdout, stderr } = spawnSync('sh', ['scripts/build-deb.sh'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, REVISION: String(revision), COMPRESS: 'gzip' },
  });
  if (status !== 0) throw new Error(`no package: ${stdout}${stderr}`);
  return join(root, stdout.trim().split('\n').at(-1) ?? '');
}

/** Told where it cannot be had, and why. */
async function booted(): Promise<Machine | string> {
  const absent = missing(needs);
  if (absent.length > 0) return `it needs ${absent.join(', ')}`;
  try {
    return await Machine.boot(guestFiles());
  } catch (error) {
    if (error instanceof CannotBoot) return error.message;
    throw error;
  }
}

const found = await booted();
if (typeof found === 'string') {
  process.stderr.write(`skipped: a machine with a real systemd cannot be booted: ${found}\n`);
}
const describeBooted = typeof found === 'string' ? describe.skip : describe;

describeBooted('the package on a real systemd', () => {
  const machine = found as Machine;
  const packages: string[] = [];

  beforeAll(async () => {
    mkdirSync(machine.path('/var/packages'));
    for (const revision of [1, 2]) {
      const file = build(revision);
      cpSync(file, machine.path(`/var/packages/${revision}.deb`));
      packages.push(file);
    }
    await machine.sh('install -d -o nobody /var/mail/test');
    await machine.sh('systemctl start clamav-daemon.socket clamav-daemon postfix');
    // Two packages are made, on a machine that may have much else to do.
  }, 600_000);
  afterAll(async () => {
    await machine.close();
  });

  const inject = (kind: string) =>
    machine.run(`clamgate --json inject --${kind} --to you@${domain}`, 90);
  const mailbox = (): number => {
    const path = machine.path('/var/mail/test/box/new');
    return existsSync(path) ? readdirSync(path).length : 0;
  };

  test('it installs, and the daemon is up and says how it is', async () => {
    await machine.sh('dpkg -i /var/packages/1.deb', 120);
    expect(await machine.sh(`systemctl is-enabled ${unit} clamgate.socket`)).toBe(
      'enabled\nenabled',
    );
    expect(await property(machine, 'Type')).toBe('notify');
    await machine.until(
      `systemctl show --value -p StatusText ${unit}`,
      /^Ready; clamd 1 of 1; sessions \d+, at work 0, waiting 0$/m,
    );
    const pid = await property(machine, 'MainPID');
    expect(await machine.sh(`stat -c %U /proc/${pid}`)).toBe('clamgate');
    expect(await machine.sh(`readlink /proc/${pid}/exe`)).toBe('/usr/lib/clamgate/node/bin/node');
    const journal = await machine.sh(`journalctl -u ${unit} --no-pager -o cat`);
    expect(journal).toMatch(/"event":"listening"/);
    // The socket that systemd holds was taken, by its address.
    expect(journal).not.toMatch(/socket-unused|systemd-notify|self-check|EPERM/);
  });

  test('a clean message comes through, EICAR stays in custody', async () => {
    const clean = await inject('clean');
    expect([clean.code, clean.output]).toEqual([0, expect.stringMatching(/"relayed"/)]);
    await machine.until('ls /var/mail/test/box/new | wc -l', /^1$/m);
    const bad = await inject('eicar');
    expect([bad.code, bad.output]).toEqual([0, expect.stringMatching(/"quarantined"/)]);
    expect(mailbox()).toBe(1);
    expect(await machine.sh('clamgate quarantine list')).toMatch(/infected/);
  });

  test('a listener with the name of a socket: Postfix is told its address', async () => {
    const config = '/etc/clamgate/by-name.toml';
    await machine.sh(
      `sed 's|^address = "127.0.0.1:10024"|address = "systemd:smtp"|' /etc/clamgate/clamgate.toml > ${config}`,
    );
    expect(await machine.sh(`grep -c systemd:smtp ${config}`)).not.toBe('0');
    expect(await machine.sh(`clamgate postfix -c ${config}`)).toMatch(
      /^content_filter = scan:\[127\.0\.0\.1\]:10024$/m,
    );
    const sent = await machine.run(
      `clamgate --json inject --eicar --to you@${domain} --listener -c ${config}`,
    );
    expect([sent.code, sent.output]).toEqual([0, expect.stringMatching(/"quarantined"/)]);
    await machine.sh(`rm ${config}`);
  });

  test('a restart under load refuses nobody', async () => {
    const pids = new Set<string>();
    const knocked = await knocking(machine, async () => {
      for (let time = 0; time < 3; time++) {
        await machine.sh(`systemctl restart ${unit}`, 120);
        pids.add(await property(machine, 'MainPID'));
      }
    });
    process.stderr.write(`3 restarts: ${JSON.stringify(knocked)}\n`);
    expect(pids.size).toBe(3);
    expect(knocked.knocks).toBeGreaterThan(50);
    expect(knocked.ends).toEqual({ 220: knocked.knocks });
  });

  test('a reload holds, and a bad configuration fails where it was asked for', async () => {
    const pid = await property(machine, 'MainPID');
    await machine.sh(`sed -i 's/^text = .*/text = "reloaded"/' /etc/clamgate/clamgate.toml`);
    await machine.sh(`systemctl reload ${unit}`);
    await machine.until(`journalctl -u ${unit} -o cat`, /"event":"reloaded"/);
    await machine.until(`systemctl show --value -p ActiveState ${unit}`, /^active$/m);

    await machine.sh("sed -i '1i nonsense = 1' /etc/clamgate/clamgate.toml");
    expect((await machine.run(`systemctl reload ${unit}`)).code).not.toBe(0);
    // Who sends the signal past systemd hears of it in the log and in the line.
    await machine.sh(`systemctl kill -s HUP --kill-who=main ${unit}`);
    await machine.until(
      `systemctl show --value -p StatusText ${unit}`,
      /^Ready; .*; reload refused: .*nonsense/m,
    );
    expect(await property(machine, 'ActiveState')).toBe('active');
    await machine.sh("sed -i '/^nonsense/d' /etc/clamgate/clamgate.toml");
    await machine.sh(`systemctl reload ${unit}`);
    await machine.until(`systemctl show --value -p StatusText ${unit}`, /^Ready; (?!.*refused)/m);
    expect(await property(machine, 'MainPID')).toBe(pid);
  });

  test('a socket that is enabled later comes with a restart, and is answered on', async () => {
    await machine.sh(`systemctl enable clamgate-commit.socket
      sed -i 's|^#address = "unix:\\(.*/commit.sock\\)"|address = "unix:\\1"|' /etc/clamgate/clamgate.toml
      systemctl restart ${unit}`);
    const path = '/var/spool/postfix/clamgate/commit.sock';
    expect(await machine.sh(`stat -c '%U %a' ${path}`)).toBe('clamgate 666');
    expect(await machine.sh('systemctl is-active clamgate-commit.socket')).toBe('active');
    const smtpd = connect(machine.path(path));
    smtpd.write('request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\nhelo_name=x\n\n');
    const [answer] = (await once(smtpd, 'data')) as [Buffer];
    smtpd.destroy();
    expect(answer.toString()).toBe('action=DUNNO\n\n');
    const pid = await property(machine, 'MainPID');
    expect(await machine.sh(`journalctl _PID=${pid} --no-pager -o cat`)).not.toMatch(
      /socket-unused/,
    );
  });

  describe('the watchdog', () => {
    /** Makes the event loop stand still when it is told to: a fault that we have not written yet. */
    const standStill = `process.on('SIGUSR2', () => { for (;;); });`;
    const watched = (more = '') =>
      `[Service]\nWatchdogSec=4\nRestartSec=100ms\nTimeoutAbortSec=2\n${more}`;

    beforeAll(async () => {
      await machine.sh(`mkdir -p /opt/test && echo "${standStill}" > /opt/test/still.cjs`);
      const more = 'Environment=NODE_OPTIONS=--require=/opt/test/still.cjs\n';
      await dropIn(machine, watched(more));
      await machine.sh(`cp /etc/clamgate/clamgate.toml /etc/clamgate/before && cat >> /etc/clamgate/clamgate.toml << 'EOF'
[[listener]]
protocol = "smtp"
address = "unix:/run/clamgate/second.sock"
next_hop = "127.0.0.1:10025"
EOF
systemctl restart ${unit}`);
    });
    afterAll(async () => {
      await dropIn(machine, '');
      await machine.sh(
        `mv /etc/clamgate/before /etc/clamgate/clamgate.toml && systemctl restart ${unit}`,
      );
    });

    test('leaves a healthy daemon alone', async () => {
      const pid = await property(machine, 'MainPID');
      await machine.sh('sleep 10');
      expect(await property(machine, 'MainPID')).toBe(pid);
    });

    long.each([
      ['frozen', `systemctl kill -s STOP --kill-who=main ${unit}`],
      ['one whose event loop stands still', `systemctl kill -s USR2 --kill-who=main ${unit}`],
      ['one whose listener cannot be reached any more', 'rm /run/clamgate/second.sock'],
    ])('kills and restarts a daemon that is %s', async (_, fault) => {
      const pid = await property(machine, 'MainPID');
      const since = await machine.sh('date +%s');
      await machine.sh(fault);
      const next = await successor(machine, pid);
      expect(next).not.toBe(pid);
      const journal = await machine.sh(`journalctl -u ${unit} --since=@${since} --no-pager -o cat`);
      expect(journal).toMatch(/Watchdog timeout/);
      expect((await inject('clean')).code).toBe(0);
    });
  });

  describe('clamgate-update', () => {
    const timer = 'clamgate-update.timer';

    beforeAll(async () => {
      await twoClamds(machine, 100);
    });
    afterAll(async () => {
      await machine.sh(`systemctl stop ${timer}`);
      await dropIn(machine, '', timer);
      await oneClamdAgain(machine);
    });

    test('the timer brings new signatures to one clamd after the other, and no mail is put off', async () => {
      await machine.sh(`systemctl start ${timer}`);
      expect(await machine.sh(`systemctl show --value -p NextElapseUSecRealtime ${timer}`)).toMatch(
        / (?:02:(?:1[7-9]|[2-5]\d)|03:(?:0\d|1[0-7])):\d\d /,
      );
      const soon = '[Timer]\nOnCalendar=\nOnActiveSec=2s\nRandomizedDelaySec=0\nPersistent=no\n';
      await dropIn(machine, soon, timer);
      deliver(machine, 101);
      const before = mailbox();
      const since = await machine.sh('date +%s');
      const began = performance.now();
      const sent = await mailing(machine, async () => {
        await machine.sh(`systemctl restart ${timer}`);
        const show = 'systemctl show --value -p ExecMainExitTimestamp -p Result -p ExecMainStatus';
        expect(await machine.until(`${show} clamgate-update.service`, /\d{4}-\d\d-/)).toMatch(
          /^(?=[^]*^success$)(?=[^]*^0$)/m,
        );
      });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      process.stderr.write(`update by its timer: ${seconds} s, ${sent} messages meanwhile\n`);
      await untilBothHave(machine, 101);

      const steps = await machine.sh('journalctl -u clamgate-update -o cat --no-pager');
      expect(steps).toMatch(/ check +they load, and know EICAR: .*\/101\//);
      for (const socket of ['/run/clamav/clamd.ctl', '/run/clamd.second/clamd.sock']) {
        for (const step of ['drain', 'ready', 'canary', 'resume']) {
          expect(steps).toMatch(new RegExp(` ${step} +unix:${socket}: `));
        }
      }
      expect(steps).toMatch(/done; clamds: 2 updated/);
      expect(sent).toBeGreaterThan(5);
      await machine.until(
        'ls /var/mail/test/box/new | wc -l',
        new RegExp(`^${before + sent}$`, 'm'),
      );
      const log = await machine.sh(
        `journalctl --since=@${since} -t postfix/smtp -o cat --no-pager`,
      );
      expect(log.match(/status=sent/g)).toHaveLength(sent);
      expect(log).not.toMatch(/status=deferred/);
      expect((await inject('eicar')).output).toMatch(/"quarantined"/);

      await machine.sh('systemctl start clamgate-update.service');
      expect(await machine.sh('journalctl -u clamgate-update -o cat --no-pager')).toMatch(
        /nothing to do/,
      );
    });
  });

  test('stop finishes what is past its final dot, however short TimeoutStopSec is', async () => {
    await dropIn(machine, '[Service]\nTimeoutStopSec=3\n');
    await machine.sh('systemctl kill -s STOP --kill-who=main clamav-daemon');
    const before = mailbox();
    const replies = await past(machine, `you@${domain}`);
    const stopping = machine.sh(`systemctl stop ${unit}`, 120);
    await machine.until(
      `systemctl show -p ActiveState,StatusText ${unit}`,
      /StatusText=.*at work 1.*\n?ActiveState=deactivating|ActiveState=deactivating\nStatusText=.*at work 1/,
    );
    await machine.sh('sleep 6');
    expect(await property(machine, 'ActiveState')).toBe('deactivating');
    await machine.sh('systemctl kill -s CONT --kill-who=main clamav-daemon');
    await stopping;
    expect(await replies()).toMatch(/^250 2\.0\.0 .*queued as/m);
    expect([await property(machine, 'Result'), await property(machine, 'ExecMainStatus')]).toEqual([
      'success',
      '0',
    ]);
    await machine.until('ls /var/mail/test/box/new | wc -l', new RegExp(`^${before + 1}$`, 'm'));
    await dropIn(machine, '');
    // What comes while it is down starts it.
    expect(await property(machine, 'ActiveState')).toBe('inactive');
    await machine.sh(`printf 'Subject: x\\n\\nbody\\n' | sendmail -f a@b.test you@${domain}`);
    await machine.until('ls /var/mail/test/box/new | wc -l', new RegExp(`^${before + 2}$`, 'm'));
    expect(await property(machine, 'ActiveState')).toBe('active');
  });

  test('an upgrade under load refuses nobody and keeps everything', async () => {
    const custody = await machine.sh('clamgate quarantine list');
    const pid = await property(machine, 'MainPID');
    const knocked = await knocking(machine, async () => {
      await machine.sh('dpkg -i /var/packages/2.deb', 180);
    });
    process.stderr.write(`upgrade: ${JSON.stringify(knocked)}\n`);
    expect(knocked.ends).toEqual({ 220: knocked.knocks });
    expect(await property(machine, 'MainPID')).not.toBe(pid);
    expect(await machine.sh("dpkg-query -W -f '${Version}' clamgate")).toMatch(/-2$/);
    expect(await machine.sh('grep -c reloaded /etc/clamgate/clamgate.toml')).toBe('1');
    expect(await machine.sh('clamgate quarantine list')).toBe(custody);
    expect((await inject('clean')).code).toBe(0);
  });

  long('a clamd that loads long is killed without the drop-in, and starts with it', () =>
    slowClamd(machine),
  );

  test('removed it keeps what is stored, purged nothing of it is left', async () => {
    await machine.sh('dpkg -r clamgate', 120);
    expect(await machine.sh(`ls -d /var/lib/clamgate/quarantine /etc/clamgate`)).toMatch(
      /quarantine/,
    );
    expect((await machine.run(`systemctl is-active ${unit} clamgate.socket`)).output).not.toMatch(
      /^active$/m,
    );
    await machine.sh('dpkg -i /var/packages/2.deb', 120);
    expect(await machine.sh(`systemctl is-active ${unit}`)).toBe('active');
    expect(await machine.sh('dpkg -P clamgate 2>&1', 120)).toMatch(
      /^clamgate: [1-9]\d* messages in quarantine are deleted/m,
    );
    const places = '/etc /usr /var /run';
    const left = await machine.sh(
      `find ${places} -xdev -path '${root}' -prune -o -name '*clamgate*' -print`,
    );
    expect(left).toBe('');
    expect((await machine.run('getent passwd clamgate; getent group clamgate')).output).toBe('');
    expect((await machine.run('systemctl list-unit-files --no-legend "clamgate*"')).output).toBe(
      '',
    );
  });
});

/** A message whose final dot has been sent to the listener. @returns what is answered to the end. */
async function past(machine: Machine, to: string): Promise<() => Promise<string>> {
  const socat = machine.spawnBeside([process.execPath, '-e', talk, '10024', to], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let heard = '';
  const ended = new Promise<void>((resolve) => {
    socat.once('close', () => {
      resolve();
    });
  });
  socat.stdout?.setEncoding('utf8').on('data', (text: string) => (heard += text));
  await machine.until(
    `systemctl show --value -p StatusText ${unit}; clamgate status`,
    /1 messages/,
  );
  return async () => {
    await ended;
    return heard;
  };
}

const talk = `
const [port, to] = process.argv.slice(1);
const socket = require('net').connect(Number(port), '127.0.0.1');
socket.pipe(process.stdout);
socket.write('EHLO test.test\\r\\nMAIL FROM:<a@b.test>\\r\\nRCPT TO:<' + to + '>\\r\\nDATA\\r\\n' +
  'Subject: late\\r\\n\\r\\nbody ' + Date.now() + '\\r\\n.\\r\\n');
`;
