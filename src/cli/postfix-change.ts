/** `clamgate postfix --diff`, `--apply` and `--undo`: what is in force against what is wanted. */
import { accepts } from '../accepts.ts';
import type { Config } from '../daemon/config.ts';
import { applyChanges, reloadPostfix } from '../postfix/apply.ts';
import { type Undo, undoNewest } from '../postfix/backup.ts';
import { type Postfix, readPostfix } from '../postfix/installation.ts';
import { type Change, type Plan, planChanges, type Wanted } from '../postfix/plan.ts';
import { runProgram } from '../run-program.ts';
import { parseSocketAddress } from '../socket-address.ts';
import type { CliContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { placedConfig } from './listen-places.ts';
import { postfixEntries } from './postfix-entries.ts';
import type { PostfixOptions } from './postfix.ts';

/**
 * @throws {ConfigError} naming every problem with its line.
 * @throws {OperationalError} when Postfix cannot be read, or does not want a change.
 * @throws {CliFailure} when something is in the way, or nobody listens where Postfix would connect, or
 *   nobody knows where that is.
 */
export async function changePostfix(context: CliContext, options: PostfixOptions): Promise<void> {
  const postfix = await readPostfix(runProgram, options.configDirectory);
  if (options.undo === true) {
    await undo(context, postfix, options);
    return;
  }
  const config = await placedConfig(await context.config(), runProgram);
  const queueDirectory = options.queueDirectory ?? postfix.main.get('queue_directory') ?? '';
  const wanted = postfixEntries(config, queueDirectory);
  const plan = planChanges(postfix, wanted);
  if (options.apply === true) await apply(context, { postfix, config, wanted, plan, options });
  else show(context, plan, wanted.notes);
}

function show(context: CliContext, plan: Plan, notes: readonly string[]): void {
  const { changes, conflicts } = plan;
  context.result({ changes, conflicts, notes }, () =>
    [
      ...(changes.length === 0 ? ['Nothing would change.'] : changes.map(changeText)),
      ...conflicts.map((conflict) => `In the way: ${conflict}`),
      ...notes.map((note) => `Note: ${note}`),
    ].join('\n'),
  );
  if (changes.length + conflicts.length > 0) context.exitCode = exitCodes.negative;
}

interface Applying {
  readonly postfix: Postfix;
  readonly config: Config;
  readonly wanted: Wanted & { readonly notes: readonly string[] };
  readonly plan: Plan;
  readonly options: PostfixOptions;
}

async function apply(context: CliContext, applying: Applying): Promise<void> {
  const { postfix, config, wanted, plan, options } = applying;
  const { changes, conflicts } = plan;
  if (conflicts.length > 0) {
    throw new CliFailure(exitCodes.config, `nothing was changed: ${conflicts.join('; ')}`);
  }
  const work = { changes, wanted };
  const backup =
    changes.length === 0
      ? undefined
      : await applyChanges(runProgram, postfix, work, stampOf(context.clock.now()));
  // Before it is told of a filter that is not there: one refused connection, and all mail waits.
  const absent = options.reload === true ? await whoIsAbsent(config) : [];
  const reloaded = options.reload === true && absent.length === 0;
  if (reloaded) await reloadPostfix(runProgram, postfix.directory);
  const { notes } = wanted;
  context.result({ changes, backup: backup?.folder, reloaded, absent, notes }, () =>
    [
      ...changes.map(changeText),
      backup === undefined ? 'Nothing had to change.' : `What was there is in ${backup.folder}`,
      ...notes.map((note) => `Note: ${note}`),
      nextStep(postfix, { reloaded, absent }),
    ].join('\n'),
  );
  if (absent.length > 0) context.exitCode = exitCodes.unavailable;
}

function stampOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:.]/g, '');
}

function nextStep(
  { directory }: Postfix,
  { reloaded, absent }: { readonly reloaded: boolean; readonly absent: readonly string[] },
): string {
  if (reloaded) return 'Postfix has reloaded.';
  const reload = `postfix -c ${directory} reload`;
  if (absent.length === 0) return `When clamgate runs: ${reload}`;
  return `Postfix was not reloaded: nobody listens at ${absent.join(', ')}. Start clamgate, then: ${reload}`;
}

/** Where Postfix would connect, and nobody is. */
async function whoIsAbsent({ listeners, commit }: Config): Promise<string[]> {
  const asked = listeners.map(({ address }) => address);
  if (commit.address !== undefined) asked.push(commit.address);
  const answers = await Promise.all(asked.map(isThere));
  return asked.filter((_, at) => answers[at] === false);
}

async function isThere(address: string): Promise<boolean> {
  const parsed = parseSocketAddress(address);
  return parsed.ok && (await accepts(parsed.address, connectMs));
}

const connectMs = 5000;

async function undo(
  context: CliContext,
  postfix: Postfix,
  { reload }: PostfixOptions,
): Promise<void> {
  const undone = await undoNewest(postfix.directory);
  const reloaded = reload === true && undone.kind === 'undone';
  if (reloaded) await reloadPostfix(runProgram, postfix.directory);
  context.result({ ...undone, reloaded }, () => undoText(undone, postfix, reloaded));
  if (undone.kind !== 'undone') context.exitCode = exitCodes.negative;
}

function undoText(undone: Undo, postfix: Postfix, reloaded: boolean): string {
  switch (undone.kind) {
    case 'nothing':
      return `There is nothing to undo in ${postfix.directory}.`;
    case 'changed':
      return (
        `Nothing was undone: ${undone.files.join(' and ')} changed after clamgate did. ` +
        `What was there before is in ${undone.from}`
      );
    case 'undone':
      return `Put back from ${undone.from}. ${nextStep(postfix, { reloaded, absent: [] })}`;
  }
}

function changeText({ kind, name, from, to }: Change): string {
  const file = kind === 'setting' ? 'main.cf' : 'master.cf';
  const lines = kind === 'service' ? [from, to] : [from, to].map((value) => withName(name, value));
  const [before, after] = lines;
  return [
    `${file}:`,
    ...(before === undefined ? [] : [`  - ${before}`]),
    `  + ${after ?? ''}`,
  ].join('\n');
}

function withName(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${name} = ${value}`.trimEnd();
}
