/** The one line that `systemctl status` shows of us: what an operator asks first. */
import { escapeControls } from './log-text.ts';
import { noClamdReady, type Status } from './control-status.ts';

/** Longer ones are cut off: it is one line of a terminal, not a report. */
const statusCharsMax = 400;

/** What may be wrong beside what the daemon's own status tells. */
export interface Trouble {
  /** Why the last reload was refused. */
  readonly reload?: string | undefined;
  /** Listeners that do not answer ourselves. */
  readonly silent: readonly string[];
}

/** What of the daemon's status the line tells. */
export interface ToldStatus extends Pick<Status, 'ready' | 'load' | 'reasons'> {
  readonly clamd: readonly Pick<Status['clamd'][number], 'endpoint' | 'ok' | 'detail'>[];
  readonly scanning: {
    readonly storm: Pick<Status['scanning']['storm'], 'on' | 'detail' | 'since'>;
  };
}

/** Worst first, so that what is cut off is what matters least. */
export function statusLine(
  { ready, load, clamd, reasons, scanning: { storm } }: ToldStatus,
  { reload, silent }: Trouble,
): string {
  const answering = clamd.filter(({ ok }) => ok).length;
  const away = clamd.filter(({ ok }) => !ok);
  const { sessions, transactions, waiting } = load;
  const parts = [
    ready ? 'Ready' : 'Not ready',
    `clamd ${answering} of ${clamd.length}`,
    `sessions ${sessions}, at work ${transactions}, waiting ${waiting}`,
    ...(storm.on ? [`storm since ${storm.since ?? '?'} (${storm.detail})`] : []),
    ...silent.map((address) => `${address} does not answer`),
    ...(reload === undefined ? [] : [`reload refused: ${reload}`]),
    // Each of them tells it below.
    ...reasons.filter((reason) => !reason.startsWith(noClamdReady)),
    ...away.map(({ endpoint, detail }) => `${endpoint}: ${detail}`),
  ];
  return oneLine(parts.join('; '));
}

/** A newline would begin another assignment of the message (sd_notify(3)). */
export function oneLine(text: string): string {
  const line = escapeControls(text.replace(/\s+/g, ' ')).trim();
  return line.length <= statusCharsMax ? line : `${line.slice(0, statusCharsMax - 1)}…`;
}
