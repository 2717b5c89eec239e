/** A clamd.conf, as far as it is read: what is set is what a line-wise reader finds. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clamdConfFacts } from '../../../src/daemon/config-clamd-conf.ts';
import { holds, type Target, usualBounds } from '../target.ts';
import { sequenceOf } from '../valid.ts';

const tokens = [
  'LocalSocket /run/c.ctl\n',
  'LocalSocket /var/run/c.ctl\n',
  'MaxFileSize 25M\n',
  'MaxFileSize 0\n',
  'StreamMaxLength 100M\n',
].concat([
  'MaxScanTime 120000\n',
  'DatabaseDirectory /db\n',
  '# comment\n',
  'MaxFileSize',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  '\xff',
  '99999999999G',
  'M',
  '-1',
]);
const socket = 'LocalSocket /run/c.ctl\n';

const directory = mkdtempSync(join(tmpdir(), 'clamgate-fuzz-'));
const file = join(directory, 'clamd.conf');
process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true });
});

function check(input: Buffer): void {
  writeFileSync(file, Buffer.concat([Buffer.from(socket), input]));
  const facts = clamdConfFacts('unix:/run/c.ctl', [file]);
  holds(facts.databaseDirectory !== undefined, 'it is the clamd that is asked');
  for (const value of Object.values(facts.ceilings)) {
    holds(Number.isSafeInteger(value) && value > 0, 'a limit is a number above 0');
  }
  const first = firstOf(input.toString('utf8'), 'DatabaseDirectory');
  assert.equal(facts.databaseDirectory, first ?? '/var/lib/clamav');
  holds(clamdConfFacts('unix:/run/other.ctl', [file]).databaseDirectory === undefined, 'no other');
}

/** As clamd reads it: a line's first word, blanks, and all that follows but blanks at its end. */
function firstOf(text: string, key: string): string | undefined {
  const values = text
    .split(/[\n\r\u2028\u2029]/)
    .map((line) => line.replace(/^[ \t]+/, ''))
    .filter((line) => /^[ \t]/.test(line.slice(key.length)) && line.startsWith(key))
    .map((line) => line.slice(key.length).replace(/^[ \t]+/, ''))
    .filter((value) => /^\S/.test(value))
    .map((value) => value.replace(/[ \t]+$/, ''));
  return values[0];
}

export const clamdConf: Target = {
  ...usualBounds,
  name: 'clamd-conf',
  tokens,
  valid: sequenceOf(tokens, 10),
  check,
};
