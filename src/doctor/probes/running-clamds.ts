/** The clamds of this machine by their processes: one that still loads has no socket to be found by. */
import { basename } from 'node:path';
import { isWildcard } from '../../daemon/config-address.ts';
import { type ClamdConf, realPath } from '../../daemon/config-clamd-conf.ts';
import type { SocketAddress } from '../../socket-address.ts';
import type { RunningClamd } from '../facts.ts';
import type { Host } from '../host.ts';
import { confOfProcess } from './clamd-conf.ts';

/**
 * @param asked the endpoint that does not answer.
 * @param files where a clamd.conf may be, for those whose command line names none.
 * @throws without /proc.
 */
export async function runningClamds(
  host: Host,
  asked: SocketAddress,
  files: readonly string[],
): Promise<readonly RunningClamd[]> {
  const pids = (await host.list('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => {
      const line = await host.readText(`/proc/${pid}/cmdline`).catch(() => '');
      const commandLine = line.split('\0').filter(Boolean);
      if (basename(commandLine[0] ?? '') !== 'clamd') return undefined;
      const conf = await confOfProcess(host, commandLine, files);
      return conf && { pid: Number(pid), file: conf.file, ...listening(conf.values, asked) };
    }),
  );
  return all.filter((one) => one !== undefined);
}

function listening(
  values: ClamdConf,
  asked: SocketAddress,
): Pick<RunningClamd, 'listensAt' | 'isAsked'> {
  const [path, port] = [values.get('LocalSocket'), values.get('TCPSocket')];
  const address = values.get('TCPAddr') ?? '127.0.0.1';
  const host = isWildcard(address) ? '127.0.0.1' : address;
  const listensAt = [
    ...(path === undefined ? [] : [`unix:${path}`]),
    ...(port === undefined ? [] : [`tcp://${host.includes(':') ? `[${host}]` : host}:${port}`]),
  ];
  const isAsked =
    'path' in asked
      ? path !== undefined && realPath(path) === realPath(asked.path)
      : String(asked.port) === port;
  return { listensAt, isAsked };
}
