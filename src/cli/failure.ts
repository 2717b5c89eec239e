/** What ends a verb without being a fault of clamgate: said in one line, never with a stack. */
import { ConfigError } from '../daemon/config-error.ts';
import { messageOf, OperationalError, type ErrorCode } from '../errors.ts';
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

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliFailure) return error.exitCode;
  return error instanceof OperationalError ? codes[error.code] : exitCodes.software;
}
