/**
 * Runs every check and every test, goes on after a failure, and ends with a summary. A check counts
 * as one, a jest run as its tests. The totals go to .run/totals, for .ci/run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { exit, stdout } from 'node:process';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why there are no results, where a run ended without any. */
  readonly problem?: string;
}

/** How a command ended. */
interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Check {
  readonly name: string;
  readonly run: () => Promise<Count>;
}

/** What is read of jest's --json output. */
interface JestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  /** Files that could not be run at all; none of their tests is counted. */
  readonly numRuntimeErrorTestSuites: number;
}

/** After its last test, for jest to end. */
const patienceMs = 15_000;

/** Of what is running. */
const kills = new Set<() => void>();

/** One group after the other; what is in the same group runs at once. */
const groups: readonly (readonly Check[])[] = [
  [
    { name: 'types', run: () => script('types') },
    { name: 'lint', run: () => script('lint') },
    { name: 'format', run: () => script('format') },
    { name: 'build', run: () => script('build') },
  ],
  [{ name: 'unit tests', run: () => jest('unit') }],
  [{ name: 'real Postfix and clamd', run: () => jest('real') }],
  // Where no machine can be booted it says so, and all of it is skipped. `make systemd` runs all.
  [{ name: 'real systemd', run: () => jest('systemd-short', 'may be skipped') }],
];

async function script(name: string): Promise<Count> {
  const ok = (await run('npm', ['run', '--silent', name])).code === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

async function jest(project: string, whole?: 'may be skipped'): Promise<Count> {
  const file = `.run/${project}.json`;
  rmSync(file, { force: true });
  const args = ['run', '--silent', `test:${project}`, '--', '--json', `--outputFile=${file}`];
  const ending = await run('npm', args, file);
  const results = read(file);
  if (results === undefined) return { passed: 0, failed: 1, skipped: 0, problem: told(ending) };
  const passed = results.numPassedTests;
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests;
  // No test at all is a failure, and so is one that jest reports only by its exit status.
  const seen = passed + failed + (whole === undefined ? 0 : skipped);
  const unseen = seen === 0 || (failed === 0 && ending.code !== 0) ? 1 : 0;
  return { passed, failed: failed + unseen, skipped };
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

/**
 * Runs a command to its end. jest writes `results` when all tests are over; what a failed test
 * left open can then keep it from ending, so it is not waited for long.
 */
async function run(command: string, args: readonly string[], results?: string): Promise<Ending> {
  // jest's words are on standard error.
  const output = results === undefined ? 'inherit' : 'ignore';
  const child = spawn(command, args, { stdio: ['ignore', output, 'inherit'], detached: true });
  // npm is not alone in it: the whole process group has to go.
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  kills.add(kill);
  const watch = setInterval(() => {
    if (results !== undefined && isOlder(results, patienceMs)) kill();
  }, 1000);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearInterval(watch);
  kills.delete(kill);
  return { code, signal };
}

function isOlder(file: string, ms: number): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > ms;
}

function line(name: string, count: Count, seconds: number): string {
  const { passed, failed, skipped, problem } = count;
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  const why = problem === undefined ? '' : `  ${problem}`;
  return `${name.padEnd(24)}${passed} passed, ${failed} failed${skips}  (${seconds} s)${why}\n`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const kill of kills) kill();
    exit(1);
  });
}
mkdirSync('.run', { recursive: true });
const lines: string[] = [];
let passed = 0;
let failed = 0;
for (const group of groups) {
  stdout.write(`\n== ${group.map(({ name }) => name).join(', ')}\n`);
  await Promise.all(group.map(take));
  writeFileSync('.run/totals', `${passed} ${failed}\n`);
}
stdout.write(`\n${lines.join('')}`);
exit(failed === 0 ? 0 : 1);

async function take({ name, run: check }: Check): Promise<void> {
  const started = performance.now();
  const count = await check();
  lines.push(line(name, count, Math.round((performance.now() - started) / 1000)));
  passed += count.passed;
  failed += count.failed;
}
