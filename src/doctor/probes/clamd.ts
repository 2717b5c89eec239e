/** Asks one clamd what it is, and gives it a canary: the EICAR test file, which it must find. */
import type { Clock } from '../../clock.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import { ask, dial } from '../../scan/clamd-socket.ts';
import { scanStream } from '../../scan/clamd-stream.ts';
import { oneBlock } from '../../scan/stream-blocks.ts';
import type { CanaryAnswer, ClamdVersion } from '../facts.ts';

const connectMs = 5000;
/** It may have a long line before it. */
const silenceMs = 20_000;
/** No virus, no archive, no mail. */
export const harmlessBytes =
  'Harmless bytes, by which clamgate doctor sees that clamd calls them so.\n';

/** @throws {OperationalError} CLAMD */
export function askClamd(
  clock: Clock,
  address: ClamdAddress,
  command: string,
  signal: AbortSignal,
): Promise<string> {
  return ask(address, command, { clock, connectMs }, signal);
}

/** @throws when it cannot be reached. */
export async function sendCanary(
  clock: Clock,
  address: ClamdAddress,
  eicar: string,
  signal: AbortSignal,
): Promise<CanaryAnswer> {
  const scan = async (text: string): Promise<string> => {
    const socket = await dial(address, { clock, connectMs }, signal);
    const blocks = { first: oneBlock([Buffer.from(text)]), rest: undefined };
    const settings = { clock, silenceMs, streamBytesMax: Infinity, released: () => undefined };
    return (await scanStream(socket, blocks, settings, signal)).words;
  };
  return { eicar: await scan(eicar), harmless: await scan(harmlessBytes) };
}

/** 'ClamAV 1.4.6/27825/Thu Nov 27 08:00:00 2026'; without signatures of ClamAV's, the first word alone. */
export function parseVersion(text: string): ClamdVersion {
  const [engine = '', number, date = ''] = text.split('/');
  const built = parseCtime(date);
  if (number === undefined || built === undefined) return { text, engine };
  return { text, engine, database: { number: Number(number), built } };
}

/** ctime(3), which is local time: 'Thu Nov 27 08:00:00 2026'. */
export function parseCtime(text: string): number | undefined {
  const match = /^\w{3} (\w{3}) +(\d+) (\d+):(\d+):(\d+) (\d{4})$/.exec(text.trim());
  if (match === null) return undefined;
  const [, month = '', ...numbers] = match;
  const [day = 1, hour = 0, minute = 0, second = 0, year = 0] = numbers.map(Number);
  const at = months.indexOf(month);
  return at < 0 ? undefined : new Date(year, at, day, hour, minute, second).getTime();
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** 'THREADS: live 1  idle 0 max 12 idle-timeout 30' of STATS. @throws when it is not there. */
export function threadsMaxOf(stats: string): number {
  const max = /THREADS:.*\bmax (\d+)/.exec(stats)?.[1];
  if (max === undefined) throw new Error('STATS does not tell of threads');
  return Number(max);
}
