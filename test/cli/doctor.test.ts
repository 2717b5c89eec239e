/** What `clamgate doctor` says to people, and its exit code. The rules are tried in test/doctor. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { counted, doctorText } from '../../src/cli/doctor-text.ts';
import type { Finding, Severity } from '../../src/doctor/check.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { runCli } from '../support/run-cli.ts';

const finding = (severity: Severity, id: string): Finding => ({
  id,
  severity,
  what: `what of ${id}`,
  why: 'a reason',
  mend: 'a remedy',
  see: 'a page',
});
const findings = [
  finding('ok', 'one'),
  finding('warn', 'two'),
  finding('unknown', 'three'),
  finding('error', 'four'),
  finding('ok', 'five'),
];

function text(of: readonly Finding[], verbose = false, isRoot = true): string {
  return doctorText({ healthy: false, isRoot, counts: counted(of), findings: of }, verbose);
}

test('trouble first, with reason and remedy, and what is well as a number', () => {
  expect(text(findings)).toBe(`ERROR  four: what of four
  why   a reason
  mend  a remedy
  see   a page

WARN  two: what of two
  why   a reason
  mend  a remedy
  see   a page

unknown  three  what of three

1 error, 1 warning, 1 not known, 2 well (--verbose lists what is well).`);
});

test('--verbose lists what is well', () => {
  expect(text(findings, true)).toContain(
    'unknown  three  what of three\nok       one    what of one\nok       five   what of five\n',
  );
});

test('who is not root is told that he sees less', () => {
  expect(text([], false, false)).toBe(
    '0 errors, 0 warnings, 0 not known, 0 well.\n\nNot run as root: some of it could not be seen.',
  );
});

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

test('a configuration that cannot be used is all there is to tell', async () => {
  const { code, out, err } = await runCli(['-c', folder.write('c.toml', '[nonsense]'), 'doctor']);
  expect([code, err]).toEqual([78, '']);
  expect(out).toMatch(/^ERROR {2}configuration: /);
  expect(out).toContain('nonsense');
});

test.each([
  ['a user', ['--user', 'no-such-user'], 64, /^clamgate: --user no-such-user: .*no such user/],
  [
    'a clamd.conf',
    ['--clamd-conf', '/no/clamd.conf'],
    66,
    /^clamgate: --clamd-conf \/no\/clamd.conf: .*ENOENT/,
  ],
  ['a directory for one', ['--clamd-conf', '/'], 66, /^clamgate: --clamd-conf \/: .*EISDIR/],
])('%s that is not there is no finding', async (_, options, expected, message) => {
  const { code, out, err } = await runCli(['-c', folder.write('c.toml', ''), 'doctor', ...options]);
  expect([code, out]).toEqual([expected, '']);
  expect(err).toMatch(message);
});
