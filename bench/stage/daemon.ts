/** clamgate as the service runs it, so that what is measured is what people run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DaemonListener,
  type DaemonOptions,
  PrivateDaemon,
} from '../../test/support/private-daemon.ts';

export function listenerOf(port: number, nextHopPort: number): DaemonListener {
  return {
    protocol: 'smtp',
    address: `127.0.0.1:${port}`,
    nextHop: `127.0.0.1:${nextHopPort}`,
  };
}

/**
 * A daemon as the service runs it.
 *
 * @param more options for Node.js besides.
 * @param prepare what is done before it starts.
 */
export async function startDaemon(
  options: DaemonOptions,
  profileDirectory?: string,
  more = '',
  prepare?: (daemon: PrivateDaemon) => void,
): Promise<PrivateDaemon> {
  const { NODE_OPTIONS = '', ...rest } = serviceEnvironment();
  const profile =
    profileDirectory === undefined ? '' : ` --cpu-prof --cpu-prof-dir=${profileDirectory}`;
  const daemon = PrivateDaemon.prepare(options);
  prepare?.(daemon);
  await daemon.restart({
    env: { ...rest, NODE_OPTIONS: `${NODE_OPTIONS}${profile} ${more}` },
  });
  return daemon;
}

/** What the service gives the daemon. */
function serviceEnvironment(): Readonly<Record<string, string>> {
  const unit = readFileSync(join(import.meta.dirname, '../../systemd/clamgate.service'), 'utf8');
  const lines = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, line = '']) => line);
  // NODE_OPTIONS=--one=1, or A=1 B=2: what is put there has no spaces in it.
  return Object.fromEntries(
    lines
      .flatMap((line) => line.split(' '))
      .map((each) => each.split(/=(.*)/, 2) as [string, string]),
  );
}
