/** What a program uses that is several processes: its first one and all that come from it. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpuSeconds, forgetPeak, peakResidentBytes } from './process-usage.ts';

/** It and its descendants, as far as they live. */
export function familyOf(pid: number): readonly number[] {
  const parents = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => [Number(entry), parentOf(entry)] as const);
  const family = [pid];
  for (const member of family) {
    family.push(...parents.filter(([, parent]) => parent === member).map(([child]) => child));
  }
  return family;
}

/** User and system time, in seconds; of those that have ended, too, once their parents know of it. */
export function familyCpuSeconds(pid: number): number {
  return sumOf(pid, (member) => cpuSeconds(member, true));
}

/** The most resident memory of each since `forgetFamilyPeak`. What they share counts in each. */
export function familyPeakBytes(pid: number): number {
  return sumOf(pid, peakResidentBytes);
}

export function forgetFamilyPeak(pid: number): void {
  for (const member of familyOf(pid)) unlessGone(() => (forgetPeak(member), 0));
}

function sumOf(pid: number, figure: (member: number) => number): number {
  return familyOf(pid).reduce((sum, member) => sum + unlessGone(() => figure(member)), 0);
}

/** The processes of Postfix and of amavisd-new come and go. */
function unlessGone(figure: () => number): number {
  try {
    return figure();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 0;
    throw error;
  }
}

function parentOf(entry: string): number {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
    // The name in parentheses can hold anything; the state and the parent follow it. proc_pid_stat(5).
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
