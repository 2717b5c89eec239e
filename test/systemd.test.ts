/** The units of systemd/, as systemd itself reads them and as our own limits ask. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { updateLimits } from '../src/cli/update/limits.ts';
import { parseConfig } from '../src/daemon/config.ts';
import { defaultLimits } from '../src/limits.ts';
import { tomlWith } from './support/config-file.ts';
import { describeNeeding } from './support/needs.ts';

const root = join(import.meta.dirname, '..');
/** In systemd-analyze's tenths; Debian's own clamd and Postfix have 96. */
const exposureMax = 15;

describeNeeding(['systemd-analyze'], 'the units', () => {
  let directory: string;

  /** A copy whose program is the one here: the path of an installed one does not exist. */
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'clamgate-units-'));
    cpSync(join(root, 'systemd'), directory, { recursive: true });
    for (const name of [
      'clamgate.service',
      'clamgate-update.service',
      'clamgate-witness.service',
    ]) {
      const unit = join(directory, name);
      const text = readFileSync(unit, 'utf8');
      writeFileSync(unit, text.replaceAll('/usr/bin/clamgate', join(root, 'bin/clamgate.js')));
    }
    // The part of Fedora's unit that the drop-in speaks of.
    const forking = '[Service]\nType=forking\nExecStart=/bin/true\nTimeoutStartSec=420\n';
    writeFileSync(join(directory, 'clamd@.service'), forking);
    // And of Debian's.
    writeFileSync(join(directory, 'clamav-daemon.service'), '[Service]\nExecStart=/bin/true\n');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** What systemd has to say against a unit in `directory`. */
  function verify(unit: string): string {
    const result = spawnSync('systemd-analyze', ['verify', '--man=no', unit], {
      cwd: directory,
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` },
      encoding: 'utf8',
    });
    return `${result.stdout}${result.stderr}`;
  }

  test.each([
    ['clamgate.service', 'clamgate.service'],
    ['clamgate-update.service', 'clamgate-update.service'],
    ['clamgate-update.timer', 'clamgate-update.service'],
    ['clamgate.socket', 'clamgate.service'],
    ['clamgate-commit.socket', 'clamgate.service'],
    ['clamgate-witness.service', 'clamgate-witness.service'],
    ['clamgate-witness.socket', 'clamgate-witness.service'],
    ['clamd@scan.service', 'clamd@.service.d/clamgate.conf'],
    ['clamav-daemon.service', 'clamav-daemon.service.d/clamgate.conf'],
  ])('%s: systemd finds nothing wrong, and would', (unit, file) => {
    expect(verify(unit)).toBe('');

    appendFileSync(join(directory, file), '\n[Service]\nTimeoutStartSec=soon\n');
    expect(verify(unit)).toMatch(/Failed to parse TimeoutStartSec= parameter/);
  });

  test('Node.js takes the options that the service gives it', () => {
    const unit = readFileSync(join(directory, 'clamgate.service'), 'utf8');
    const options = /^Environment=NODE_OPTIONS=(.+)$/m.exec(unit)?.[1];
    const result = spawnSync(process.execPath, ['-e', ''], {
      env: { ...process.env, NODE_OPTIONS: options ?? '--no-such-option' },
      encoding: 'utf8',
    });
    expect(result).toMatchObject({ status: 0, stderr: '' });
  });

  test.each([
    ['clamgate.service', exposureMax],
    // What it needs beyond that stands at the end of the unit.
    ['clamgate-update.service', 18],
    ['clamgate-witness.service', exposureMax],
  ])('%s is well confined', (name, most) => {
    const unit = join(directory, name);
    const args = ['security', '--no-pager', '--offline=true', `--threshold=${most}`, unit];
    const result = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    const [overall = ''] = /Overall exposure level.*/.exec(result.stdout) ?? [];
    process.stderr.write(`${overall}\n`);

    expect(overall).toMatch(new RegExp(`${name}: \\d`));
    expect(result.status).toBe(0);
  });
});

function settings(file: string): Map<string, string> {
  const text = readFileSync(join(root, 'systemd', file), 'utf8');
  const lines = text.matchAll(/^(\w+)=(.*)$/gm);
  return new Map(Array.from(lines, ([, key = '', value = '']) => [key, value]));
}

test('the service has time to drain, and does not need clamd', () => {
  const unit = settings('clamgate.service');

  expect(Number(unit.get('TimeoutStopSec')) * 1000).toBeGreaterThan(defaultLimits.drainMs + 10_000);
  expect(unit.get('After')?.split(' ')).toContain('clamav-daemon.service');
  expect([unit.get('Requires'), unit.get('BindsTo'), unit.get('PartOf')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

/** V8 makes pages executable and tries calls that the filter does not know (see the unit). */
test.each(['clamgate.service', 'clamgate-update.service', 'clamgate-witness.service'])(
  '%s can run Node.js',
  (name) => {
    const unit = settings(name);

    expect(unit.get('MemoryDenyWriteExecute')).toBeUndefined();
    expect(unit.get('SystemCallErrorNumber')).toBe('EPERM');
  },
);

test('clamd has a quarter of an hour to load its signatures', () => {
  expect(settings('clamd@.service.d/clamgate.conf').get('TimeoutStartSec')).toBe('900');
});

test.each(['clamd@.service.d', 'clamav-daemon.service.d'])(
  '%s: clamd comes back whatever ended it, and goes before what must not be lost',
  (directory) => {
    const dropIn = settings(`${directory}/clamgate.conf`);
    expect([dropIn.get('Restart'), dropIn.get('StartLimitIntervalSec')]).toEqual(['always', '0']);
    const daemon = Number(settings('clamgate.service').get('OOMScoreAdjust'));
    expect(Number(dropIn.get('OOMScoreAdjust'))).toBeGreaterThan(daemon);
  },
);

test('systemd holds the socket of the listener that the example configures', () => {
  const example = readFileSync(join(root, 'clamgate.example.toml'), 'utf8');
  const { listeners } = parseConfig(example, 'f');
  expect(listeners.map(({ address }) => address)).toEqual([
    settings('clamgate.socket').get('ListenStream'),
  ]);
  const commit = settings('clamgate-commit.socket').get('ListenStream') ?? '';
  expect(example).toContain(`#address = "unix:${commit}"`);
});

test('the watchdog is patient with a busy daemon, and quicker than Postfix', () => {
  const seconds = Number(settings('clamgate.service').get('WatchdogSec'));
  expect(seconds).toBeGreaterThanOrEqual(60);
  // smtp_helo_timeout
  expect(seconds).toBeLessThan(300 / 2);
});

test('the witness outlives the daemon and Postfix, on the socket that the daemon asks', () => {
  const unit = settings('clamgate-witness.service');
  const socket = settings('clamgate-witness.socket');
  const daemon = settings('clamgate.service');

  expect([unit.get('PartOf'), unit.get('BindsTo')]).toEqual([undefined, undefined]);
  expect([unit.get('Requires'), unit.get('User')]).toEqual(['clamgate-witness.socket', 'postfix']);
  expect(unit.get('Restart')).toBe('always');
  expect(Number(unit.get('LimitNOFILE'))).toBeGreaterThan(10_000 + 100);
  expect(socket.get('SocketGroup')).toBe(daemon.get('Group'));
  expect(daemon.get('RuntimeDirectoryPreserve')).toBe('yes');
  const config = parseConfig(tomlWith(), 'f');
  expect(config.commit.witness).toBe(`unix:${socket.get('ListenStream') ?? ''}`);
});

test('an update may see the memory of all, take its time, and give back what it drained', () => {
  const unit = settings('clamgate-update.service');
  const timer = settings('clamgate-update.timer');
  const { update } = parseConfig(tomlWith(), 'f');

  expect([unit.get('ProtectProc'), unit.get('ProcSubset')]).toEqual([undefined, undefined]);
  expect([unit.get('Type'), unit.get('TimeoutStartSec')]).toEqual(['oneshot', 'infinity']);
  expect(Number(unit.get('TimeoutStopSec')) * 1000).toBeGreaterThan(2 * updateLimits.endMs);
  expect(update.stateDirectory).toBe(`/var/lib/${unit.get('StateDirectory') ?? ''}`);
  expect(unit.get('ReadWritePaths')).toContain(update.databaseDirectory);
  expect(unit.get('SupplementaryGroups')).toBe(settings('clamgate.service').get('Group'));
  expect([timer.get('Persistent'), timer.get('RandomizedDelaySec')]).toEqual(['yes', '1h']);
});
