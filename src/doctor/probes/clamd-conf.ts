/** The configuration of a clamd on this machine, found by its process or by the socket that it names. */
import { parseClamdConf, realPath } from '../../daemon/config-clamd-conf.ts';
import type { ClamdConf, ProcessFacts } from '../facts.ts';
import type { Host } from '../host.ts';

/** clamd.conf(5), where it is not set. */
export const clamdDefaults: ReadonlyMap<string, string> = new Map([
  ['MaxThreads', '10'],
  ['MaxQueue', '100'],
  ['MaxConnectionQueueLength', '200'],
  ['StreamMaxLength', '100M'],
  ['MaxFileSize', '100M'],
  ['MaxScanSize', '400M'],
  ['MaxScanTime', '120000'],
  ['ConcurrentDatabaseReload', 'yes'],
  ['Foreground', 'no'],
]);

/**
 * @param path of the Unix socket, where it has one.
 * @param files where the configuration may be, when the process does not tell.
 * @throws when none is its.
 */
export async function findClamdConf(
  host: Host,
  running: ProcessFacts | undefined,
  path: string | undefined,
  files: readonly string[],
): Promise<ClamdConf> {
  const named = running && fileNamed(running.commandLine);
  for (const file of named === undefined ? files : [named]) {
    const text = await host.readText(file).catch(() => undefined);
    if (text === undefined) continue;
    const values = parseClamdConf(text);
    if (named !== undefined || isOf(values, path)) return { file, values };
  }
  const where = named ?? files.join(', ');
  throw new Error(`its clamd.conf is not known (${where} cannot be read, or is another's)`);
}

/** That of a process which names none is the first of `files` that is there, as the packages build it. */
export async function confOfProcess(
  host: Host,
  commandLine: readonly string[],
  files: readonly string[],
): Promise<ClamdConf | undefined> {
  const named = fileNamed(commandLine);
  for (const file of named === undefined ? files : [named]) {
    const text = await host.readText(file).catch(() => undefined);
    if (text !== undefined) return { file, values: parseClamdConf(text) };
  }
  return undefined;
}

/** `-c FILE`, `--config-file FILE` or `--config-file=FILE` (clamd(8)). */
function fileNamed(commandLine: readonly string[]): string | undefined {
  const at = commandLine.findIndex((word) => word === '-c' || word === '--config-file');
  if (at >= 0) return commandLine[at + 1];
  const joined = commandLine.find((word) => word.startsWith('--config-file='));
  return joined?.slice('--config-file='.length);
}

function isOf(values: ReadonlyMap<string, string>, path: string | undefined): boolean {
  const socket = values.get('LocalSocket');
  return socket !== undefined && path !== undefined && realPath(socket) === realPath(path);
}
