import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { Admission } from '../engine/admission.ts';
import { Engine, type EngineParts } from '../engine/engine.ts';
import { MilterEngine } from '../engine/milter-engine.ts';
import type { Handovers } from '../engine/handovers.ts';
import type { TransactionRecord } from '../engine/record.ts';
import { Scans } from '../engine/scans.ts';
import { replyTable } from '../listener/render.ts';
import { SmtpNextHop } from '../relay/smtp-next-hop.ts';
import type { ApartWorkers } from '../scan/apart-workers.ts';
import type { ClamdPool } from '../scan/clamd-pool.ts';
import { countedFiles } from '../store/counted-files.ts';
import { nodeFiles } from '../store/files.ts';
import type { Ledger } from '../store/ledger.ts';
import { Quarantine, type Removal } from '../store/quarantine.ts';
import { FreeSpace } from '../store/free-space.ts';
import { prepareSpoolDirectory, Spool } from '../store/spool.ts';
import type { Limits } from '../limits.ts';
import type { NextHop } from '../relay/next-hop.ts';
import type { Position } from '../verdict/disposition.ts';
import type { WaitingLine } from '../waiting-line.ts';
import { scannerOf } from './config-scanner.ts';
import type { Config } from './config.ts';
import type {
  ListenerConfig,
  MilterListenerConfig,
  PolicyListenerConfig,
  SmtpListenerConfig,
} from './config-listener.ts';

/** What a reload of the configuration leaves as it is. */
export interface Lasting {
  readonly clock: Clock;
  /** In front of all transactions. */
  readonly line: WaitingLine;
  readonly stopping: CancelSignal;
  readonly ledger: Ledger;
  readonly handovers: Handovers;
  readonly pool: ClamdPool;
  readonly workers: ApartWorkers | undefined;
  readonly observe: (record: TransactionRecord) => void;
  readonly removed: (removal: Removal) => void;
  readonly underWay: (bytes: number) => void;
}

/** What one configuration comes to at run time, but for the sockets it listens on. */
export interface Assembly {
  readonly config: Config;
  readonly scans: Scans;
  readonly quarantine: Quarantine;
  readonly engines: ReadonlyMap<ListenerConfig, Engine | MilterEngine | Admission>;
  /** Lets go of what idles; what is at work ends by itself. */
  readonly close: () => void;
}

/** @throws {OperationalError} STORE, when a directory cannot be made or written. */
export async function assemble(config: Config, lasting: Lasting): Promise<Assembly> {
  const { clock, ledger, removed } = lasting;
  const { directory } = config.quarantine;
  await prepareSpoolDirectory(nodeFiles, config.spool.directory);
  const quarantine = new Quarantine({ files: nodeFiles, directory, clock, removed });
  await quarantine.prepare();
  const scanner = scannerOf(config, lasting);
  const scans = new Scans({ scanner, ledger, clock });
  const closing: { close(): void }[] = [];
  const engines = new Map<ListenerConfig, Engine | MilterEngine | Admission>();
  for (const listener of config.listeners) {
    const common = { ...commonParts(config, lasting), scans };
    if (listener.protocol === 'milter') {
      engines.set(listener, newMilterEngine(listener, { ...common, limits: config.limits }));
      continue;
    }
    if (listener.protocol === 'policy') {
      const space = freeSpaceFor(listener, config, clock);
      await space.start();
      closing.push(space);
      engines.set(listener, newAdmission(listener, config, lasting, space));
      continue;
    }
    const limits = limitsAt(listener, config);
    const nextHop = newNextHop(listener.nextHop, limits, clock);
    closing.push(nextHop);
    engines.set(listener, newEngine(listener, { ...common, limits, nextHop, quarantine }));
  }
  const close = (): void => {
    for (const one of closing) one.close();
  };
  return { config, scans, quarantine, engines, close };
}

function commonParts(
  config: Config,
  { clock, line, stopping, handovers, observe, underWay }: Lasting,
): Omit<EngineParts, 'limits' | 'scans' | 'nextHop' | 'quarantine'> {
  const { limits, rules, banned, hostname, header } = config;
  const spool = {
    files: countedFiles(nodeFiles, underWay),
    directory: config.spool.directory,
    memoryBytes: limits.spoolMemoryBytes,
  };
  return {
    clock,
    rules,
    banned,
    hostname,
    line,
    stopping,
    handovers,
    observe,
    newId,
    stamp: { enabled: header.virusScanned, text: header.text },
    openSpool: () => new Spool(spool),
  };
}

function limitsAt({ position }: SmtpListenerConfig, { limits, beforeQueue }: Config): Limits {
  return position === 'before-queue' ? { ...limits, ...beforeQueue } : limits;
}

function newEngine(
  { address, protocol, position }: SmtpListenerConfig,
  parts: EngineParts,
): Engine {
  return new Engine(
    { listener: address, flavour: protocol, position },
    {
      ...parts,
      observe: (record) => {
        parts.observe(withReply(record, position));
      },
    },
  );
}

function newMilterEngine(
  { address, quarantine }: MilterListenerConfig,
  parts: Omit<EngineParts, 'nextHop' | 'quarantine'>,
): MilterEngine {
  return new MilterEngine(
    { listener: address, holds: quarantine === 'hold' },
    {
      ...parts,
      observe: (record) => {
        parts.observe(withReply(record, 'before-queue'));
      },
    },
  );
}

function freeSpaceFor(
  { freeBytesMin }: PolicyListenerConfig,
  { spool, quarantine, ledger }: Config,
  clock: Clock,
): FreeSpace {
  const ledgers = ledger.enabled ? [dirname(ledger.file)] : [];
  const directories = [spool.directory, quarantine.directory, ...ledgers];
  return new FreeSpace({ clock, directories, freeBytesMin });
}

/** A clamd that is busy will have room in a moment; one that is drained is given nothing. */
function newAdmission(
  { waitingLevel }: PolicyListenerConfig,
  { limits }: Config,
  { line, pool }: Pick<Lasting, 'line' | 'pool'>,
  space: FreeSpace,
): Admission {
  return new Admission(limits.messageBytesMax, {
    canStore: () => space.isEnough,
    canScan: () =>
      pool.status.some(({ state, draining }) => !draining && /^(ready|busy)$/.test(state)),
    waiting: () => line.waiting,
    waitingLevel,
  });
}

/** The engine names the situation; in which words the peer heard it is known only here. */
function withReply(record: TransactionRecord, position: Position): TransactionRecord {
  if (record.reply || !record.situation) return record;
  return { ...record, reply: replyTable[record.situation][position] };
}

/** An idle connection is let go before a stressed smtpd (10 s) lets go of us. */
const idleConnections = { idleConnectionsMax: 20, idleMs: 5000 };

function newNextHop(address: string, limits: Limits, clock: Clock): NextHop {
  const { nextHopReplyMs, nextHopDotMs } = limits;
  return new SmtpNextHop({
    address,
    clock,
    limits: { nextHopReplyMs, nextHopDotMs, ...idleConnections },
  });
}

/** Sortable by time, unique over restarts: 48 bits of milliseconds, 40 of chance, in hex. */
function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  // Asks the system for the chance of many in advance, where randomBytes would ask for each.
  return `${time}${randomUUID().slice(-10)}`;
}
