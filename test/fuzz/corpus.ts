/** The kept inputs of each target, a file each, named by their digest. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const corpusDirectory = join(import.meta.dirname, 'corpus');
export const crashDirectory = join(import.meta.dirname, 'crashes');

export interface Kept {
  readonly name: string;
  readonly bytes: Buffer;
}

/** In the order of their names; none where there is no such directory. */
export function corpusOf(target: string): readonly Kept[] {
  const directory = join(corpusDirectory, target);
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch {
    return [];
  }
  return names.map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));
}

/** @returns the path of the file. */
export function keep(target: string, bytes: Buffer, directory = corpusDirectory): string {
  const path = join(directory, target, nameOf(bytes));
  mkdirSync(join(directory, target), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

export function forget(target: string, { name }: Kept): void {
  rmSync(join(corpusDirectory, target, name));
}

export function nameOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
