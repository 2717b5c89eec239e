/** The daemon as a service of systemd: what that hands over, and what it is told. */
import type { Clock } from '../clock.ts';
import type { StatusReport } from '../daemon/control-status.ts';
import type { Daemon } from '../daemon/daemon.ts';
import type { Log } from '../daemon/log.ts';
import { Seldom } from '../daemon/seldom.ts';
import { Supervision } from '../daemon/supervision.ts';
import { boundAddress } from '../daemon/systemd-bound.ts';
import { systemdEnvironment, type SystemdEnvironment } from '../daemon/systemd-environment.ts';
import { Notifier, systemdNotify } from '../daemon/systemd-notify.ts';
import { SystemdSockets } from '../daemon/systemd-sockets.ts';
import type { Surroundings } from './context.ts';

/** What fails with every beat is not said more often than this. */
const troubleEveryMs = 600_000;

export interface Systemd {
  readonly environment: SystemdEnvironment;
  readonly sockets: SystemdSockets;
}

export function systemdOf(env: Surroundings['env']): Systemd {
  const environment = systemdEnvironment(env, process);
  return { environment, sockets: new SystemdSockets(environment.handed, boundAddress) };
}

/** A socket unit that is active, and a configuration that does not listen there: mail would hang. */
export function tellUnused({ sockets }: Systemd, log: Log): void {
  for (const socket of sockets.unused) {
    const detail = `systemd holds ${socket} open for us, and no listener has that name or address`;
    log.warn('socket-unused', { socket, detail });
  }
}

export interface Supervised {
  readonly daemon: Daemon;
  readonly report: StatusReport;
  readonly log: Log;
  readonly clock: Clock;
  /** PATH, to find systemd-notify. */
  readonly path: string | undefined;
}

/** Undefined where nobody wants to be told. */
export function supervisionOf(
  { environment }: Systemd,
  { daemon, report, log, clock, path }: Supervised,
): Supervision | undefined {
  const { notifySocket, watchdogMs } = environment;
  if (notifySocket === undefined) return undefined;
  const seldom = new Seldom(troubleEveryMs, clock);
  const notifier = new Notifier(systemdNotify(notifySocket, path), (detail) => {
    seldom.say((more) => {
      log.error('systemd-notify', { detail, effect: 'systemd does not hear us', ...more });
    });
  });
  return new Supervision({
    notifier,
    clock,
    watchdogMs,
    status: () => report.status(),
    selfCheck: () => daemon.selfCheck(),
    onSilence: ({ address, fatal }) => {
      const effect = fatal ? 'systemd starts us again unless it answers soon' : 'it is not watched';
      log.error('self-check', { address, detail: 'does not answer us', effect });
    },
  });
}
