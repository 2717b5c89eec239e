/**
 * Runs a program of the system to its end, within a time limit, and keeps what it says. That it is
 * not there, or does not end, is a value like its exit code: whoever asks has to say so.
 */
import { execFile, type ExecFileException } from 'node:child_process';

export interface Ran {
  /** The exit code; undefined when it could not be started, was killed or took too long. */
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Never rejects. */
export type RunProgram = (program: string, args: readonly string[], ms?: number) => Promise<Ran>;

const usualMs = 10_000;
/** All of `postconf`, or some thousand lines of a journal. */
const outputBytesMax = 16 * 2 ** 20;

/** @param ms how long it may take, in milliseconds. */
export const runProgram: RunProgram = (program, args, ms = usualMs) =>
  new Promise((resolve) => {
    const options = { timeout: ms, maxBuffer: outputBytesMax, env: environment() };
    execFile(program, [...args], options, (error, out, err) => {
      if (error === null) resolve({ code: 0, out, err });
      else if (typeof error.code === 'number') resolve({ code: error.code, out, err });
      else resolve({ code: undefined, out, err: `${err}${whyNot(program, error, ms)}` });
    });
  });

/** What it said first about its failure, or how it ended. */
export function complaint(program: string, { code, err }: Ran): string {
  const [line] = err.trim().split('\n');
  return line === undefined || line === '' ? `${program} ended with code ${code ?? '?'}` : line;
}

function whyNot(program: string, error: ExecFileException, ms: number): string {
  if (error.killed === true) return `${program} did not end within ${ms} ms`;
  return error.code === 'ENOENT' ? `${program} is not installed` : error.message;
}

/** Daemons' programs stand in sbin, which is not on everyone's PATH; and words are to be English. */
function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
    LC_ALL: 'C',
  };
}
