import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { loadConfigApart } from '../../src/daemon/config-apart.ts';
import { ConfigError } from '../../src/daemon/config-error.ts';
import { loadConfig } from '../../src/daemon/config.ts';
import { type Folder, makeFolder, tomlWith } from '../support/config-file.ts';

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

function thrownBy(load: () => unknown): unknown {
  try {
    return load();
  } catch (error) {
    return error;
  }
}

describe('a configuration that a process of its own has read', () => {
  const full = tomlWith(`
[[banned]]
name = "programs"
names = ["*.EXE"]
[update]
restart = { "unix:/run/clamav/clamd.ctl" = "clamav-daemon.service" }
`);

  test('is the same, and as unchangeable', async () => {
    const file = folder.write('clamgate.toml', full);
    const config = await loadConfigApart({ file, env: {} });
    expect(config).toEqual(loadConfig(file, {}));
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.banned[0]?.names)).toBe(true);
  });

  test('is that of $CLAMGATE_CONFIG where no file is named', async () => {
    const file = folder.write('other.toml', full);
    const env = { CLAMGATE_CONFIG: file };
    expect((await loadConfigApart({ file: undefined, env })).file).toBe(file);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['with many problems', tomlWith('hostname = 1\n[limits]\nscan_mss = 3\n')],
    ['that is no TOML', '[[listener]\n'],
    ['with contradictions', tomlWith('[limits]\nscan_ms = "20m"\n')],
  ];

  test.each(wrong)('%s is refused in the same words', async (_, toml) => {
    const file = folder.write('clamgate.toml', toml);
    const expected = thrownBy(() => loadConfig(file, {}));
    const error: unknown = await loadConfigApart({ file, env: {} }).catch((one: unknown) => one);
    expect(expected).toBeInstanceOf(ConfigError);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toEqual(expected);
    expect((error as ConfigError).problems).toEqual((expected as ConfigError).problems);
  });

  test('that is not there is refused with where it is looked for', async () => {
    const file = join(folder.path, 'none.toml');
    await expect(loadConfigApart({ file, env: {} })).rejects.toThrow(
      /none\.toml: cannot be read \(ENOENT.*\$CLAMGATE_CONFIG.* is one to copy$/,
    );
  });
});
