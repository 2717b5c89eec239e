import { expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePressure, readPressure } from '../../src/scan/pressure.ts';

const lines = `some avg10=12.34 avg60=0.17 avg300=1.11 total=58761459
full avg10=98.00 avg60=0.13 avg300=0.96 total=57761459
`;

it.each([
  [lines, 12.34],
  ['some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n', 0],
  ['some avg10=100 avg60=0.00 avg300=0.00 total=0\n', 100],
  ['', undefined],
  ['full avg10=1.00 avg60=0.00 avg300=0.00 total=0\n', undefined],
])('%j: %j', (text, expected) => {
  expect(parsePressure(text)).toBe(expected);
});

it('is read from files, and unknown where there are none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'clamgate-pressure-'));
  writeFileSync(join(directory, 'io'), lines);
  expect(readPressure(directory)).toEqual({ memory: undefined, io: 12.34, cpu: undefined });
  rmSync(directory, { recursive: true });
});
