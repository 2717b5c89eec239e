import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { groupId } from '../../src/daemon/config-group.ts';

let directory: string;
let file: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'group-'));
  file = join(directory, 'group');
  writeFileSync(file, 'root:x:0:\npostfix-x:x:7:\npostfix:x:112:a,b\nbroken:x\n');
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

test.each([
  ['postfix', 112],
  ['root', 0],
  // As it is, whether there is such a group or not.
  ['4711', 4711],
])('%s is %i', (name, id) => {
  expect(groupId(name, file)).toBe(id);
});

test.each(['nobody-has-it', 'broken'])('%s is none', (name) => {
  expect(() => groupId(name, file)).toThrow(`has no group "${name}"`);
});
