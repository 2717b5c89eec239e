import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseVersion } from '../../../src/protocol/clamd/version.ts';

it.each([
  [
    'ClamAV 1.4.6/27000/Thu Nov 20 08:50:33 2025',
    { engine: '1.4.6', database: 27000, made: Date.UTC(2025, 10, 20, 8, 50, 33), isHollow: false },
  ],
  [
    'ClamAV 0.103.8/26800/Sun Feb  5 09:40:00 2023',
    { engine: '0.103.8', database: 26800, made: Date.UTC(2023, 1, 5, 9, 40), isHollow: false },
  ],
  [
    'ClamAV 1.4.6/27000/Thu Nov 20 2025',
    { engine: '1.4.6', database: 27000, made: Date.UTC(2025, 10, 20), isHollow: false },
  ],
  [
    'ClamAV 1.5.0-rc/1/yesterday',
    { engine: '1.5.0-rc', database: 1, made: undefined, isHollow: false },
  ],
  ['ClamAV 1.4.6', { engine: '1.4.6', database: undefined, made: undefined, isHollow: false }],
  [
    'ClamAV 1.4.6/4294967295/invalid timestam',
    { engine: '1.4.6', database: undefined, made: undefined, isHollow: true },
  ],
  ['ClamAV 1.4.6/27000', undefined],
  ['ClamAV', undefined],
  ['COMMAND UNAVAILABLE', undefined],
  ['', undefined],
])('%j: %j', (words, expected) => {
  expect(parseVersion(words)).toEqual(expected);
});

it('reads every day as ctime(3) writes it', () => {
  const days = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
  fc.assert(
    fc.property(days, (date) => {
      const ms = Math.floor(date.getTime() / 1000) * 1000;
      // 'Thu, 20 Nov 2025 08:50:33 GMT'
      const [, week, day, month, year, time] =
        /^(\w+), (\d+) (\w+) (\d+) (\S+)/.exec(new Date(ms).toUTCString()) ?? [];
      const text = `${week} ${month} ${day?.replace(/^0/, ' ')} ${time} ${year}`;
      expect(parseVersion(`ClamAV 1/2/${text}`)?.made).toBe(ms);
    }),
  );
});
