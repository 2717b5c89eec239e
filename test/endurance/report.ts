import type { Endured } from './endure.ts';
import type { Row } from './growth.ts';

export interface Span {
  readonly minutes: number;
  readonly settledMinutes: number;
}

/** As Markdown. */
export function reportOf(
  { sent, rows, afterwards }: Endured,
  { minutes, settledMinutes }: Span,
  problems: readonly string[],
): string {
  const mails = [...sent].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return [
    `${minutes} minutes of mixed mail: ${mails}.`,
    '',
    `| what | after ${settledMinutes} min | in the end | bound |`,
    '| --- | --- | --- | --- |',
    ...rows.map(line),
    '',
    `When all was done: ${afterwards.descriptors} descriptors, ${afterwards.spooled} files in the spool, ` +
      `${afterwards.atWork} messages at work.`,
    '',
    ...(problems.length === 0
      ? ['Nothing grew.']
      : problems.map((problem) => `FAILED: ${problem}`)),
    '',
  ].join('\n');
}

function line({ what, early, late, bound }: Row): string {
  const show = (value: number): string =>
    what.endsWith('bytes') ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(Math.round(value));
  return `| ${what.replace(' bytes', '')} | ${show(early)} | ${show(late)} | ${show(bound)} |`;
}
