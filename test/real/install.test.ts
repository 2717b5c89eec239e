/** `make install` into a directory of its own, and `make uninstall` out of it. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { execPath } from 'node:process';
import { join } from 'node:path';
import { makeFolder, type Folder } from '../support/config-file.ts';

const root = join(import.meta.dirname, '../..');

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

function make(action: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['scripts/install.sh', action], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, DESTDIR: folder.path, PREFIX: '/opt/clamgate', NODEJS: 'system' },
  });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
}

function installed(): string[] {
  return readdirSync(folder.path, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length));
}

test('what is installed runs by itself, with its units; uninstalled it leaves the configuration', () => {
  make('install');
  const prefix = join(folder.path, 'opt/clamgate');
  const program = readFileSync(join(prefix, 'bin/clamgate'), 'utf8');
  expect(program).toContain('exec node /opt/clamgate/lib/clamgate/bin/clamgate.js "$@"');
  const script = join(prefix, 'lib/clamgate/bin/clamgate.js');
  const config = join(folder.path, 'etc/clamgate/clamgate.toml');
  // It needs zod, smol-toml and all that the daemon is made of.
  const check = spawnSync(execPath, [script, 'check-config', '-c', config], { encoding: 'utf8' });
  expect([check.status, check.stderr]).toEqual([0, '']);
  const unit = readFileSync(join(prefix, 'lib/systemd/system/clamgate.service'), 'utf8');
  expect(unit).toContain('ExecStart=/opt/clamgate/bin/clamgate serve');
  expect(unit).not.toContain('/usr/bin/clamgate');
  const names = installed();
  expect(names.filter((name) => /node_modules\/(jest|typescript|eslint)\//.test(name))).toEqual([]);
  expect(names).toContain('/opt/clamgate/lib/sysusers.d/clamgate.conf');

  appendFileSync(config, '# changed\n');
  make('install');
  expect(readFileSync(config, 'utf8')).toMatch(/# changed\n$/);
  make('uninstall');
  expect(installed()).toEqual(['/etc/clamgate/clamgate.toml']);
  expect(existsSync(join(prefix, 'lib/clamgate'))).toBe(false);
});
