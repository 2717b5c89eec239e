/**
 * `clamgate ledger settle|compact`: what changes the ledger. While the daemon runs it is the only one
 * who writes, so it is told to; else the file is opened here, under the same lock.
 */
import { Option, type Command } from 'commander';
import type { Config, LedgerConfig } from '../daemon/config.ts';
import type { Compacted } from '../daemon/control-ledger.ts';
import type { HandSettled, HandSettlement } from '../engine/hand-settlement.ts';
import { Handovers } from '../engine/handovers.ts';
import { noEvidence } from '../relay/evidence.ts';
import { nodeFiles } from '../store/files.ts';
import type { LedgerEntry } from '../store/ledger.ts';
import { openLedgerReader } from '../store/ledger-reader.ts';
import { ledgerBytes } from '../store/ledger-size.ts';
import { SqliteLedger } from '../store/sqlite-ledger.ts';
import type { CliContext } from './context.ts';
import { tellControl } from './control-client.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { entryValue, fileSizeText, type Meaning, meaningsOf, settledText } from './ledger-text.ts';

/** Nobody waits for mail meanwhile. */
const commitMsMax = 60_000;

interface SettleOptions {
  readonly delivered?: true;
  readonly aborted?: true;
  readonly recipient?: readonly string[];
}

export function addLedgerChanges(ledger: Command, context: CliContext): void {
  ledger
    .command('settle')
    .description('say what became of an attempt of which nobody can tell')
    .argument('<attempt>', 'as `list` shows it')
    .addOption(
      new Option('--delivered', 'the next hop has it: a retry is answered 250, and nothing sent')
        // A wrong word here loses the message.
        .conflicts('aborted'),
    )
    .option('--aborted', 'the next hop does not have it: a retry is sent')
    .option('--recipient <address>', 'only for this one; repeatable', oneMore)
    .addHelpText(
      'after',
      `
For entries that are sending, prepared or in-doubt, and not at work. Look into the next hop's log for
its queue id, or for the message-id, first: --delivered of what was not delivered loses it, and
--aborted of what was delivers it twice.`,
    )
    .action((attempt: string, options: SettleOptions) => settle(context, attempt, options));
  ledger
    .command('compact')
    .description('give what is empty in the file back to the file system')
    .action(() => compact(context));
}

/** @throws {CliFailure} where there is no ledger. */
export async function configWithLedger(context: CliContext): Promise<Config> {
  const config = await context.config();
  if (config.ledger.enabled) return config;
  throw new CliFailure(exitCodes.config, 'there is no ledger: [ledger] enabled is false');
}

async function settle(
  context: CliContext,
  attempt: string,
  { delivered, aborted, recipient: recipients }: SettleOptions,
): Promise<void> {
  if (!delivered && !aborted) {
    throw new CliFailure(exitCodes.usage, 'say --delivered or --aborted');
  }
  const config = await configWithLedger(context);
  const state = delivered ? 'delivered' : 'aborted';
  const answer = await settleIt(context, config, {
    ...{ attempt, state },
    ...(recipients && { recipients }),
  });
  const entries = answer.kind === 'settled' ? answer.entries : [];
  const missing = recipients?.filter((one) => entries.every((entry) => entry.recipient !== one));
  const meanings = retriesOf(entries, config.ledger);
  context.result(
    { outcome: answer.kind, entries: entries.map(entryValue), missing: missing ?? [], meanings },
    () => settledText(entries, meanings),
  );
  if (answer.kind === 'at-work') {
    context.note(`clamgate: ${attempt} is being handed over right now, or a retry of it is`);
    context.exitCode = exitCodes.temporary;
  } else if (answer.kind === 'nothing-open' || (missing ?? []).length > 0) {
    const whom = missing === undefined ? '' : ` for ${missing.join(', ')}`;
    context.note(`clamgate: nothing of ${attempt} is sending, prepared or in doubt${whom}`);
    context.exitCode = exitCodes.negative;
  }
}

/** By all attempts: another one may have been accepted. */
function retriesOf(
  entries: readonly LedgerEntry[],
  { file, inDoubt }: LedgerConfig,
): readonly Meaning[] {
  const [first] = entries;
  if (!first) return [];
  const reader = openLedgerReader(file);
  try {
    return meaningsOf(entries, reader.find(first.queueId), inDoubt);
  } finally {
    reader.close();
  }
}

function oneMore(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

async function settleIt(
  context: CliContext,
  config: Config,
  order: HandSettlement,
): Promise<HandSettled> {
  const { attempt, state, recipients = [] } = order;
  const query = new URLSearchParams({ attempt, state });
  for (const one of recipients) query.append('recipient', one);
  const answer = await tellControl(config.control.address, `/ledger/settle?${query.toString()}`);
  if (answer !== undefined) return answer as HandSettled;
  return opened(context, config.ledger, (ledger) => {
    const handovers = new Handovers({
      ledger,
      evidence: noEvidence,
      clock: context.clock,
      inDoubt: config.ledger.inDoubt,
      suffix: undefined,
      newAttempt: () => '',
      tell: () => undefined,
    });
    return handovers.settle(order);
  });
}

async function compact(context: CliContext): Promise<void> {
  const { control, ledger } = await configWithLedger(context);
  const answer = await tellControl(control.address, '/ledger/compact');
  const done = (answer ?? (await compactHere(context, ledger))) as Compacted;
  context.result(
    done,
    () => `${fileSizeText(done.before)} before, ${fileSizeText(done.after)} after`,
  );
}

function compactHere(context: CliContext, config: LedgerConfig): Promise<Compacted> {
  return opened(context, config, async (ledger) => {
    const before = await ledgerBytes(nodeFiles, config.file);
    await ledger.compact();
    return { before, after: await ledgerBytes(nodeFiles, config.file) };
  });
}

/** @throws {OperationalError} STORE, also where there is no ledger yet: none is created here. */
async function opened<T>(
  context: CliContext,
  { file, bytesMax, retentionMs }: LedgerConfig,
  use: (ledger: SqliteLedger) => Promise<T>,
): Promise<T> {
  openLedgerReader(file).close();
  const { clock } = context;
  const warn = (what: string): void => {
    context.note(`clamgate: ${what}`);
  };
  const ledger = await SqliteLedger.open({ file, clock, bytesMax, retentionMs, commitMsMax, warn });
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
}
