/** The daemon as a process: its configuration, its signals, and what watches it. */
import { setDefaultHighWaterMark } from 'node:stream';
import type { Config } from '../daemon/config.ts';
import { Control } from '../daemon/control.ts';
import { StatusReport } from '../daemon/control-status.ts';
import { Daemon } from '../daemon/daemon.ts';
import { HeapGrowth, setHeapGrowth, shrinkHeap } from '../daemon/heap.ts';
import { History } from '../daemon/history.ts';
import { Log } from '../daemon/log.ts';
import { Metrics } from '../daemon/metrics.ts';
import { Notices } from '../daemon/notice.ts';
import type { Supervision } from '../daemon/supervision.ts';
import type { TransactionRecord } from '../engine/record.ts';
import { messageOf } from '../errors.ts';
import { streamBytes } from '../limits.ts';
import type { CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import type { Hangups } from './hangups.ts';
import { supervisionOf, systemdOf, tellUnused } from './serve-systemd.ts';
import { version } from './version.ts';

const historySize = 1000;
/** When something still holds the process after everything was closed. */
const lastResortMs = 5000;

/**
 * Runs the daemon until SIGTERM or SIGINT. SIGHUP reads the configuration again; a bad one is
 * logged, and the one before stays.
 *
 * @param hangups each SIGHUP since the process began.
 * @throws when it cannot start.
 */
export async function serve(
  context: CliContext,
  config: Config,
  hangups: Hangups,
): Promise<ExitCode> {
  setDefaultHighWaterMark(false, streamBytes);
  const heap = new HeapGrowth(setHeapGrowth);
  const { clock } = context;
  const log = new Log(config.log, clock, process.stdout);
  const termination = terminated();
  const started = Promise.withResolvers<Supervision | undefined>();
  let reloads = started.promise;
  hangups.take(() => {
    reloads = reloads.then((supervision) => reload(context, { daemon, log, supervision }));
  });
  const systemd = systemdOf(context.env);
  const metrics = new Metrics();
  const history = new History(historySize);
  const notices = new Notices(log, clock);
  const observe = (record: TransactionRecord): void => {
    metrics.record(record);
    history.add(record);
    log.transaction(record);
    void notices.observe(record, daemon.config);
  };
  const daemon = new Daemon(config, {
    clock,
    log,
    observe,
    observeHandover: (event) => {
      metrics.handover(event);
    },
    observePool: (event) => {
      metrics.pool(event);
    },
    underWay: (bytes) => {
      heap.underWay(bytes);
    },
    sockets: systemd.sockets,
  });
  keepRunning(log);
  await daemon.adopt(config);
  const report = new StatusReport(statusSources(daemon, clock.now()), clock);
  const control = new Control({
    sources: { report, metrics, history },
    changeable: daemon.changeable,
    onFault: (error) => {
      log.error('control-fault', { detail: messageOf(error) });
    },
  });
  await control.open(config.control.address).catch(async (error: unknown) => {
    await daemon.stop();
    throw error;
  });
  await advise(context, config, log);
  tellUnused(systemd, log);
  announce(config, daemon, log);
  const { PATH: path } = context.env;
  const supervision = supervisionOf(systemd, { daemon, report, log, clock, path });
  supervision?.ready();
  started.resolve(supervision);
  shrinkHeap();
  await stopped({ daemon, log, supervision }, control, await termination);
  setTimeout(() => process.exit(exitCodes.ok), lastResortMs).unref();
  return exitCodes.ok;
}

/** @param signal why. */
async function stopped(
  { daemon, log, supervision }: Running,
  control: Control,
  signal: string,
): Promise<void> {
  log.info('stopping', { signal, ...daemon.load });
  supervision?.stopping();
  await daemon.stop();
  await control.close();
  await supervision?.close();
  log.info('stopped');
}

/** A fault that reached nobody is ours; what is at work goes on, and nothing is answered 250 for it. */
function keepRunning(log: Log): void {
  const tell = (error: unknown): void => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('fault', { detail });
  };
  process.on('uncaughtException', tell).on('unhandledRejection', tell);
}

function statusSources(
  daemon: Daemon,
  started: number,
): ConstructorParameters<typeof StatusReport>[0] {
  return {
    version: version(),
    started,
    listening: () => daemon.listening,
    stopping: () => daemon.stopping,
    load: () => daemon.load,
    clamd: () => daemon.pool.status,
    scanning: () => daemon.pool.load,
    quarantine: () => daemon.quarantineSize(),
    ledger: () => daemon.ledgerStatus(),
    ledgerProblem: () => daemon.ledgerProblem,
  };
}

function announce(config: Config, daemon: Daemon, log: Log): void {
  log.info('listening', {
    version: version(),
    node: process.version,
    addresses: daemon.listening,
    control: config.control.address,
  });
}

async function advise(context: CliContext, config: Config, log: Log): Promise<void> {
  for (const { severity, key, text } of await context.advice(config)) {
    if (severity === 'warning') log.warn('configuration', { key, detail: text });
    else log.info('configuration', { key, detail: text });
  }
}

interface Running {
  readonly daemon: Daemon;
  readonly log: Log;
  readonly supervision: Supervision | undefined;
}

/**
 * One after the other, so that the newest configuration is the one that stays. Never rejects.
 *
 * @returns who is to hear of the next one.
 */
async function reload(
  context: CliContext,
  { daemon, log, supervision }: Running,
): Promise<Supervision | undefined> {
  if (daemon.stopping) return supervision;
  supervision?.reloading();
  const refusal = await adopted(context, daemon, log);
  supervision?.reloaded(refusal);
  return supervision;
}

/** Why the configuration before stays; undefined when the new one holds. */
async function adopted(context: CliContext, daemon: Daemon, log: Log): Promise<string | undefined> {
  try {
    const config = await context.configApart();
    await daemon.adopt(config);
    log.adjust(config.log);
    log.info('reloaded', { file: config.file, addresses: daemon.listening });
    await advise(context, config, log);
    return undefined;
  } catch (error) {
    const detail = daemon.stopping ? 'the daemon is stopping' : messageOf(error);
    log.error('reload-refused', { detail });
    return detail;
  }
}

/**
 * Further SIGTERMs change nothing, for one may come twice (to us and to our process group) and an
 * early end would leave in doubt what is past its dot. A second Ctrl-C ends at once.
 */
function terminated(): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve).once('SIGINT', resolve);
  });
}
