/** .ci/run with a `make` that only pretends: its last line and its exit status. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'clamgate-ci-'));
  cpSync(join(import.meta.dirname, '../.ci'), join(clone, '.ci'), { recursive: true });
  mkdirSync(join(clone, '.run'));
  mkdirSync(join(clone, 'bin'));
  // Of an earlier run, and not to be believed.
  writeFileSync(join(clone, '.run/totals'), '99 0\n');
});
afterEach(() => {
  rmSync(clone, { recursive: true });
});

test.each([
  ['all passed', 'echo 12 0 > .run/totals', '12 passed, 0 failed', 0],
  ['some failed', 'echo 12 3 > .run/totals; exit 2', '12 passed, 3 failed', 1],
  ['no test ran', 'echo 0 0 > .run/totals', '0 passed, 1 failed', 1],
  ['the set-up failed', 'exit 2', '0 passed, 1 failed', 1],
  ['it broke off', 'echo 12 0 > .run/totals; exit 2', '12 passed, 1 failed', 1],
  ['it asks questions', 'read -r answer && echo 1 0 > .run/totals', '0 passed, 1 failed', 1],
  ['it knows it is CI', 'test "$CI" = true && echo 1 0 > .run/totals', '1 passed, 0 failed', 0],
])('%s', (_what, make, lastLine, status) => {
  writeFileSync(join(clone, 'bin/make'), `#!/bin/sh\n${make}\n`, { mode: 0o755 });
  const path = `${join(clone, 'bin')}:${process.env['PATH'] ?? ''}`;
  const result = spawnSync(join(clone, '.ci/run'), {
    env: { ...process.env, PATH: path, CI: '' },
    input: 'yes\n',
    encoding: 'utf8',
  });

  expect(result.stdout.trimEnd().split('\n').at(-1)).toBe(lastLine);
  expect(result.status).toBe(status);
});
