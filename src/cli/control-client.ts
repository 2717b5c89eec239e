/** Asks the running daemon, at its control endpoint. */
import { request } from 'node:http';
import { parseLocalAddress } from '../daemon/config-address.ts';
import { actionHeader } from '../daemon/control.ts';
import { messageOf } from '../errors.ts';
import { systemCode } from '../store/files.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

const answerMs = 10_000;
/** A large ledger takes its time to be compacted. */
const doneMs = 600_000;
/** A thousand long records; more is not from us. */
const answerBytesMax = 64 * 2 ** 20;

/**
 * The JSON document at `target` (path and query).
 *
 * @param address unix:/path or a loopback port.
 * @throws {CliFailure} unavailable, when no daemon answers there, or not with what was asked for.
 */
export async function askControl(address: string, target: string): Promise<unknown> {
  try {
    return JSON.parse(await exchange(address, target, { ms: answerMs })) as unknown;
  } catch (error) {
    throw noAnswer(address, error);
  }
}

/**
 * Has the daemon do what stands at `target`.
 *
 * @param ms how long it may take.
 * @returns its answer; undefined when no daemon is there.
 * @throws {CliFailure} unavailable, when one is there and it cannot be told or does not do it.
 */
export async function tellControl(address: string, target: string, ms = doneMs): Promise<unknown> {
  try {
    const options = { method: 'POST', headers: { [actionHeader]: '1' }, ms };
    return JSON.parse(await exchange(address, target, options)) as unknown;
  } catch (error) {
    if (error instanceof Refusal) {
      throw new CliFailure(exitCodes.unavailable, error.message, { cause: error });
    }
    if (isNobodyThere(error)) return undefined;
    throw noAnswer(address, error);
  }
}

/** What the daemon said instead of 200; the cause of the failure that it becomes. */
export class Refusal extends Error {
  /** Of HTTP. */
  readonly status: number;

  constructor(status: number, words: string) {
    super(`${status} ${words}`);
    this.status = status;
  }
}

/** Whether no daemon is there. Not: no right to connect, or no answer. */
export function isNobodyThere(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED'].includes(systemCode(error) ?? '');
}

function noAnswer(address: string, cause: unknown): CliFailure {
  const isForbidden = systemCode(cause) === 'EACCES';
  const hint = isForbidden
    ? 'ask as root, or as a member of the group that the socket has'
    : 'is it running?';
  const why = `no answer from the daemon at ${address} (${messageOf(cause)}); ${hint}`;
  return new CliFailure(exitCodes.unavailable, why, { cause });
}

interface Exchange {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long all of it may take. */
  readonly ms: number;
}

function exchange(address: string, path: string, { ms, ...options }: Exchange): Promise<string> {
  const where = parseLocalAddress(address);
  const target = where && 'path' in where ? { socketPath: where.path } : { ...where };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ms);
    const asking = request({ ...target, ...options, path, signal, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('error', reject);
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > answerBytesMax) asking.destroy(new Error('too long an answer'));
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Refusal(response.statusCode ?? 0, body.trim()));
      });
    });
    asking.on('error', reject).end();
  });
}
