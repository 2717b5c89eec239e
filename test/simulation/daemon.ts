/**
 * The daemon between simulated neighbours: the real listener, engine, relay, spool and quarantine.
 * It can die at any event; its connections are then closed by the kernel, and it starts again with
 * what was durable.
 */
import { Engine, type EngineParts } from '../../src/engine/engine.ts';
import type { CommitAnswer, CommitQuestion } from '../../src/engine/commit-gate.ts';
import type { HandoverEvent } from '../../src/engine/earlier-attempts.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { Scans } from '../../src/engine/scans.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { Listener } from '../../src/listener/listener.ts';
import { SmtpNextHop } from '../../src/relay/smtp-next-hop.ts';
import type { Files } from '../../src/store/files.ts';
import { Quarantine } from '../../src/store/quarantine.ts';
import { prepareSpoolDirectory, Spool } from '../../src/store/spool.ts';
import { defaultRules, type Action } from '../../src/verdict/rules.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { DaemonSocket } from './daemon-socket.ts';
import { bannedRules } from './ends.ts';
import type { Disk } from './disk.ts';
import type { Mutation } from './mutation.ts';
import type { End, Network } from './network.ts';
import { SimulatedScanner } from './scanner.ts';
import { Once, type OnceSettings } from './once.ts';
import { Life } from './timeline.ts';
import type { LedgerDisk } from './ledger.ts';
import type { Trace } from './trace.ts';
import type { Witness } from './witness.ts';

export const directories = { spool: '/spool', quarantine: '/quarantine' };

export const limits: Limits = {
  ...defaultLimits,
  spoolMemoryBytes: 2000,
  transactionsMax: 3,
  transactionsWaitingMax: 3,
};

export interface DaemonSettings {
  readonly flavour: 'smtp' | 'lmtp';
  readonly nextHopFlavour: 'smtp' | 'lmtp';
  readonly infected: Action;
  readonly mutation: Mutation;
  readonly once: OnceSettings;
}

export interface DaemonSurroundings {
  readonly network: Network;
  readonly disk: Disk;
  readonly ledgerDisk: LedgerDisk;
  readonly witness: Witness;
  readonly trace: Trace;
  readonly connectNextHop: (end: End) => boolean;
  /** Sees what is sent to the next hop, when it is sent. */
  readonly watchRelay: (end: End) => void;
  /** Told of each transaction that is over. */
  readonly observe: (record: TransactionRecord) => void;
  readonly tell: (event: HandoverEvent) => void;
  /** Told of what the daemon holds to be impossible. */
  readonly onFault: (error: unknown) => void;
}

/** One life of the daemon, from start to death. */
export interface Running {
  readonly life: Life;
  readonly listener: Listener;
  readonly line: WaitingLine;
  readonly sessions: WaitingLine;
  readonly scans: Scans;
  readonly once: Once;
  readonly told: () => number;
  readonly begun: () => number;
}

export class SimulatedDaemon {
  readonly #settings: DaemonSettings;
  readonly #around: DaemonSurroundings;
  #life = new Life();
  #ends: End[] = [];
  #running: Running | undefined;
  #attempts = 0;

  constructor(settings: DaemonSettings, around: DaemonSurroundings) {
    this.#settings = settings;
    this.#around = around;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** Starts; where that fails, it is started again, as systemd does. */
  start(): void {
    const life = new Life();
    this.#life = life;
    this.#boot(life).then(
      (running) => {
        this.#running = running;
        this.#around.trace.note('daemon', () => 'started');
      },
      () => {
        this.crash(false);
      },
    );
  }

