/** `clamgate status`: how the running daemon is. */
import type { Status } from '../daemon/control-status.ts';
import { showSize } from '../daemon/config-units.ts';
import type { EndpointStatus } from '../scan/clamd-pool.ts';
import type { LimitAlerts } from '../scan/limits-canary.ts';
import type { CliContext } from './context.ts';
import { askControl } from './control-client.ts';
import { exitCodes } from './exit-codes.ts';
import { fileSizeText } from './ledger-text.ts';

/** @throws {CliFailure} unavailable, when no daemon answers. */
export async function status(context: CliContext): Promise<void> {
  const { control } = await context.config();
  const answer = (await askControl(control.address, '/status')) as Status;
  context.result(answer, () => statusText(answer));
  if (!answer.ready) context.exitCode = exitCodes.negative;
}

function statusText({ load, quarantine, ledger, ...status }: Status): string {
  const kept = quarantine && `${quarantine.messages} messages, ${showSize(quarantine.bytes)}`;
  const rows: [string, string][] = [
    ['clamgate', `${status.version}, up since ${status.started}`],
    ['ready', status.ready ? 'yes' : 'no'],
    ...status.reasons.map((reason): [string, string] => ['', reason]),
    ...status.listening.map((address): [string, string] => ['listening', address]),
    ['load', `${load.sessions} sessions, ${load.transactions} messages, ${load.waiting} waiting`],
    ...status.clamd.flatMap(clamdRows),
    ['quarantine', kept ?? 'cannot be read'],
    ['ledger', ledgerText(ledger)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)}${value}`).join('\n');
}

function clamdRows({ endpoint, ok, detail, limitAlerts }: EndpointStatus): [string, string][] {
  const answers = `${endpoint} ${ok ? 'answers' : 'does not answer'}: ${detail}`;
  const alerts = ok && limitAlerts ? limitTexts[limitAlerts] : undefined;
  return [['clamd', answers], ...(alerts === undefined ? [] : [['', alerts] as [string, string]])];
}

const limitTexts: Readonly<Record<LimitAlerts, string>> = {
  on: 'limits: it says when it reaches one',
  silent: 'limits: SILENT about what it skips in archives; set AlertExceedsMax yes in clamd.conf',
  unknown: 'limits: not known whether it says when it reaches one; taken for silent',
};

function ledgerText(ledger: Status['ledger']): string {
  if (!ledger) return 'none';
  const { usable, unsettled, inDoubt, bytes } = ledger;
  if (!usable) return 'cannot be used';
  return `${fileSizeText(bytes)}, ${unsettled} unsettled, ${inDoubt} of them in doubt`;
}
