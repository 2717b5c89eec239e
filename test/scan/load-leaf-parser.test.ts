/** That mailparser comes in pieces, with turns of the event loop between. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadLeafParser } from '../../src/scan/load-leaf-parser.ts';

const module = join(import.meta.dirname, '../../src/scan/load-leaf-parser.ts');

/** The bytes of CommonJS that each turn of the event loop has loaded, in a process of its own. */
function bytesOfTurns(): readonly number[] {
  const said = execFileSync(process.execPath, [
    '--input-type=module',
    '--eval',
    `
    import { statSync } from 'node:fs';
    import Module from 'node:module';
    import { loadLeafParser } from ${JSON.stringify(module)};
    const turns = [];
    let known = 0;
    let done = false;
    const look = () => {
      const files = Object.keys(Module._cache).slice(known);
      known += files.length;
      turns.push(files.reduce((sum, file) => sum + statSync(file).size, 0));
      if (!done) setImmediate(look);
    };
    look();
    await loadLeafParser();
    done = true;
    look();
    console.log(JSON.stringify(turns.filter((bytes) => bytes > 0)));
    `,
  ]);
  return JSON.parse(said.toString()) as number[];
}

test('no turn loads more than the largest piece', () => {
  const turns = bytesOfTurns();
  const all = turns.reduce((sum, bytes) => sum + bytes, 0);
  // Else it is not mailparser that came.
  expect(all).toBeGreaterThan(1_000_000);
  // Those tables of encoding-japanese, which cannot be had in pieces.
  expect(Math.max(...turns)).toBeLessThan(320_000);
  expect(turns.length).toBeGreaterThanOrEqual(8);
});

test('who asks while it is loaded waits for the same', async () => {
  const first = loadLeafParser();
  expect(loadLeafParser()).toBe(first);
  expect(new (await first)(10).containers).toEqual([]);
});
