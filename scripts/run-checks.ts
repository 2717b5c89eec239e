/**
 * Runs every check and every test, goes on after a failure, and ends with a summary. A check counts
 * as one, a jest run as its tests. The totals go to .run/totals, for .ci/run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { exit, stdout } from 'node:process';
import { killAll, run } from './command.ts';
import { type Count, jest } from './jest-run.ts';

interface Check {
  readonly name: string;
  readonly run: () => Promise<Count>;
}

/** One group after the other; what is in the same group runs at once. */
const groups: readonly (readonly Check[])[] = [
  [
    { name: 'types', run: () => script('types') },
    { name: 'lint', run: () => script('lint') },
    { name: 'format', run: () => script('format') },
    { name: 'build', run: () => script('build') },
  ],
  [{ name: 'speed, by a ratio', run: () => script('bench:check') }],
  // The one computes, the other waits. Where no machine can be booted it says so, and all of it is
  // skipped. `make systemd` runs all.
  [
    { name: 'unit tests', run: () => jest('unit') },
    { name: 'real systemd', run: () => jest('systemd-short', 'may be skipped') },
  ],
  [
    { name: 'real Postfix and clamd', run: () => jest('real') },
    { name: 'five minutes of mail', run: () => jest('soak', 'may be skipped') },
  ],
];

async function script(name: string): Promise<Count> {
  const ok = (await run('npm', ['run', '--silent', name])).code === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

function line(name: string, count: Count, seconds: number): string {
  const { passed, failed, skipped, remark } = count;
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  const besides = remark === undefined ? '' : `  ${remark}`;
  return `${name.padEnd(24)}${passed} passed, ${failed} failed${skips}  (${seconds} s)${besides}\n`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll();
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
