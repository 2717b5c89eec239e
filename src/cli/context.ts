/**
 * What every verb is given: where to write, the global options, and the configuration when it is
 * asked for. A verb leaves its exit code here; it never ends the process.
 */
import type { Clock } from '../clock.ts';
import type { Config } from '../daemon/config.ts';
import type { Advice } from '../daemon/config-warnings.ts';
import { escapeControls } from '../daemon/log-text.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

/** The part of a stream that a verb needs. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Where clamd's own configuration may be; else the usual places. */
  readonly clamdConfFiles?: readonly string[];
}

export class CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Surroundings['env'];
  readonly clock: Clock;
  /** --json: the result is one JSON document on stdout, and nothing else is. */
  json = false;
  /** -c FILE, if it was given. */
  configFile: string | undefined;
  exitCode: ExitCode = exitCodes.ok;
  readonly #clamdConfFiles: readonly string[] | undefined;

  constructor(surroundings: Surroundings) {
    this.stdout = surroundings.stdout;
    this.stderr = surroundings.stderr;
    this.env = surroundings.env;
    this.clock = surroundings.clock;
    this.#clamdConfFiles = surroundings.clamdConfFiles;
  }

  /**
   * Reads the configuration: -c FILE, else $CLAMGATE_CONFIG, else the default place.
   *
   * @throws {ConfigError} naming every problem with its line.
   */
  async config(): Promise<Config> {
    const { loadConfig } = await import('../daemon/config.ts');
    return loadConfig(this.configFile, this.env);
  }

  /** The same for the daemon: nothing that reads it stays in memory. @throws as `config`. */
  async configApart(): Promise<Config> {
    const { loadConfigApart } = await import('../daemon/config-apart.ts');
    return loadConfigApart({ file: this.configFile, env: this.env });
  }

  /** Where clamd's own configuration may be, where that is not the usual places. */
  get clamdConfFiles(): readonly string[] | undefined {
    return this.#clamdConfFiles;
  }

  /** What in it is unwise, what contradicts the clamd of this machine, and what of it is known. */
  async advice(config: Config): Promise<readonly Advice[]> {
    const { warnings } = await import('../daemon/config-warnings.ts');
    const { ceilingNotes, clamdConfAdvice } = await import('../daemon/config-clamd-conf.ts');
    const files = this.#clamdConfFiles;
    return [...warnings(config), ...clamdConfAdvice(config, files), ...ceilingNotes(config, files)];
  }

  /** The result of a verb: `value` with --json, else the text for people. */
  result(value: unknown, text: () => string): void {
    if (this.json) this.stdout.write(`${escapeControls(JSON.stringify(value, null, 2))}\n`);
    else this.print(text());
  }

  /** Text for people on stdout, a newline added; what a message smuggled in cannot move the cursor. */
  print(text: string): void {
    this.stdout.write(`${escapeControls(text)}\n`);
  }

  /** A remark or an error on stderr, a newline added. */
  note(text: string): void {
    this.stderr.write(`${escapeControls(text)}\n`);
  }
}
