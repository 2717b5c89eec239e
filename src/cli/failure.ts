/** What ends a verb without being a fault of clamgate: said in one line, never with a stack. */
import type { CommanderError } from 'commander';
import { ConfigError } from '../daemon/config-error.ts';
import { messageOf, OperationalError, type ErrorCode } from '../errors.ts';
import { systemCode } from '../store/files.ts';
import type { CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

const codes: Readonly<Record<ErrorCode, ExitCode>> = {
  CONFIG: exitCodes.config,
  STORE: exitCodes.ioError,
  NEXT_HOP: exitCodes.unavailable,
  CLAMD: exitCodes.unavailable,
};

/** Says what went wrong, to people on stderr and with --json to programs on stdout. */
export function report(error: unknown, context: CliContext): ExitCode {
  const exitCode = exitCodeOf(error);
  const unexpected = exitCode === exitCodes.software && error instanceof Error;
  context.note(unexpected ? (error.stack ?? error.message) : `clamgate: ${messageOf(error)}`);
  if (context.json) {
    const problems = error instanceof ConfigError ? { problems: error.problems } : {};
    context.result({ error: messageOf(error), ...problems }, () => '');
  }
  return exitCode;
}

/** For a command line that commander could not read, or that asked for help or the version. */
export function reportUsage(error: CommanderError, context: CliContext): ExitCode {
  // commander has said what was wrong, or shown what was asked for.
  if (error.exitCode === 0) return exitCodes.ok;
  const bare = error.code === 'commander.help';
  const message = bare ? 'a command is missing' : error.message.replace(/^error: /, '');
  if (context.json) context.result({ error: message }, () => '');
  return exitCodes.usage;
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliFailure) return error.exitCode;
  // Whoever has the address may let go of it: the unit tries again, as it does not after `config`.
  if (systemCode(error) === 'EADDRINUSE') return exitCodes.temporary;
  return error instanceof OperationalError ? codes[error.code] : exitCodes.software;
}
