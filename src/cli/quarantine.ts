/** `clamgate quarantine`: what is in our custody, and the only ways out of it. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../daemon/config.ts';
import { smtpListeners } from '../daemon/config-listener.ts';
import { SmtpNextHop } from '../relay/smtp-next-hop.ts';
import { nodeFiles } from '../store/files.ts';
import { Quarantine, type QuarantineItem } from '../store/quarantine.ts';
import { recipient, server } from './arguments.ts';
import type { CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { releaseMessage, type ReleaseOptions, type ReleaseReport } from './quarantine-release.ts';
import { listText, releaseText, removalText, showText } from './quarantine-text.ts';

/** Adds the verb with its own verbs to `program`. */
export function quarantineCommand(program: Command, context: CliContext): void {
  const quarantine = program
    .command('quarantine')
    .description('list, show, release, delete and expire quarantined messages');
  quarantine
    .command('list')
    .description('all messages, oldest first; exit code 1 when one is damaged')
    .action(() => list(context));
  quarantine
    .command('show')
    .description('all that is known of a message, but for its content')
    .argument('<id>', 'as `list` shows it')
    .action((id: string) => show(context, id));
  addRelease(quarantine, context);
  quarantine
    .command('delete')
    .description('remove messages for good, damaged ones too')
    .argument('<id...>', 'as `list` shows them')
    .action((ids: string[]) => remove(context, ids));
  quarantine
    .command('expire')
    .description('remove what is older or more than [quarantine] max_age and max_size allow')
    .action(() => expire(context));
}

function addRelease(quarantine: Command, context: CliContext): void {
  quarantine
    .command('release')
    .description('send messages on to their recipients, past the filter')
    .argument('<id...>', 'as `list` shows them')
    .option('--to <address>', 'to this one instead of the original ones; repeatable', recipient)
    .option('--next-hop <address>', 'instead of the next hop of the listener it came by', server)
    .option('--again', 'also to recipients who have it already, or may have it')
    .option('--delete', 'remove a message once all it was sent to have accepted it')
    .addHelpText(
      'after',
      `
The message leaves as it came, byte for byte, with its original envelope. (One that was held for a
bare CR before a lone dot has its bare CRs made CRLF: unchanged it is not safe to send.)
It stays in quarantine, marked as released, until it is deleted or expires.`,
    )
    .action((ids: string[], options: ReleaseVerbOptions) => release(context, ids, options));
}

interface ReleaseVerbOptions extends ReleaseOptions {
  readonly nextHop?: string;
}

async function list(context: CliContext): Promise<void> {
  const config = await context.config();
  const items = await quarantineOf(context, config).list();
  context.result(items, () => listText(items));
  const { directory } = config.quarantine;
  if (!existsSync(directory)) {
    context.note(`clamgate: there is no ${directory}; the daemon makes it when it starts`);
  }
  for (const item of items) noteDamage(context, item);
}

async function show(context: CliContext, id: string): Promise<void> {
  const item = await (await open(context)).show(id);
  if (!item) throw new CliFailure(exitCodes.negative, `there is no message ${id} in quarantine`);
  context.result(item, () => showText(item));
  if (item.kind === 'damaged') context.exitCode = exitCodes.negative;
}

async function release(
  context: CliContext,
  ids: readonly string[],
  options: ReleaseVerbOptions,
): Promise<void> {
  const config = await context.config();
  const quarantine = quarantineOf(context, config);
  const reports: ReleaseReport[] = [];
  for (const id of ids)
    reports.push(await releaseOne(context, config, quarantine, { id, options }));
  context.result(reports, () => reports.map(releaseText).join('\n'));
  context.exitCode = releaseCode(reports);
}

async function releaseOne(
  context: CliContext,
  config: Config,
  quarantine: Quarantine,
  { id, options }: { readonly id: string; readonly options: ReleaseVerbOptions },
): Promise<ReleaseReport> {
  const item = await quarantine.show(id);
  const listener = item?.kind === 'whole' ? item.record.listener : undefined;
  const address = options.nextHop ?? nextHopOf(config, listener);
  if (address === undefined) {
    const refused = `no listener ${listener ?? ''} is configured any more; say --next-hop`;
    return { id, results: [], skipped: [], deleted: false, refused };
  }
  const { clock } = context;
  const { nextHopReplyMs, nextHopDotMs } = config.limits;
  const limits = { nextHopReplyMs, nextHopDotMs, idleConnectionsMax: 0, idleMs: 0 };
  const nextHop = new SmtpNextHop({ address, clock, limits });
  const { signal } = new AbortController();
  try {
    const parts = { quarantine, clock, hostname: config.hostname, nextHop, signal };
    return await releaseMessage(id, options, parts);
  } finally {
    nextHop.close();
  }
}

async function remove(context: CliContext, ids: readonly string[]): Promise<void> {
  const quarantine = await open(context);
  const removed: string[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const isRemoved = await quarantine.remove(id, 'deleted');
    (isRemoved ? removed : missing).push(id);
    if (!isRemoved) context.note(`there is no message ${id} in quarantine`);
  }
  context.result({ removed, missing }, () => `${removed.length} removed`);
  if (missing.length > 0) context.exitCode = exitCodes.negative;
}

async function expire(context: CliContext): Promise<void> {
  const config = await context.config();
  const { maxAgeMs, maxBytes } = config.quarantine;
  const limits = { ageMsMax: maxAgeMs, bytesMax: maxBytes };
  const removals = await quarantineOf(context, config).expire(limits, context.clock.now());
  const removed = removals.map(({ id, why }) => ({ id, why }));
  context.result({ removed }, () => `${removed.length} removed`);
}

async function open(context: CliContext): Promise<Quarantine> {
  return quarantineOf(context, await context.config());
}

/** Each removal leaves a line on stderr, as it happens. */
function quarantineOf(context: CliContext, config: Config): Quarantine {
  return new Quarantine({
    files: nodeFiles,
    directory: config.quarantine.directory,
    clock: context.clock,
    removed: (removal) => {
      context.note(removalText(removal));
    },
  });
}

/** Of the listener that the message came by, or the only one there is. */
function nextHopOf(config: Config, address: string | undefined): string | undefined {
  const listeners = smtpListeners(config);
  const own = listeners.find((listener) => listener.address === address);
  const all = new Set(listeners.map(({ nextHop }) => nextHop));
  return own?.nextHop ?? (all.size === 1 ? [...all][0] : undefined);
}

function releaseCode(reports: readonly ReleaseReport[]): ExitCode {
  const outcomes = reports.flatMap(({ results }) => results.map(({ outcome }) => outcome));
  const isRefused = reports.some(({ refused }) => refused !== undefined);
  if (isRefused || outcomes.includes('refused')) return exitCodes.negative;
  if (outcomes.includes('unknown')) return exitCodes.temporary;
  return outcomes.includes('unreachable') ? exitCodes.unavailable : exitCodes.ok;
}

function noteDamage(context: CliContext, item: QuarantineItem): void {
  if (item.kind !== 'damaged') return;
  context.note(`${item.id} is damaged: ${item.problem}`);
  context.exitCode = exitCodes.negative;
}
