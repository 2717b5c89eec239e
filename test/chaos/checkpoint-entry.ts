/**
 * Starts the built daemon like bin/clamgate.js, and strikes when it comes to a point of the
 * protocol: CHAOS_KILL_AT is a `KillAt` as JSON, CHAOS_STRUCK a file that then appears. Only for the
 * harness; what ships cannot be told to die.
 */
import { writeFileSync } from 'node:fs';
import { env, pid } from 'node:process';
import { watchCheckpoints } from './checkpoints.ts';
import type { KillAt } from './filter.ts';
import { processesOf, signalAll } from './group.ts';

const killAt = JSON.parse(env['CHAOS_KILL_AT'] ?? '{}') as KillAt;
let times = 0;

const load = (file: string) => import(built(file)) as Promise<Record<string, never>>;
await watchCheckpoints(load, (point) => {
  if (point === killAt.point && ++times === killAt.nth) strike();
});
const main = (await import(built('cli/main.js'))) as { runProcess(): unknown };
main.runProcess();

function strike(): void {
  writeFileSync(env['CHAOS_STRUCK'] ?? '', '');
  const { victim } = killAt;
  if (victim === 'filter') signalAll([pid], 'SIGKILL');
  else signalAll(processesOf(victim.group, victim.only), 'SIGKILL');
}

function built(file: string): string {
  return new URL(`../../dist/${file}`, import.meta.url).href;
}
