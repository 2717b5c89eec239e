import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { main } from '../../src/cli/main.ts';
import { version } from '../../src/cli/version.ts';
import { systemClock } from '../../src/clock.ts';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';
import { runCli } from '../support/run-cli.ts';

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

describe('help and version', () => {
  test('--help names every verb and every exit code', async () => {
    const { code, out, err } = await runCli(['--help']);
    expect([code, err]).toEqual([0, '']);
    const verbs = ['serve', 'check-config', 'scan', 'inject', 'status', 'quarantine'];
    for (const verb of [...verbs, 'postfix', 'update', 'witness']) {
      expect(out).toMatch(new RegExp(`^  ${verb} `, 'm'));
    }
    expect(out.match(/^ +\d+ {2}\w/gm)).toHaveLength(9);
  });

  test('--version', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, out: `${version()}\n`, err: '' });
    expect(version()).toMatch(/^\d+\.\d+\.\d+/);
  });

  test.each([
    'inject',
    'scan',
    'status',
    'check-config',
    'serve',
    'quarantine',
    'quarantine show',
    'quarantine release',
    'postfix',
    'update',
    'witness',
  ])('%s --help shows the global options, too', async (verb) => {
    const { code, out } = await runCli([...verb.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`Usage: clamgate ${verb}`);
    expect(out).toMatch(/^Global Options:[^]*^ {2}-c, --config <file>[^]*^ {2}--json /m);
  });

  test('scan --help says how stdin is named', async () => {
    expect((await runCli(['scan', '--help'])).out).toContain('- for stdin');
  });

  test('quarantine has its own verbs', async () => {
    const { out } = await runCli(['quarantine', '--help']);
    for (const verb of ['list', 'show', 'release', 'delete', 'expire']) expect(out).toContain(verb);
  });
});

test.each([
  [['sacn'], "unknown command 'sacn'"],
  [['--jsn'], "unknown option '--jsn'"],
  [['scan'], "missing required argument 'file'"],
  [['inject'], '--to <address...>'],
  [['inject', '--to', 'nobody'], 'not a mail address'],
  [['inject', '--to', 'a@x.test', 'b@x.test>'], 'not a mail address'],
  [['inject', '--to', 'a@x.test', '--from', 'nobody'], 'not a mail address'],
  [['inject', '--to', 'a@x.test', '--server', 'nowhere'], 'is not host:port'],
  [['quarantine', 'release', 'x', '--to', 'nobody'], 'not a mail address'],
  [['quarantine', 'release', 'x', '--next-hop', 'lmtp:nowhere'], 'is not host:port'],
  [['inject', '--to', 'a@b', '--eicar', '--clean'], 'cannot be used with'],
  [['inject', '--to', 'a@b', '--eicar', '--file', 'f'], 'cannot be used with'],
])('%j is a wrong command line', async (args, words) => {
  const { code, out, err } = await runCli(args);
  expect([code, out]).toEqual([64, '']);
  expect(err).toContain(words);
});

describe('check-config', () => {
  test('says what it found', async () => {
    const file = folder.write('c.toml', tomlWith('[rules]\ninfected = "reject"'));
    const { code, out, err } = await runCli(['check-config', '-c', file]);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n').slice(0, 2)).toEqual([
      `${file}: can be used`,
      '  smtp 127.0.0.1:10024 (after-queue) -> 127.0.0.1:10025',
    ]);
    expect(out).toMatch(/^warning: \[rules\] infected: .*backscatter/m);
  });

  test.each([
    ['before the verb', (file: string) => ['-c', file, '--json', 'check-config']],
    ['behind the verb', (file: string) => ['check-config', '--json', '--config', file]],
  ])('takes the global options %s', async (_, args) => {
    const file = folder.write('c.toml', tomlWith());
    const { code, out } = await runCli(args(file));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ file, ok: true, advice: expect.any(Array) });
  });

  test('names every problem with its line, without a stack', async () => {
    const file = folder.write('c.toml', tomlWith('[lgo]\nx = 1\n[log]\nlevel = "loud"'));
    const { code, out, err } = await runCli(['check-config', '-c', file]);
    expect([code, out]).toEqual([78, '']);
    expect(err.split('\n')).toEqual([
      `clamgate: ${file}:5: lgo: is not a known key or table; did you mean [log]?`,
      `${file}:8: [log] level: must be "error" or "warn" or "info" or "debug", not "loud"`,
      '',
    ]);
  });

  test('names them to programs, too', async () => {
    const file = folder.write('c.toml', tomlWith('[log]\nlevel = "loud"'));
    const { code, out } = await runCli(['check-config', '--json', '-c', file]);
    expect(code).toBe(78);
    expect(JSON.parse(out)).toMatchObject({
      file,
      ok: false,
      error: expect.stringContaining('[log] level'),
      problems: [{ line: 6, key: '[log] level' }],
    });
  });

  test('knows the clamd of this machine', async () => {
    const clamdConf = folder.write('clamd.conf', 'LocalSocket /c\nMaxThreads 3\n');
    const file = folder.write('c.toml', tomlWith('[clamd]\nendpoints = ["unix:/c"]'));
    const { out } = await runCli(['check-config', '-c', file], { clamdConfFiles: [clamdConf] });
    expect(out).toMatch(/^warning: \[clamd\] inflight_max: 8 is not below clamd's MaxThreads 3/m);
  });

  test('a file that is not there', async () => {
    const { code, err } = await runCli(['check-config', '-c', `${folder.path}/none.toml`]);
    expect(code).toBe(78);
    expect(err).toMatch(/none\.toml: cannot be read .*ENOENT/);
    expect(err).not.toMatch(/^\s+at /m);
  });
});

test('a fault of ours is 70, and shows where', async () => {
  const file = folder.write('c.toml', tomlWith());
  let err = '';
  const code = await main(['check-config', '-c', file], {
    stdout: {
      write: () => {
        throw new TypeError('broken');
      },
    },
    stderr: { write: (text) => (err += text) },
    env: {},
    clock: systemClock,
  });
  expect(code).toBe(70);
  expect(err).toMatch(/TypeError: broken\n\s+at /);
});
