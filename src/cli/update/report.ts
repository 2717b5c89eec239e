/** How an update looks to people and what it exits with. */
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { End } from './plan.ts';
import type { StepReport, UpdateReport } from './run.ts';

const ends: Readonly<Record<End, { readonly code: ExitCode; readonly text: string }>> = {
  updated: { code: exitCodes.ok, text: 'done' },
  'nothing-new': { code: exitCodes.ok, text: 'nothing to do' },
  'not-brought': { code: exitCodes.unavailable, text: 'stopped: no new signatures came' },
  'not-loadable': { code: exitCodes.negative, text: 'stopped: the new signatures cannot be used' },
  'not-checked': { code: exitCodes.temporary, text: 'stopped: the signatures were not checked' },
  'not-installed': { code: exitCodes.ioError, text: 'stopped: they could not be installed' },
  'no-memory': { code: exitCodes.temporary, text: 'stopped: there is not enough memory' },
  'not-drained': { code: exitCodes.unavailable, text: 'stopped: the daemon does not drain it' },
  'not-idle': { code: exitCodes.temporary, text: 'stopped: it is still at work' },
  'not-told': { code: exitCodes.unavailable, text: 'stopped: it could not be told to load' },
  'not-back': { code: exitCodes.unavailable, text: 'stopped: it did not come back' },
  lying: { code: exitCodes.unavailable, text: 'stopped: its answers are wrong' },
  'not-accepted': {
    code: exitCodes.unavailable,
    text: 'stopped: the daemon does not use it again',
  },
  interrupted: { code: exitCodes.temporary, text: 'called off; what was drained was given back' },
};

/** An update that passed over a clamd is not whole. */
export function exitCodeOf({ end, endpoints }: UpdateReport): ExitCode {
  const isWhole = endpoints.every(({ state }) => state !== 'passed-over');
  return end === 'updated' && !isWhole ? exitCodes.unavailable : ends[end].code;
}

/** @param now when it was over. */
export function stepText(report: StepReport, now: number): string {
  const { step, endpoint, outcome, text, tookMs, advice = [] } = report;
  const time = new Date(now).toISOString().slice(11, 19);
  const name = endpoint === undefined ? '' : `${endpoint}: `;
  const mark = outcome === 'failed' || outcome === 'refused' ? `${outcome.toUpperCase()}: ` : '';
  const line = `${time} ${step.padEnd(7)} ${name}${mark}${text} (${(tookMs / 1000).toFixed(1)} s)`;
  return [line, ...advice.map((one) => `${' '.repeat(17)}- ${one}`)].join('\n');
}

export function endText({ end, endpoints }: UpdateReport): string {
  const counts = Object.entries(Object.groupBy(endpoints, ({ state }) => state));
  const states = counts.map(([state, some]) => `${some.length} ${state}`).join(', ');
  return end === 'nothing-new' ? ends[end].text : `${ends[end].text}; clamds: ${states}`;
}
