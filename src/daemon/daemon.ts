import { assert } from '../assert.ts';
import { Canceller } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import type { TransactionRecord } from '../engine/record.ts';
import type { HandoverEvent } from '../engine/earlier-attempts.ts';
import { Cancelled, messageOf } from '../errors.ts';
import { ApartWorkers, type WorkerEnded } from '../scan/apart-workers.ts';
import { ClamdPool } from '../scan/clamd-pool.ts';
import type { PoolEvent } from '../scan/pool-settings.ts';
import type { Quarantine, Removal } from '../store/quarantine.ts';
import { WaitingLine } from '../waiting-line.ts';
import { assemble, type Assembly } from './assemble.ts';
import { refuseLastingChanges } from './config-lasting.ts';
import { poolSettings } from './config-scanner.ts';
import type { Changeable } from './control-actions.ts';
import type { LedgerStatus, QuarantineSize } from './control-status.ts';
import type { Config } from './config.ts';
import { lineLimits, sessionLimits } from './waiting-limits.ts';
import { Listeners } from './listeners.ts';
import type { Log } from './log.ts';
import { Once } from './once.ts';
import { logPoolEvent } from './pool-log.ts';
import { SelfCheck, type SelfChecked } from './self-check.ts';
import { SystemdSockets } from './systemd-sockets.ts';

/** After the drain time: how long the last replies may take to get out. */
const farewellMs = 2000;
const expiryIntervalMs = 3_600_000;

export interface DaemonSurroundings {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every transaction when it is over. */
  readonly observe: (record: TransactionRecord) => void;
  /** Told of what an operator should know of handovers that did not go as usual. */
  readonly observeHandover: (event: HandoverEvent) => void;
  /** Told of what an operator should know of the clamds, besides the log. */
  readonly observePool?: (event: PoolEvent) => void;
  /** Told how many bytes of large messages more are in files, or fewer. */
  readonly underWay?: (bytes: number) => void;
  /** Sockets that were open when the process began; none where it was not systemd that started it. */
  readonly sockets?: SystemdSockets;
}

/**
 * What scans mail, from `start` to `stop`: the parts of one configuration at a time, and the
 * sockets they listen on. Log, metrics and control are around it, not in it (serve.ts).
 */
export class Daemon {
  readonly #surroundings: DaemonSurroundings;
  readonly #stopping = new Canceller();
  readonly #line: WaitingLine;
  readonly #sessions: WaitingLine;
  readonly #sockets: SystemdSockets;
  readonly #listeners: Listeners;
  readonly #selfCheck: SelfCheck;
  #current: Assembly | undefined;
  #once: Once | undefined;
  #pool: ClamdPool | undefined;
  #workers: ApartWorkers | undefined;
  #expiry: Timer | undefined;

  constructor(config: Config, surroundings: DaemonSurroundings) {
    const { clock } = surroundings;
    this.#surroundings = surroundings;
    this.#line = new WaitingLine(lineLimits(config), clock);
    this.#sessions = new WaitingLine(sessionLimits(config), clock);
    this.#sockets = surroundings.sockets ?? new SystemdSockets([]);
    this.#selfCheck = new SelfCheck(clock);
    const onFault = (error: unknown): void => {
      surroundings.log.error('fault', { detail: stackOf(error) });
    };
    const stopping = this.#stopping.signal;
    this.#listeners = new Listeners(
      { clock, sessions: this.#sessions, stopping, onFault },
      this.#sockets,
    );
  }

  get config(): Config {
    return this.#assembly.config;
  }

  get quarantine(): Quarantine {
    return this.#assembly.quarantine;
  }

  /** Why there is no ledger, and every message is put off. */
  get ledgerProblem(): string | undefined {
    return this.#once?.problem;
  }

  /** Undefined when the ledger is switched off. */
  async ledgerStatus(): Promise<LedgerStatus | undefined> {
    return this.#once?.ledgerStatus();
  }

  /** What may be changed while the daemon runs. */
  get changeable(): Changeable {
    const once = this.#once;
    assert(once, 'a configuration is adopted first');
    const ledger: Changeable['ledger'] = {
      settle: (order) => once.handovers.settle(order),
      compact: () => once.compactLedger(),
    };
    return { ledger, endpoints: this.pool };
  }

