/** `clamgate ledger`: what was handed over to whom, and what an operator can do about the rest. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDuration } from '../daemon/config-units.ts';
import { attemptStates, type AttemptState, type LedgerEntry } from '../store/ledger.ts';
import { openLedgerReader, type EntryFilter, type LedgerReader } from '../store/ledger-reader.ts';
import type { CliContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { addLedgerChanges, configWithLedger } from './ledger-change.ts';
import { entryValue, listText, meaningsOf, showText } from './ledger-text.ts';

interface ListOptions {
  readonly state?: readonly AttemptState[];
  readonly queueId?: string;
  readonly recipient?: string;
  readonly older?: number;
  readonly newer?: number;
  readonly limit: number;
}

/** Adds the verb with its own verbs to `program`. */
export function ledgerCommand(program: Command, context: CliContext): void {
  const ledger = program
    .command('ledger')
    .description('list, show, settle and compact what was handed over');
  ledger
    .command('list')
    .description('the newest entries, oldest first: a line for each attempt and recipient')
    .addOption(
      new Option('--state <state>', `only such; repeatable: ${attemptStates.join(', ')}`)
        .choices(attemptStates)
        .argParser(oneState),
    )
    .option('--queue-id <id>', 'only of this message, as Postfix calls it before the filter')
    .option('--recipient <address>', 'only for this recipient')
    .option('--older <duration>', 'only what changed last so long ago: 90s, 15m, 12h, 3d', duration)
    .option('--newer <duration>', 'only what has changed since', duration)
    .option('--limit <count>', 'at most so many, the newest', count, 100)
    .action((options: ListOptions) => list(context, options));
  ledger
    .command('show')
    .description('all that is known of a message or an attempt, and what a retry would be told')
    .argument('<id>', "a message's queue id, or an attempt")
    .action((id: string) => show(context, id));
  addLedgerChanges(ledger, context);
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const filter = filterOf(options, context.clock.now());
  const { file } = (await configWithLedger(context)).ledger;
  const { entries, more } = reading(file, (reader) =>
    newest(reader.entries(filter), options.limit),
  );
  context.result({ entries: entries.map(entryValue), more }, () => listText(entries, more));
}

async function show(context: CliContext, id: string): Promise<void> {
  const { file, inDoubt } = (await configWithLedger(context)).ledger;
  const [shown, all] = reading(file, (reader) => {
    const found = [...reader.find(id), ...reader.ofAttempt(id)];
    const [first] = found;
    return [found, first ? reader.find(first.queueId) : []];
  });
  if (shown.length === 0) {
    throw new CliFailure(exitCodes.negative, `the ledger has no message and no attempt ${id}`);
  }
  const meanings = meaningsOf(shown, all, inDoubt);
  context.result({ entries: shown.map(entryValue), meanings }, () => showText(shown, meanings));
}

/** Without a lock, beside the daemon or without it. @throws {OperationalError} STORE. */
function reading<T>(file: string, read: (reader: LedgerReader) => T): T {
  const reader = openLedgerReader(file);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

function filterOf(options: ListOptions, now: number): EntryFilter {
  const { state, queueId, recipient, older, newer } = options;
  return {
    ...(state && { states: state }),
    ...(queueId !== undefined && { queueId }),
    ...(recipient !== undefined && { recipient }),
    ...(older !== undefined && { changedBefore: now - older }),
    ...(newer !== undefined && { changedSince: now - newer }),
  };
}

/** The last `limit`, whose memory is all that is needed, and how many came before them. */
function newest(
  entries: Iterable<LedgerEntry>,
  limit: number,
): { readonly entries: readonly LedgerEntry[]; readonly more: number } {
  const ring: LedgerEntry[] = [];
  let seen = 0;
  for (const entry of entries) ring[seen++ % limit] = entry;
  if (seen <= limit) return { entries: ring, more: 0 };
  const oldest = seen % limit;
  return { entries: [...ring.slice(oldest), ...ring.slice(0, oldest)], more: seen - limit };
}

function oneState(value: string, previous: readonly AttemptState[] = []): readonly AttemptState[] {
  const state = attemptStates.find((one) => one === value);
  if (state) return [...previous, state];
  throw new InvalidArgumentError(`There is ${attemptStates.join(', ')}.`);
}

function duration(value: string): number {
  const ms = parseDuration(value);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It is no duration such as 15m, 12h or 3d.');
}

function count(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It is no number from 1 on.');
}
