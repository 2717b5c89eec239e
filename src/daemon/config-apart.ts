/**
 * Reads the configuration in a process that ends with it. What reads and checks TOML is needed once in
 * the daemon's life and at each reload, and would be a tenth of an idle daemon's memory. (A thread
 * leaves half of that behind, in V8 and malloc.)
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { messageOf, OperationalError } from '../errors.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { frozen } from './config-frozen.ts';
import type { Config } from './config.ts';

/** Where the configuration is looked for; as `loadConfig` takes it. */
export interface ConfigSource {
  /** What -c names. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the process says: the configuration, or what is wrong with it. */
export type ConfigReport =
  | { readonly config: Config }
  | { readonly file: string; readonly problems: readonly ConfigProblem[] };

/**
 * The same as `loadConfig`, to the word.
 *
 * @throws {ConfigError} naming every problem with its line.
 * @throws {OperationalError} CONFIG, when there is no process to read it.
 */
export async function loadConfigApart(source: ConfigSource): Promise<Config> {
  const report = await reported(source);
  if ('problems' in report) throw new ConfigError(report.file, report.problems);
  return frozen(report.config);
}

async function reported({ file, env }: ConfigSource): Promise<ConfigReport> {
  // The same extension as this file: .ts in the sources, .js when built.
  const program = new URL(`./config-child${extname(import.meta.url)}`, import.meta.url);
  const child = fork(fileURLToPath(program), file === undefined ? [] : [file], {
    serialization: 'advanced',
    execArgv: [],
    // What is meant for the daemon's Node.js is not meant for this one.
    env: { ...process.env, NODE_OPTIONS: '', CLAMGATE_CONFIG: env['CLAMGATE_CONFIG'] },
  });
  const ended = new AbortController();
  // Only when all it has said is read; it may be known to have ended before.
  child.once('disconnect', () => {
    ended.abort(new Error('what should read it has ended'));
  });
  try {
    const [report] = (await once(child, 'message', ended)) as [ConfigReport];
    return report;
  } catch (error) {
    const why: unknown = ended.signal.aborted ? ended.signal.reason : error;
    throw new OperationalError('CONFIG', `the configuration was not read: ${messageOf(why)}`);
  }
}
