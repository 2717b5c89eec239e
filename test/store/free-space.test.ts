import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FreeSpace } from '../../src/store/free-space.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';

let clock: FakeClock;
let directory: string;

beforeEach(() => {
  clock = new FakeClock();
  directory = mkdtempSync(join(tmpdir(), 'free-space-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test.each([
  [1, true],
  [2 ** 60, false],
])('with %i bytes asked for: %s', async (freeBytesMin, expected) => {
  const space = new FreeSpace({ clock, directories: [directory, tmpdir()], freeBytesMin });
  expect(space.isEnough).toBe(true);
  await space.start();
  expect(space.isEnough).toBe(expected);
  space.close();
  expect(clock.pending).toBe(0);
});

test('a directory that is gone has no room, and is looked at again', async () => {
  const space = new FreeSpace({ clock, directories: [directory], freeBytesMin: 1 });
  await space.start();
  rmSync(directory, { recursive: true });
  clock.advance(5000);
  await until(() => !space.isEnough, 'it has looked again');
  space.close();
});
