import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { Hangups } from '../../src/cli/hangups.ts';

test.each([
  ['none came', 0, 0],
  ['one came early', 1, 1],
  ['several came early', 3, 1],
])('%s: taken once, and each later one', (_, early, taken) => {
  const process = new EventEmitter();
  const hangups = new Hangups(process);
  for (let at = 0; at < early; at++) process.emit('SIGHUP');
  let calls = 0;
  hangups.take(() => (calls += 1));
  expect(calls).toBe(taken);
  process.emit('SIGHUP');
  process.emit('SIGHUP');
  expect(calls).toBe(taken + 2);
});
