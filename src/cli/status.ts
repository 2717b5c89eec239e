/** `clamgate status`: how the running daemon is. */
import type { Status } from '../daemon/control-status.ts';
import { showSize } from '../daemon/config-units.ts';
import type { CliContext } from './context.ts';
import { askControl } from './control-client.ts';
import { exitCodes } from './exit-codes.ts';
import { fileSizeText } from './ledger-text.ts';
import { clamdRows, type Row, scanningRows } from './status-clamd.ts';

/** @throws {CliFailure} unavailable, when no daemon answers. */
export async function status(context: CliContext): Promise<void> {
  const { control } = await context.config();
  const answer = (await askControl(control.address, '/status')) as Status;
  context.result(answer, () => statusText(answer));
  if (!answer.ready) context.exitCode = exitCodes.negative;
}

function statusText({ load, quarantine, ledger, ...status }: Status): string {
  const kept = quarantine && `${messages(quarantine.messages)}, ${showSize(quarantine.bytes)}`;
  const rows: Row[] = [
    ['clamgate', `${status.version}, up since ${status.started}`],
    ['ready', status.ready ? 'yes' : 'no'],
    ...status.reasons.map((reason): Row => ['', reason]),
    ...status.listening.map((address): Row => ['listening', address]),
    ['load', `${load.sessions} sessions, ${load.transactions} messages, ${load.waiting} waiting`],
    ...(load.workers === undefined ? [] : [['workers', `${load.workers} running`] as const]),
    ...status.clamd.flatMap(clamdRows),
    ...scanningRows(status.scanning),
    ['quarantine', kept ?? 'cannot be read'],
    ['ledger', ledgerText(ledger)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n');
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

function ledgerText(ledger: Status['ledger']): string {
  if (!ledger) return 'none';
  const { usable, unsettled, inDoubt, bytes } = ledger;
  if (!usable) return 'cannot be used';
  return `${fileSizeText(bytes)}, ${unsettled} unsettled, ${inDoubt} of them in doubt`;
}