  /** The clamds. */
  get pool(): ClamdPool {
    assert(this.#pool, 'a configuration is adopted first');
    return this.#pool;
  }

  get listening(): readonly string[] {
    return this.#listeners.addresses;
  }

  /** Connects to each listener as a peer would. Never rejects. */
  selfCheck(): Promise<SelfChecked> {
    return this.#selfCheck.look(this.#listeners.doors, () => this.#sessions.waiting > 0);
  }

  get load(): DaemonLoad {
    return {
      sessions: this.#listeners.sessions,
      transactions: this.#line.inside,
      waiting: this.#line.waiting,
      ...(this.#workers && { workers: this.#workers.running }),
    };
  }

  /**
   * Takes over a configuration, at the start or later; when anything of it cannot be had, nothing
   * changes. Transactions that have begun go on with what they began with.
   *
   * @throws {OperationalError} CONFIG, when what lasts for the daemon's life would have to change.
   * @throws what `assemble` and `Listeners.become` throw.
   */
  async adopt(config: Config): Promise<void> {
    if (this.#current) refuseLastingChanges(this.#current.config, config);
    const { clock, log, observeHandover } = this.#surroundings;
    const surroundings = { clock, log, observe: observeHandover, sockets: this.#sockets };
    this.#once ??= await Once.open(config, surroundings);
    this.#pool ??= this.#newPool(config);
    if (config.workers > 1) this.#workers ??= this.#newWorkers(config.workers);
    const next = await this.#assemble(config, this.#once, this.#pool).catch(
      async (error: unknown) => {
        // What is open for the life of the daemon would keep the process that has failed to start.
        if (!this.#current) await this.#closeParts().catch(() => undefined);
        throw error;
      },
    );
    this.#line.adjust(lineLimits(config));
    this.#sessions.adjust(sessionLimits(config));
    if (this.#current) this.#pool.adjust(poolSettings(config));
    else this.#pool.start();
    this.#current?.close();
    this.#current = next;
    this.#expireAgain(0);
  }

  #newPool(config: Config): ClamdPool {
    const { clock, log, observePool } = this.#surroundings;
    const observe = (event: PoolEvent): void => {
      logPoolEvent(log, event);
      observePool?.(event);
    };
    return new ClamdPool(poolSettings(config), { clock, random: Math.random, observe });
  }

  #newWorkers(count: number): ApartWorkers {
    const { clock, log } = this.#surroundings;
    const observe = ({ detail, messages }: WorkerEnded): void => {
      log.error('worker-ended', { detail, messages, effect: 'another one takes its place' });
    };
    return new ApartWorkers({ count, clock, observe });
  }

  async #assemble(config: Config, { ledger, handovers }: Once, pool: ClamdPool): Promise<Assembly> {
    const { clock, observe, underWay = () => undefined } = this.#surroundings;
    const next = await assemble(config, {
      clock,
      observe,
      underWay,
      line: this.#line,
      stopping: this.#stopping.signal,
      ledger,
      handovers,
      pool,
      workers: this.#workers,
      removed: (removal) => {
        this.#logRemoval(removal);
      },
    });
    await this.#listeners.become(config, next.engines).catch((error: unknown) => {
      next.close();
      throw error;
    });
    return next;
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** What is in custody; reads the whole directory. */
  async quarantineSize(): Promise<QuarantineSize> {
    const items = await this.quarantine.list();
    const bytes = items.map((item) => (item.kind === 'whole' ? item.record.size : 0));
    return { messages: items.length, bytes: bytes.reduce((sum, size) => sum + size, 0) };
  }

  /**
   * Goes down: nothing new is accepted, what is past its final dot is finished, the rest is
   * answered 451. Resolves when the last session has ended, at the latest after the drain time.
   */
  async stop(): Promise<void> {
    const { clock } = this.#surroundings;
    this.#expiry?.cancel();
    this.#selfCheck.close();
    this.#stopping.abort(new Cancelled('shutdown'));
    const timers = [
      clock.after(this.config.limits.drainMs, () => {
        this.#listeners.cutOff();
      }),
      clock.after(this.config.limits.drainMs + farewellMs, () => {
        this.#listeners.destroy();
      }),
    ];
    await this.#listeners.close();
    for (const timer of timers) timer.cancel();
    this.#assembly.close();
    // Before the ledger closes: it is told that they ended.
    await this.#assembly.scans.close();
    this.#pool?.close();
    await this.#closeParts();
  }

  /** What is open for the life of the daemon. */
  async #closeParts(): Promise<void> {
    await this.#workers?.close();
    await this.#once?.close();
  }

  get #assembly(): Assembly {
    assert(this.#current, 'a configuration is adopted first');
    return this.#current;
  }

  #expireAgain(inMs: number): void {
    this.#expiry?.cancel();
    this.#expiry = this.#surroundings.clock.after(inMs, () => {
      void this.#expire();
    });
  }

  async #expire(): Promise<void> {
    const { maxAgeMs, maxBytes } = this.config.quarantine;
    try {
      await this.quarantine.expire(
        { ageMsMax: maxAgeMs, bytesMax: maxBytes },
        this.#surroundings.clock.now(),
      );
    } catch (error) {
      this.#surroundings.log.error('quarantine-expiry-failed', { detail: messageOf(error) });
    }
    if (!this.#stopping.signal.aborted) this.#expireAgain(expiryIntervalMs);
  }

  #logRemoval({ id, why, record }: Removal): void {
    this.#surroundings.log.warn('quarantine-removed', {
      id,
      why,
      queue_id: record?.queueId,
      message_id: record?.messageId,
      from: record?.envelope.reversePath.address,
    });
  }
}

/** How busy the daemon is. */
export interface DaemonLoad {
  readonly sessions: number;
  readonly transactions: number;
  /** Transactions in line at MAIL. */
  readonly waiting: number;
  /** Threads that take messages apart; absent where there are to be none. */
  readonly workers?: number;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
