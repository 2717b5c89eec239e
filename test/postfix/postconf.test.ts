import { expect, test } from '@jest/globals';
import {
  durationMs,
  isChrooted,
  processLimit,
  readPostfix,
  valueOf,
} from '../../src/postfix/installation.ts';
import { parseParameters, parseServices, type Service } from '../../src/postfix/postconf.ts';
import type { Ran } from '../../src/run-program.ts';
import { recorded, recordedPostfix, withMain } from '../support/recorded-postfix.ts';

const postfix = recordedPostfix();

function service(name: string): Service {
  const found = postfix.services.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

test('parameters: empty ones, and values with an equals sign', () => {
  const parameters = parseParameters('a = b = c\nempty =\nwords = x, y\n');
  expect([...parameters]).toEqual([
    ['a', 'b = c'],
    ['empty', ''],
    ['words', 'x, y'],
  ]);
});

test('every entry of the recorded master.cf is one service', () => {
  const lines = recorded('postconf-Mf.txt').match(/^\S/gm) ?? [];
  expect(postfix.services).toHaveLength(lines.length);
  expect(new Set(postfix.services.map(({ name, type }) => `${name}/${type}`)).size).toBe(
    lines.length,
  );
});

test('columns, command and options of an entry', () => {
  expect(service('127.0.0.1:10025')).toMatchObject({
    type: 'inet',
    command: 'smtpd',
    columns: { private: 'n', chroot: 'n', processLimit: '20' },
  });
  expect(service('pickup').columns).toEqual({
    private: 'n',
    unprivileged: undefined,
    chroot: 'n',
    wakeup: '60',
    processLimit: '1',
  });
  expect(service('127.0.0.1:10025').options.get('content_filter')).toBe('');
  expect(service('scan').options.get('smtp_header_checks')).toBe('pcre:{ {/^X/ IGNORE} }');
});

test('two services of one name are told apart by their type', () => {
  const [one, two] = parseServices(
    'smtp inet n - y - - smtpd\n    -o x=1\nsmtp unix - - y - - smtp\n',
    'smtp/inet/x = 1\nsmtp/unix/x = 2\n',
  );
  expect([one?.options.get('x'), two?.options.get('x')]).toEqual(['1', '2']);
});

test('what a service uses: its own option, else main.cf, else nothing', () => {
  expect(valueOf(postfix, service('127.0.0.1:10025'), 'content_filter')).toBe('');
  expect(valueOf(postfix, service('pickup'), 'content_filter')).toBe('scan:[127.0.0.1]:10024');
  expect(valueOf(postfix, undefined, 'nonsense')).toBe('');
});

test.each([
  ['20', 20],
  [undefined, 100],
  ['0', Infinity],
])('a process limit of %s is %s', (column, expected) => {
  const one = service('scan');
  const changed = { ...one, columns: { ...one.columns, processLimit: column } };
  expect(processLimit(postfix, changed)).toBe(expected);
});

test.each([
  ['y', '3.6', true],
  ['n', '0', false],
  [undefined, '3.6', false],
  [undefined, '0', true],
])('chroot %s at compatibility_level %s: %s', (chroot, level, expected) => {
  const one = service('scan');
  const changed = { ...one, columns: { ...one.columns, chroot } };
  const of = withMain(postfix, { compatibility_level: level });
  expect(isChrooted(of, changed)).toBe(expected);
});

test.each([
  ['600s', 600_000],
  ['10m', 600_000],
  ['100', 100_000],
  ['2h', 7_200_000],
  ['soon', undefined],
  ['', undefined],
])('a time of %s is %s ms', (text, expected) => {
  expect(durationMs(text)).toBe(expected);
});

test('a bare number of a time that is counted in days', () => {
  expect(durationMs('5', 'd')).toBe(432_000_000);
});

test('reads an installation by three questions, of the instance that is named', async () => {
  const asked: string[] = [];
  const run = (program: string, args: readonly string[]): Promise<Ran> => {
    asked.push([program, ...args].join(' '));
    return Promise.resolve({ code: 0, out: recorded(`postconf${args[2] ?? ''}.txt`), err: '' });
  };
  const read = await readPostfix(run, '/etc/postfix');
  expect(read).toEqual(postfix);
  expect(asked).toEqual(['-x', '-Mf', '-xP'].map((what) => `postconf -c /etc/postfix ${what}`));
});

test('a Postfix that cannot be read is said in its own words', async () => {
  const run = (): Promise<Ran> =>
    Promise.resolve({ code: 1, out: '', err: 'postconf: fatal: open main.cf: denied\nmore' });
  await expect(readPostfix(run)).rejects.toThrow('Postfix: postconf: fatal: open main.cf: denied');
});
