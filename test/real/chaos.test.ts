/**
 * The heart of `make chaos SHORT=1`: whatever fails, nothing is lost, and nothing comes twice. Its
 * words tell why, and the seed.
 */
import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describeNeeding } from '../support/needs.ts';

const program = join(import.meta.dirname, '../chaos/run.ts');
const minutes = 60_000;

const scenarios = [
  'clamd frozen',
  'three clamds reloaded in turn',
  'filter killed',
  'next hop killed',
  'death at every point in turn: filter',
];

describeNeeding(['root', 'postfix', 'clamd', 'mount'], 'make chaos SHORT=1', () => {
  test(
    'keeps every promise',
    async () => {
      const env = {
        ...process.env,
        SHORT: '1',
        LEDGER: 'commit',
        ONLY: `^(${scenarios.join('|')})$`,
      };
      const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'], env });
      const words: string[] = [];
      for (const output of [child.stdout, child.stderr]) {
        output.setEncoding('utf8').on('data', (text: string) => words.push(text));
      }
      const [code] = (await once(child, 'close')) as [number | null];
      const said = words.join('');
      if (code !== 0)
        throw new Error(`make chaos SHORT=1 ended with ${code ?? 'a signal'}\n${said}`);
      expect(said).toMatch(/^\| clamd frozen +\| 20 +\| 20 /m);
      for (const scenario of scenarios) expect(said).toContain(`\n| ${scenario} `);
      expect(said.match(/\| kept +\|/g)).toHaveLength(scenarios.length);
    },
    10 * minutes,
  );
});
