import { expect, test } from '@jest/globals';
import { optionsOf, speedParts, usage } from '../../bench/options.ts';

test('without options it is the whole of the speed, and nothing else', () => {
  expect(optionsOf([])).toMatchObject({
    ...{ parts: speedParts, quick: false, check: false, json: false },
    ...{ repeats: 3, seconds: 2, sessions: [1, 8, 32], perConnection: [1] },
    ...{ growthEntries: 1_000_000, growthMessages: 10_000, footprintSessions: 32 },
  });
});

test('a quick look is shorter, where it is not said otherwise', () => {
  const options = optionsOf(['--quick', '--repeats', '5']);
  expect(options).toMatchObject({ quick: true, repeats: 5, seconds: 1, growthEntries: 10_000 });
});

test.each([
  ['--messages', 'text-4k,mixed', { kinds: ['text-4k', 'mixed'] }],
  ['--sessions', '2,4', { sessions: [2, 4] }],
  ['--parts', 'doors,once', { parts: ['doors', 'once'] }],
  ['--at-once', '10', { atOnceBytesMax: 10 * 2 ** 20 }],
  ['--stand-in', '--json', { standIn: true, json: true }],
  ['--bounds-kinds', 'many parts', { boundsKinds: ['many parts'] }],
])('%s %s', (name, value, options) => {
  expect(optionsOf([name, value])).toMatchObject(options);
});

test.each([
  ['--repeats', '0'],
  ['--sessions', '1,x'],
  ['--messages', 'nothing'],
  ['--parts', 'all'],
  ['--unknown', ''],
])('%s %s is refused', (name, value) => {
  expect(() => optionsOf([name, value])).toThrow();
});

test('help is all that is given, and tells every option', () => {
  expect(optionsOf(['--help'])).toBeUndefined();
  const names = [
    'quick',
    'check',
    'store',
    'json',
    'parts',
    'steady',
    'doors-messages',
    'growth-entries',
  ];
  for (const name of names) expect(usage).toContain(`--${name}`);
});
