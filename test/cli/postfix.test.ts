import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PostfixEntries } from '../../src/cli/postfix-entry.ts';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';
import { runCli } from '../support/run-cli.ts';

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

const inside = '[commit]\naddress = "unix:/var/spool/postfix/clamgate/commit.sock"';

async function entries(toml: string, ...args: string[]): Promise<PostfixEntries> {
  const file = folder.write('c.toml', toml);
  const { code, out, err } = await runCli(['postfix', '-c', file, '--json', ...args]);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as PostfixEntries;
}

/** NAME=VALUE of the service's options. */
function optionsOf({ masterCf }: PostfixEntries, name: string): string[] {
  const service = masterCf.find((each) => each.name === name);
  return (service?.options ?? []).map((option) => `${option.name}=${option.value}`);
}

test('--reload without a change that it would bring into force is refused', async () => {
  const file = folder.write('c.toml', tomlWith(inside));
  expect(await runCli(['postfix', '-c', file, '--reload'])).toEqual({
    code: 64,
    out: '',
    err: 'clamgate: --reload goes with --apply or --undo\n',
  });
});

test('says it as Postfix reads it', async () => {
  const file = folder.write('c.toml', tomlWith(inside));
  const { code, out } = await runCli(['postfix', '-c', file]);
  expect(code).toBe(0);
  const lines = out.split('\n').filter((line) => !line.startsWith('#'));
  expect(lines.filter((line) => /^\S/.test(line))).toEqual([
    'content_filter = scan:[127.0.0.1]:10024',
    'receive_override_options = no_address_mappings',
    'enable_long_queue_ids = yes',
    'scan      unix  -       -       n       -       10      smtp',
    '127.0.0.1:10025 inet  n       -       n       -       20      smtpd',
  ]);
  for (const line of lines) expect(line).toMatch(/^(|\S.*|    -o \w+=\S*)$/);
  expect(out).toContain(
    '    -o smtpd_end_of_data_restrictions=check_policy_service,unix:clamgate/commit.sock\n',
  );
  expect(out).not.toContain('# Note:');
});

/** Those that users copied before, and that the other tests run. */
test.each([
  ['scan-smtp.master.cf', 'smtp', 'scan'],
  ['scan-lmtp.master.cf', 'lmtp', 'scan'],
  ['reinject.master.cf', 'smtp', '127.0.0.1:10025'],
])('has what fixtures/postfix/%s has', async (fixture, protocol, name) => {
  const text = readFileSync(new URL(`../../fixtures/postfix/${fixture}`, import.meta.url), 'utf8');
  const wanted = Array.from(text.matchAll(/-o (\S+)$/gm), ([, option = '']) => option);
  const made = await entries(tomlWith().replace('"smtp"', `"${protocol}"`));
  const options = optionsOf(made, name).map((option) => option.replace(/,\[::1\]\/128$/, ''));
  expect(options).toEqual(expect.arrayContaining(wanted));
  expect(wanted.length).toBeGreaterThan(2);
});

describe('the commit question', () => {
  const question = async (toml: string, ...args: string[]) => {
    const made = await entries(tomlWith(toml), ...args);
    const service = made.masterCf.find(({ command }) => command === 'smtpd');
    const option = service?.options.find(({ name }) => name === 'smtpd_end_of_data_restrictions');
    return { value: option?.value, notes: made.notes.length };
  };

  test.each([
    ['not configured: said', '', [], { value: '', notes: 1 }],
    [
      'below the queue directory: by its path there',
      inside,
      [],
      { value: 'check_policy_service,unix:clamgate/commit.sock', notes: 0 },
    ],
    [
      'below another one',
      '[commit]\naddress = "unix:/q/c.sock"',
      ['--queue-directory', '/q/'],
      { value: 'check_policy_service,unix:c.sock', notes: 0 },
    ],
    [
      'elsewhere: said',
      '[commit]\naddress = "unix:/var/spool/postfix-2/c.sock"',
      [],
      {
        value: 'check_policy_service,unix:/var/spool/postfix-2/c.sock',
        notes: 1,
      },
    ],
    [
      'on a port',
      '[commit]\naddress = "127.0.0.1:10026"',
      [],
      { value: 'check_policy_service,inet:127.0.0.1:10026', notes: 0 },
    ],
  ])('%s', async (_, toml, args, expected) => {
    expect(await question(toml, ...args)).toEqual(expected);
  });
});

