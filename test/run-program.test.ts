import { expect, test } from '@jest/globals';
import { complaint, runProgram } from '../src/run-program.ts';

const node = (script: string, ms?: number) => runProgram(process.execPath, ['-e', script], ms);

test('what it says, and how it ends', async () => {
  const ran = await node('console.log("out"); console.error("err"); process.exit(3)');
  expect(ran).toEqual({ code: 3, out: 'out\n', err: 'err\n' });
});

test('one that ends well', async () => {
  expect(await node('process.stdout.write(process.env.LC_ALL)')).toEqual({
    code: 0,
    out: 'C',
    err: '',
  });
});

test('one that is not there', async () => {
  const ran = await runProgram('no-such-program-of-clamgate', []);
  expect(ran).toEqual({
    code: undefined,
    out: '',
    err: 'no-such-program-of-clamgate is not installed',
  });
});

test('one that does not end is ended', async () => {
  const ran = await node('setInterval(() => {}, 1000)', 300);
  expect(ran.code).toBeUndefined();
  expect(ran.err).toContain('did not end within 300 ms');
});

test.each([
  [{ code: 1, out: '', err: 'first\nsecond\n' }, 'first'],
  [{ code: 1, out: '', err: '' }, 'x ended with code 1'],
  [{ code: undefined, out: '', err: ' \n' }, 'x ended with code ?'],
])('its complaint: %j', (ran, expected) => {
  expect(complaint('x', ran)).toBe(expected);
});
