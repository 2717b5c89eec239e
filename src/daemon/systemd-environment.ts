/**
 * What systemd told the process in its environment: where it wants to hear how we are (sd_notify(3)),
 * how often (sd_watchdog_enabled(3)), and which sockets it holds for us (sd_listen_fds(3)).
 */

/** A socket that was open when the process began. */
export interface Handed {
  readonly fd: number;
  /** FileDescriptorName= of its socket unit, else the unit's name; several may have the same. */
  readonly name: string;
}

export interface SystemdEnvironment {
  /** NOTIFY_SOCKET; undefined where nobody wants to be told. */
  readonly notifySocket?: string;
  /** Longest silence that systemd suffers, in milliseconds; undefined where it does not watch. */
  readonly watchdogMs?: number;
  readonly handed: readonly Handed[];
}

/** Who we are to systemd: the process, or the one that bin/clamgate.js began as. */
export interface Process {
  readonly pid: number;
  readonly ppid: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** SD_LISTEN_FDS_START. */
const firstFd = 3;
/** systemd's own ceiling for sockets of a unit is far below (NOTIFY_FD_MAX 768). */
const handedMax = 768;

/** Variables that are meant for another process, which we have inherited them from, say nothing. */
export function systemdEnvironment(env: Variables, process: Process): SystemdEnvironment {
  const { NOTIFY_SOCKET: notifySocket } = env;
  const watchdogMs = watchdog(env, process);
  return {
    ...(notifySocket !== undefined && notifySocket !== '' && { notifySocket }),
    ...(watchdogMs !== undefined && { watchdogMs }),
    handed: isMeant('LISTEN_PID', env, process) ? handedSockets(env) : [],
  };
}

function watchdog(env: Variables, process: Process): number | undefined {
  const ms = Number(env['WATCHDOG_USEC']) / 1000;
  // Without WATCHDOG_PID it is meant for whoever reads it (sd_watchdog_enabled(3)).
  const meant = env['WATCHDOG_PID'] === undefined || isMeant('WATCHDOG_PID', env, process);
  return meant && Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** An older Node.js starts us as its child (bin/clamgate.js); systemd knows the parent. */
function isMeant(variable: string, env: Variables, { pid, ppid }: Process): boolean {
  const meant = Number(env[variable]);
  return meant === pid || (env['CLAMGATE_REEXECUTED'] === '1' && meant === ppid);
}

function handedSockets(env: Variables): Handed[] {
  const count = Number(env['LISTEN_FDS']);
  if (!Number.isInteger(count) || count < 1 || count > handedMax) return [];
  const names = env['LISTEN_FDNAMES']?.split(':') ?? [];
  return Array.from({ length: count }, (_, at) => ({
    fd: firstFd + at,
    // What sd_listen_fds_with_names(3) says of a socket without a name.
    name: names[at] ?? 'unknown',
  }));
}
