/** What is wrong with a configuration: every problem at once, each with its line and its cure. */
import { OperationalError } from '../errors.ts';

export interface ConfigProblem {
  /** From 1; absent where the file says nothing about it. */
  readonly line?: number;
  /** As the file writes it: '[limits] deadline_ms', '[[listener]] address'; '' for the whole. */
  readonly key: string;
  /** What is wrong, and what would be right. */
  readonly message: string;
}

export class ConfigError extends OperationalError {
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super('CONFIG', problems.map((problem) => describe(file, problem)).join('\n'));
    this.file = file;
    this.problems = problems;
  }
}

/** 'clamgate.toml:12: [limits] deadline_ms: must be ...', as compilers say it. */
function describe(file: string, { line, key, message }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return [place, key, message].filter((part) => part !== '').join(': ');
}
