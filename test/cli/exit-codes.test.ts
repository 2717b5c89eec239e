import { expect, test } from '@jest/globals';
import { exitCodeHelp, exitCodes } from '../../src/cli/exit-codes.ts';
import { eicarTestFile } from '../../src/scan/eicar.ts';
import { eicar } from '../support/eicar.ts';

test('every exit code is documented, and no other', () => {
  const documented = [...exitCodeHelp.matchAll(/^ +(\d+) /gm)].map(([, code]) => Number(code));
  expect(documented).toEqual(Object.values(exitCodes));
});

test('the EICAR test file is the one that scanners know', () => {
  expect(eicarTestFile).toBe(eicar);
  expect(eicarTestFile).toHaveLength(68);
});
