/**
 * Loads what takes messages apart, when there is one to take apart: with all that it brings along it is
 * a quarter of a daemon's start, and 10 MB. In one go that holds the event loop for a tenth of a
 * second; so the others have a turn after each large piece of it.
 */
import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import type { LeafParser } from './leaf-parser.ts';

/** Each as what the one before it requires; what is within another comes before that one. */
const pieces: readonly (readonly string[])[] = [
  ['mailparser', 'encoding-japanese'],
  ['mailparser', 'html-to-text', 'dom-serializer'],
  ['mailparser', 'html-to-text', '@selderee/plugin-htmlparser2'],
  ['mailparser', 'html-to-text', 'htmlparser2'],
  ['mailparser', 'html-to-text'],
  ['mailparser', '@zone-eu/mailsplit'],
  ['mailparser', 'he'],
  ['mailparser'],
];

let loading: Promise<typeof LeafParser> | undefined;

/** Once in a process, however many ask for it. @throws what `import` throws; who asks then tries anew. */
export function loadLeafParser(): Promise<typeof LeafParser> {
  loading ??= loadInTurns().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function loadInTurns(): Promise<typeof LeafParser> {
  for (const piece of pieces) {
    loadPiece(piece);
    await turn();
  }
  return (await import('./leaf-parser.ts')).LeafParser;
}

function loadPiece(path: readonly string[]): void {
  let [require, place] = [createRequire(import.meta.url), ''];
  try {
    for (const name of path) {
      place = require.resolve(name);
      require = createRequire(place);
    }
    require(place);
  } catch {
    // Then another release of mailparser does without it, or importing that tells what is wrong.
  }
}
