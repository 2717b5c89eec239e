/**
 * Makes changes to a Postfix with its own postconf(1), after a copy of what was there; when Postfix
 * does not want the result, what was there is put back.
 */
import { OperationalError } from '../errors.ts';
import { complaint, type RunProgram } from '../run-program.ts';
import { type Backup, linksIn, putBack, relink, seal, setAside, takeBackup } from './backup.ts';
import { instance, readPostfix, type Postfix } from './installation.ts';
import { type Change, planChanges, type Wanted } from './plan.ts';

/**
 * Afterwards a plan for the same would be empty. Nothing is reloaded.
 *
 * @param stamp for the name of the copy: the time, as `takeBackup` has it.
 * @returns the copy of what was there.
 * @throws {OperationalError} CONFIG, when Postfix refuses it; then the files are as they were.
 * @throws {OperationalError} STORE, when a file cannot be copied or written.
 */
export async function applyChanges(
  run: RunProgram,
  postfix: Postfix,
  { changes, wanted }: { readonly changes: readonly Change[]; readonly wanted: Wanted },
  stamp: string,
): Promise<Backup> {
  const backup = await takeBackup(postfix.directory, stamp);
  const links = await linksIn(postfix.directory);
  try {
    for (const [option, kind] of editors) {
      const edits = changes.filter((change) => change.kind === kind).map(editOf);
      if (edits.length > 0) await tell(run, 'postconf', postfix.directory, [option, ...edits]);
    }
    await relink(postfix.directory, links);
    await tell(run, 'postfix', postfix.directory, ['check']);
    const left = planChanges(await readPostfix(run, postfix.directory), wanted);
    if (left.changes.length > 0) {
      const names = left.changes.map(({ name }) => name).join(', ');
      throw new OperationalError('CONFIG', `Postfix: not as it was to be after all: ${names}`);
    }
  } catch (error) {
    await relink(postfix.directory, links);
    await putBack(backup);
    await setAside(backup);
    throw error;
  }
  await seal(backup);
  return backup;
}

/** Entries first: options are then those of entries that are there. */
const editors = [
  ['-e', 'setting'],
  ['-M', 'service'],
  ['-P', 'option'],
] as const;

/** @throws {OperationalError} CONFIG, with Postfix's own words. */
export async function reloadPostfix(run: RunProgram, directory: string): Promise<void> {
  await tell(run, 'postfix', directory, ['reload']);
}

function editOf({ name, to }: Change): string {
  return `${name}=${to}`;
}

async function tell(
  run: RunProgram,
  program: string,
  directory: string,
  args: readonly string[],
): Promise<void> {
  const ran = await run(program, [...instance(directory), ...args], 60_000);
  if (ran.code === 0) return;
  throw new OperationalError('CONFIG', `Postfix: ${complaint(program, ran)}`);
}
