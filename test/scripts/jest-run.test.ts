import { describe, expect, test } from '@jest/globals';
import { counted, type JestResults, type JestRun } from '../../scripts/jest-run.ts';

const well = { code: 0, signal: null };
const badly = { code: 1, signal: null };

function results(passed: number, failed = 0, more: Partial<JestResults> = {}): JestResults {
  return {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: 0,
    numRuntimeErrorTestSuites: 0,
    testResults: [],
    ...more,
  };
}

/** Of jest, as often as it is run: which files it was given. */
async function count(
  runs: readonly JestRun[],
  whole?: 'may be skipped',
): Promise<{ line: unknown; given: readonly (readonly string[])[] }> {
  const given: (readonly string[])[] = [];
  const line = await counted((files) => {
    given.push(files);
    const run = runs[given.length - 1];
    return run === undefined ? Promise.reject(new Error('run too often')) : Promise.resolve(run);
  }, whole);
  return { line, given };
}

function crash(name: string, signal: string): JestResults['testResults'][number] {
  const message = `A jest worker process (pid=7) was terminated by another process: signal=${signal}, exitCode=null.`;
  return { name, message };
}

describe('a run of jest', () => {
  test.each([
    ['passes', { ending: well, results: results(3) }, { passed: 3, failed: 0, skipped: 0 }],
    ['has a failed test', { ending: badly, results: results(2, 1) }, { passed: 2, failed: 1 }],
    ['has no test', { ending: well, results: results(0) }, { passed: 0, failed: 1 }],
    ['fails only by its status', { ending: badly, results: results(3) }, { passed: 3, failed: 1 }],
    [
      'has a file that does not load',
      { ending: badly, results: results(3, 0, { numRuntimeErrorTestSuites: 1 }) },
      { passed: 3, failed: 1 },
    ],
    [
      'writes nothing',
      { ending: badly, results: undefined },
      { failed: 1, remark: 'jest wrote no results: exit status 1' },
    ],
    [
      'is killed',
      { ending: { code: null, signal: 'SIGKILL' }, results: undefined },
      { failed: 1, remark: 'jest wrote no results: SIGKILL' },
    ],
    [
      'has a worker killed',
      {
        ending: badly,
        results: results(3, 0, {
          numRuntimeErrorTestSuites: 1,
          testResults: [crash('a.test.ts', 'SIGKILL')],
        }),
      },
      { passed: 3, failed: 1 },
    ],
  ] as const)('that %s counts as it is, and is not run again', async (_what, run, expected) => {
    const { line, given } = await count([run]);
    expect(line).toMatchObject(expected);
    expect(given).toEqual([[]]);
  });

  test('may be skipped as a whole where that is said', async () => {
    const run = { ending: well, results: results(0, 0, { numPendingTests: 4 }) };
    expect((await count([run])).line).toMatchObject({ failed: 1, skipped: 4 });
    expect((await count([run], 'may be skipped')).line).toMatchObject({ failed: 0, skipped: 4 });
  });
});

describe('a crash of Node.js', () => {
  test.each([
    { code: null, signal: 'SIGSEGV' },
    { code: 128 + 6, signal: null },
  ] as const)('in jest itself (%j) has all run once more', async (ending) => {
    const { line, given } = await count([
      { ending, results: undefined },
      { ending: badly, results: results(5, 1) },
    ]);
    expect(line).toEqual({
      passed: 5,
      failed: 1,
      skipped: 0,
      remark: 'Node.js crashed; run once more',
    });
    expect(given).toEqual([[], []]);
  });

  test('in a worker has only its file run once more', async () => {
    const { line, given } = await count([
      {
        ending: badly,
        results: results(9, 1, {
          numRuntimeErrorTestSuites: 1,
          testResults: [crash('a.test.ts', 'SIGSEGV'), { name: 'b.test.ts', message: 'expect' }],
        }),
      },
      { ending: well, results: results(2) },
    ]);
    expect(line).toEqual({
      passed: 11,
      failed: 1,
      skipped: 0,
      remark: 'Node.js crashed in a.test.ts; run once more',
    });
    expect(given).toEqual([[], ['a.test.ts']]);
  });

  test('that comes again is a failure', async () => {
    const crashed = { ending: { code: null, signal: 'SIGSEGV' }, results: undefined } as const;
    const { line } = await count([crashed, crashed]);
    expect(line).toMatchObject({ passed: 0, failed: 1 });
  });
});
