/**
 * One of jest's projects, run and counted. Where Node.js itself crashes, what it was running is run
 * once more, and that is said: Node.js 24 does so now and then while it collects the garbage of ES
 * modules that jest has loaded (nodejs/node issue 62393). A test that fails is never run again.
 */
import { readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { relative } from 'node:path';
import { type Ending, run } from './command.ts';

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What is to be known besides. */
  readonly remark?: string;
}

/** What is read of jest's --json output. */
export interface JestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  /** Files that could not be run at all; none of their tests is counted. */
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly { readonly name: string; readonly message: string }[];
}

export interface JestRun {
  readonly ending: Ending;
  /** Undefined when jest wrote none. */
  readonly results: JestResults | undefined;
}

/** What runs the given files of the project, or all. */
export type RunJest = (files: readonly string[]) => Promise<JestRun>;

/** What V8 and the kernel end a process with that has gone wrong inside. */
const crashSignals = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGTRAP'] as const;
/** As jest-worker says of the process that ran a file. */
const workerCrash = new RegExp(`terminated by another process: signal=(${crashSignals.join('|')})`);

/** @param whole whether it may be that all of it is skipped. */
export async function jest(project: string, whole?: 'may be skipped'): Promise<Count> {
  return counted((files) => runJest(project, files), whole);
}

export async function counted(runIt: RunJest, whole?: 'may be skipped'): Promise<Count> {
  const first = await runIt([]);
  const crashed = crashedFiles(first);
  if (crashed === undefined) return countOf(first, whole);
  const again = countOf(await runIt(crashed), whole);
  const before = first.results === undefined ? nothing : countOf(first, whole);
  return {
    passed: before.passed + again.passed,
    failed: before.failed - crashed.length + again.failed,
    skipped: before.skipped + again.skipped,
    remark: `Node.js crashed${crashed.map((file) => ` in ${relative('', file)}`).join()}; run once more`,
  };
}

const nothing: Count = { passed: 0, failed: 0, skipped: 0 };

/** Those that a crash took away, none when it took all; undefined when there was no crash. */
function crashedFiles({ ending, results }: JestRun): readonly string[] | undefined {
  if (results === undefined) return isCrash(ending) ? [] : undefined;
  const crashed = results.testResults.filter(({ message }) => workerCrash.test(message));
  return crashed.length === 0 ? undefined : crashed.map(({ name }) => name);
}

function isCrash({ code, signal }: Ending): boolean {
  return crashSignals.some(
    // A shell says it with its own exit status.
    (name) => signal === name || code === 128 + constants.signals[name],
  );
}

function countOf({ ending, results }: JestRun, whole?: 'may be skipped'): Count {
  if (results === undefined) return { ...nothing, failed: 1, remark: told(ending) };
  const passed = results.numPassedTests;
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests;
  // No test at all is a failure, and so is one that jest reports only by its exit status.
  const seen = passed + failed + (whole === undefined ? 0 : skipped);
  const unseen = seen === 0 || (failed === 0 && ending.code !== 0) ? 1 : 0;
  return { passed, failed: failed + unseen, skipped };
}

async function runJest(project: string, files: readonly string[]): Promise<JestRun> {
  const file = `.run/${project}.json`;
  rmSync(file, { force: true });
  const options = ['--json', `--outputFile=${file}`];
  if (files.length > 0) options.push('--runTestsByPath', ...files);
  const ending = await run('npm', ['run', '--silent', `test:${project}`, '--', ...options], file);
  return { ending, results: read(file) };
}

function read(file: string): JestResults | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestResults;
  } catch {
    return undefined;
  }
}

function told({ code, signal }: Ending): string {
  return `jest wrote no results: ${signal === null ? `exit status ${code ?? '?'}` : signal}`;
}
