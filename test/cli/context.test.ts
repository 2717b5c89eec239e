import { expect, test } from '@jest/globals';
import { CliContext } from '../../src/cli/context.ts';
import { FakeClock } from '../support/fake-clock.ts';

function contextInto(written: string[]): CliContext {
  const output = { write: (text: string) => written.push(text) };
  return new CliContext({ stdout: output, stderr: output, env: {}, clock: new FakeClock() });
}

test('what a message smuggled in does not reach the terminal as a command', () => {
  const written: string[] = [];
  const context = contextInto(written);
  context.print('a\u001b[2J\nb\u202e');
  context.note('c\u009b');
  expect(written).toEqual(['a\\u001b[2J\nb\\u202e\n', 'c\\u009b\n']);
});

test('a result is text for people, or with --json one document', () => {
  const written: string[] = [];
  const context = contextInto(written);
  const value = { subject: 'x\u009b' };
  context.result(value, () => 'text');
  context.json = true;
  context.result(value, () => 'text');
  expect(written[0]).toBe('text\n');
  expect(written[1]).toMatch(/^[\n\x20-\x7e]+\n$/);
  expect(JSON.parse(written[1] ?? '')).toEqual(value);
});
