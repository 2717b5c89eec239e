import type { Verdict } from '../verdict/verdict.ts';

/** The header field that says a message went through here; a forged one that arrives is removed. */
export const stampName = 'X-Virus-Scanned';

export interface StampSettings {
  /** Off: no field of ours; a forged one is removed all the same. */
  readonly enabled: boolean;
  /** What the field says, ASCII without line breaks. */
  readonly text: string;
}

/** The field with its CRLF. What was not looked at is said in it, so that "scanned" is no lie. */
export function stampLine(settings: StampSettings, verdict: Verdict): string {
  const isTold = verdict.action === 'tag' || verdict.kind === 'ambiguous';
  const reservation = isTold ? ` (${verdict.kind})` : '';
  const coverage = verdict.coverage === 'full' ? '' : `; coverage=${verdict.coverage}`;
  return `${stampName}: ${settings.text}${reservation}${coverage}\r\n`;
}
