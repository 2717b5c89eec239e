/** What the doctor found, for people: trouble first, each with its reason and its remedy. */
import type { Finding, Severity } from '../doctor/check.ts';
import type { Report } from './doctor.ts';
import { table } from './table.ts';

export type Counts = Readonly<Record<Severity, number>>;

/** In the order in which they are told. */
const severities = ['error', 'warn', 'unknown', 'ok'] as const satisfies readonly Severity[];

export function counted(findings: readonly Finding[]): Counts {
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return { ok: count('ok'), warn: count('warn'), error: count('error'), unknown: count('unknown') };
}

export function doctorText({ findings, counts, isRoot }: Report, verbose: boolean): string {
  const of = (severity: Severity): Finding[] =>
    findings.filter((finding) => finding.severity === severity);
  const trouble = [...of('error'), ...of('warn')].map(troubleText);
  const brief = [...of('unknown'), ...(verbose ? of('ok') : [])];
  const rows = brief.map(({ severity, id, what }) => [severity, id, what]);
  return [
    ...trouble,
    ...(rows.length === 0 ? [] : [table(rows)]),
    [
      severities.map((severity) => countText(counts[severity], names[severity])).join(', '),
      ...(verbose || counts.ok === 0 ? [] : [' (--verbose lists what is well)']),
      '.',
    ].join(''),
    ...(isRoot ? [] : ['Not run as root: some of it could not be seen.']),
  ].join('\n\n');
}

const names: Readonly<Record<Severity, string>> = {
  error: 'errors',
  warn: 'warnings',
  unknown: 'not known',
  ok: 'well',
};

function countText(count: number, name: string): string {
  return `${count} ${count === 1 ? name.replace(/s$/, '') : name}`;
}

function troubleText({ severity, id, what, why, mend, see }: Finding): string {
  return [
    `${severity.toUpperCase()}  ${id}: ${what}`,
    `  why   ${why}`,
    `  mend  ${mend}`,
    `  see   ${see}`,
  ].join('\n');
}
