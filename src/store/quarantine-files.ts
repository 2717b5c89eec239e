/**
 * Where the files of quarantined messages lie, and which of them belong together: NAME.eml and
 * NAME.json, each under a temporary name until it is whole.
 */
import { join } from 'node:path';
import type { Files } from './files.ts';
import { folderOf } from './quarantine-id.ts';

/** The files of one message; those without `.tmp` have their final names. */
const endings = ['json', 'eml', 'json.tmp', 'eml.tmp'] as const;

export type Ending = (typeof endings)[number];

/** What lies in one folder under one name. */
export interface FileGroup {
  readonly id: string;
  /** Relative to the quarantine's directory, '' for itself. */
  readonly folder: string;
  readonly endings: ReadonlySet<Ending>;
}

/** The path of a message's file, below `directory`. */
export function pathOf(directory: string, id: string, ending: Ending): string {
  return join(directory, folderOf(id), `${id}.${ending}`);
}

/** Everything in any depth of folders, in the order of the ids; other files are passed over. */
export async function findGroups(files: Files, directory: string): Promise<FileGroup[]> {
  const groups = await groupsBelow(files, directory, '');
  return groups.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function groupsBelow(files: Files, directory: string, folder: string): Promise<FileGroup[]> {
  const entries = await files.list(join(directory, folder));
  const names = entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name);
  const groups = groupsOf(folder, names);
  for (const { name, isDirectory } of entries) {
    // mkfs(8) makes it, and only root may look into it.
    if (!isDirectory || (folder === '' && name === 'lost+found')) continue;
    groups.push(...(await groupsBelow(files, directory, join(folder, name))));
  }
  return groups;
}

function groupsOf(folder: string, names: readonly string[]): FileGroup[] {
  const found = new Map<string, Set<Ending>>();
  for (const name of names) {
    const ending = endings.find((each) => name.endsWith(`.${each}`));
    if (ending === undefined) continue;
    const id = name.slice(0, -ending.length - 1);
    const group = found.get(id) ?? new Set();
    found.set(id, group.add(ending));
  }
  return [...found].map(([id, group]) => ({ id, folder, endings: group }));
}

/**
 * Removes the files of a message, the sidecar first: without it the rest is a leftover, so that a
 * crash in between leaves nothing half.
 *
 * @param unlisted called as soon as the sidecar is gone.
 * @throws {OperationalError} STORE.
 */
export async function removeFiles(
  files: Files,
  directory: string,
  id: string,
  unlisted: () => void = () => undefined,
): Promise<void> {
  const folder = join(directory, folderOf(id));
  await files.unlink(pathOf(directory, id, 'json'));
  unlisted();
  await files.syncDirectory(folder);
  for (const ending of endings) await files.unlink(pathOf(directory, id, ending));
  await files.syncDirectory(folder);
}
