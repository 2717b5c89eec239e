/** Asks the running daemon, at its control endpoint. */
import { request } from 'node:http';
import { parseLocalAddress } from '../daemon/config-address.ts';
import { messageOf } from '../errors.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

const answerMs = 10_000;
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
    return JSON.parse(await get(address, target)) as unknown;
  } catch (error) {
    const why = `no answer from the daemon at ${address} (${messageOf(error)}); is it running?`;
    throw new CliFailure(exitCodes.unavailable, why, { cause: error });
  }
}

function get(address: string, path: string): Promise<string> {
  const where = parseLocalAddress(address);
  const target = where && 'path' in where ? { socketPath: where.path } : { ...where };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(answerMs);
    const asking = request({ ...target, path, signal, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('error', reject);
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > answerBytesMax) asking.destroy(new Error('too long an answer'));
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${response.statusCode ?? 0} ${body.trim()}`));
      });
    });
    asking.on('error', reject).end();
  });
}