test.each([
  ['127.0.0.1:10024', 'scan:[127.0.0.1]:10024'],
  ['[::1]:10024', 'scan:[ipv6:::1]:10024'],
  ['localhost:10024', 'scan:[localhost]:10024'],
  ['unix:/run/clamgate/smtp.sock', 'scan:unix:/run/clamgate/smtp.sock'],
])('a listener at %s is %s to Postfix', async (address, filter) => {
  const { mainCf } = await entries(tomlWith(inside).replace('127.0.0.1:10024', address));
  expect(mainCf[0]).toMatchObject({ name: 'content_filter', value: filter });
});

test('two listeners with one next hop: two transports, one way back', async () => {
  const second = tomlWith().replace('10024', '10034');
  const { masterCf } = await entries(tomlWith(second));
  expect(masterCf.map(({ name }) => name)).toEqual(['scan', 'scan2', '127.0.0.1:10025']);
});

test.each(['lmtp:127.0.0.1:24', 'unix:/run/next.sock'])(
  'a next hop %s is no smtpd that could be printed, and that is said',
  async (nextHop) => {
    const made = await entries(tomlWith(inside).replace('127.0.0.1:10025', nextHop));
    expect(made.masterCf.map(({ name }) => name)).toEqual(['scan']);
    expect(made.notes.join()).toContain(nextHop);
  },
);

test('a next hop on another machine: its entry belongs there', async () => {
  const { notes } = await entries(tomlWith(inside).replace('127.0.0.1:10025', 'mx.example.org:25'));
  expect(notes.join()).toContain('mx.example.org:25 is on another machine');
});

test('a Milter: main.cf names it, and nothing of a way there and back is printed', async () => {
  const milter = '[[listener]]\nprotocol = "milter"\naddress = "127.0.0.1:10026"\n';
  const held =
    '[[listener]]\nprotocol = "milter"\naddress = "unix:/var/spool/postfix/clamgate/m.sock"\n';
  const { mainCf, masterCf, notes } = await entries(milter + held);
  const value = 'inet:127.0.0.1:10026, unix:clamgate/m.sock';
  expect(mainCf.map(({ name }) => name)).not.toContain('content_filter');
  expect(mainCf).toContainEqual(expect.objectContaining({ name: 'smtpd_milters', value }));
  expect(mainCf).toContainEqual(expect.objectContaining({ name: 'non_smtpd_milters', value }));
  expect(mainCf).toContainEqual(
    expect.objectContaining({ name: 'milter_default_action', value: 'tempfail' }),
  );
  expect([masterCf, notes]).toEqual([[], []]);
});

test('more messages can come back than are in the filter', async () => {
  const { masterCf } = await entries(tomlWith(inside));
  const [scan, back] = masterCf.map(({ processes }) => processes);
  expect(back).toBeGreaterThan(scan ?? Infinity);
});

test('before the queue: the smtpd on port 25 is proxied, and no content_filter is set', async () => {
  const before = tomlWith(`position = "before-queue"\n${inside}`);
  const { mainCf, masterCf } = await entries(before);
  expect(mainCf).toEqual([]);
  expect(masterCf.map(({ name, command }) => [name, command])).toEqual([
    ['smtp', 'smtpd'],
    ['127.0.0.1:10025', 'smtpd'],
  ]);
  expect(masterCf[0]?.options).toContainEqual(
    expect.objectContaining({ name: 'smtpd_proxy_filter', value: '127.0.0.1:10024' }),
  );
});

test('a policy service: where it belongs is said, and no list of restrictions is touched', async () => {
  const policy =
    '[[listener]]\nprotocol = "policy"\naddress = "unix:/var/spool/postfix/clamgate/p.sock"\n';
  const { mainCf, masterCf, notes } = await entries(policy);
  expect([mainCf, masterCf]).toEqual([[], []]);
  expect(notes.join()).toContain('check_policy_service unix:clamgate/p.sock');
});
