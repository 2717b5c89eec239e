/** Asks one clamd what it is, and gives it a canary: the EICAR test file, which it must find. */
import type { Clock } from '../../clock.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import { parseStats } from '../../protocol/clamd/stats.ts';
import { parseVersion } from '../../protocol/clamd/version.ts';
import { askCanary, cleanCanary, foundCanary } from '../../scan/canary.ts';
import { ask } from '../../scan/clamd-socket.ts';
import type { CanaryAnswer, ClamdVersion } from '../facts.ts';

const connectMs = 5000;
/** It may have a long line before it. */
const silenceMs = 20_000;
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
  signal: AbortSignal,
): Promise<CanaryAnswer> {
  const settings = { clock, connectMs, silenceMs, streamBytesMax: Infinity };
  const eicar = await askCanary(address, { bytes: foundCanary }, settings, signal);
  const harmless = await askCanary(address, { bytes: cleanCanary }, settings, signal);
  return { eicar: eicar.words, harmless: harmless.words };
}

/** What clamd says of itself; its time is this machine's, as far as can be known. */
export function versionFacts(text: string): ClamdVersion {
  const [engine = '', , date = ''] = text.split('/');
  const number = parseVersion(text)?.database;
  const built = parseCtime(date);
  if (number === undefined || built === undefined) return { text, engine };
  return { text, engine, database: { number, built } };
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

/** MaxThreads, as STATS tells it. @throws when it does not. */
export function threadsMaxOf(stats: string): number {
  const max = parseStats(stats)?.threadsMax;
  if (max === undefined) throw new Error('STATS does not tell of threads');
  return max;
}
