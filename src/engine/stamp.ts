import type { Verdict } from '../verdict/verdict.ts';

/** The header field that says a message went through here; a forged one that arrives is removed. */
export const stampName = 'X-Virus-Scanned';

export interface StampSettings {
  /** Off: no field of ours; a forged one is removed all the same. */
  readonly enabled: boolean;
  /** What the field says, ASCII without line breaks. */
  readonly text: string;
}

/** The field with its CRLF. */
export function stampLine(settings: StampSettings, verdict: Verdict): string {
  return `${stampName}: ${stampValue(settings, verdict)}\r\n`;
}

/** What the field says. What was not looked at is said in it, so that "scanned" is no lie. */
export function stampValue(settings: StampSettings, verdict: Verdict): string {
  const isTold = verdict.action === 'tag' || verdict.kind === 'ambiguous';
  const told = isTold ? verdict.kind : '';
  const reservation = isTold ? ` (${told})` : '';
  return `${settings.text}${reservation}${coverageText(verdict, told)}`;
}

/** With the reasons that were not told already. Bounded: a few words of ours, each there once. */
function coverageText({ coverage, unscanned }: Verdict, told: string): string {
  if (coverage === 'full') return '';
  const reasons = unscanned.filter((reason) => reason !== told).join(', ');
  return `; coverage=${coverage}${reasons === '' ? '' : ` (${reasons})`}`;
}
