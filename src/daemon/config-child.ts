/** The program of config-apart.ts: reads the configuration, tells what came of it, and ends. */
import process from 'node:process';
import { assert } from '../assert.ts';
import type { ConfigReport } from './config-apart.ts';
import { ConfigError } from './config-error.ts';
import { loadConfig } from './config.ts';

function report(): ConfigReport {
  const [file] = process.argv.slice(2);
  try {
    return { config: loadConfig(file, process.env) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { file: error.file, problems: error.problems };
  }
}

assert(process.connected, 'this is the program of a child');
process.send?.(report(), () => {
  process.disconnect();
});