  crash(powerLoss: boolean): void {
    const { network, disk, ledgerDisk, trace } = this.#around;
    trace.note('daemon', () => (powerLoss ? 'POWER LOSS' : 'KILLED'));
    this.#life.over = true;
    this.#running = undefined;
    for (const end of this.#ends.splice(0)) end.close();
    disk.crash(powerLoss);
    ledgerDisk.crash();
    network.timeline.after(50 + network.weather.delay('restart'), 'restart', () => {
      this.start();
    });
  }

  /** A connection from Postfix. */
  accept(end: End): boolean {
    if (!this.#running) return false;
    this.#ends.push(end);
    void this.#running.listener.serve(new DaemonSocket(end, { allowHalfOpen: true }));
    return true;
  }

  /** The commit question; undefined when nobody is there. */
  asked(question: CommitQuestion): Promise<CommitAnswer> | undefined {
    return this.#running?.once.asked(question);
  }

  async #boot(life: Life): Promise<Running> {
    const { network, disk } = this.#around;
    const { mutation } = this.#settings;
    const clock = network.timeline.clock(life);
    const files = mutation.files?.(disk.mount(life)) ?? disk.mount(life);
    await prepareSpoolDirectory(files, directories.spool);
    const directory = directories.quarantine;
    const quarantine = new Quarantine({ files, directory, clock, removed: () => undefined });
    await quarantine.prepare();
    const line = new WaitingLine(
      { places: limits.transactionsMax, waiting: limits.transactionsWaitingMax, waitMs: 60_000 },
      clock,
    );
    const sessions = new WaitingLine({ places: 20, waiting: 20, waitMs: 60_000 }, clock);
    const once = this.#once(life);
    const clamd = new SimulatedScanner(clock, network.weather);
    const scanner = mutation.scanner?.(clamd) ?? clamd;
    const scans = new Scans({ scanner, ledger: once.ledger, clock });
    let begun = 0;
    let told = 0;
    const newId = (): string => `t${++begun}`;
    const observe = (record: TransactionRecord): void => {
      told++;
      this.#around.observe(record);
    };
    const { handovers } = once;
    const base = this.#parts(life, files);
    const parts = { ...base, observe, scans, handovers, line, quarantine, newId };
    const listener = this.#listener(mutation.parts?.(parts) ?? parts, sessions);
    const counts = { told: () => told, begun: () => begun };
    return { life, listener, line, sessions, scans, once, ...counts };
  }

  #once(life: Life): Once {
    const { once, mutation } = this.#settings;
    const { network, ledgerDisk, witness, tell } = this.#around;
    const newAttempt = (): string => `a${++this.#attempts}`;
    const around = { timeline: network.timeline, disk: ledgerDisk, witness, newAttempt, tell };
    return new Once(once, around, life, mutation);
  }

  #parts(life: Life, files: Files) {
    const { network } = this.#around;
    const { infected } = this.#settings;
    const clock = network.timeline.clock(life);
    const spool = { files, directory: directories.spool, memoryBytes: limits.spoolMemoryBytes };
    return {
      clock,
      limits,
      rules: { ...defaultRules, infected },
      banned: bannedRules(network.weather),
      stamp: { enabled: true, text: 'clamgate' },
      hostname: 'filter.example.org',
      nextHop: this.#nextHop(life),
      openSpool: () => new Spool(spool),
      stopping: new AbortController().signal,
    } satisfies Partial<EngineParts>;
  }

  #nextHop(life: Life): SmtpNextHop {
    const { network, connectNextHop, watchRelay } = this.#around;
    return new SmtpNextHop({
      address: `${this.#settings.nextHopFlavour}:127.0.0.1:10025`,
      clock: network.timeline.clock(life),
      limits: { ...limits, idleConnectionsMax: 2, idleMs: 5000 },
      connect: () => {
        const { client } = network.connect('relay', connectNextHop);
        this.#ends.push(client);
        watchRelay(client);
        return new DaemonSocket(client, { allowHalfOpen: false });
      },
    });
  }

  #listener(parts: EngineParts, sessions: WaitingLine): Listener {
    const { flavour, mutation } = this.#settings;
    const engine = new Engine({ listener: 'simulated', flavour, position: 'after-queue' }, parts);
    const begin = engine.begin.bind(engine);
    engine.begin = (client, reversePath) => {
      const transaction = begin(client, reversePath);
      mutation.transaction?.(transaction);
      return transaction;
    };
    const { clock, stopping, hostname } = parts;
    const { onFault } = this.#around;
    return new Listener(
      { hostname, bareCr: 'pass', limits, mayXforward: () => true, engine },
      { clock, sessions, stopping, onFault },
    );
  }
}
