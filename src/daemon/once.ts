/**
 * What makes each message be handed over once, beside the engine: the ledger, the door of the commit
 * question, the witness. Opened once for the life of the daemon, whatever is reloaded.
 */
import { randomUUID } from 'node:crypto';
import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import type { HandoverEvent } from '../engine/earlier-attempts.ts';
import { Handovers } from '../engine/handovers.ts';
import { messageOf, OperationalError } from '../errors.ts';
import { CommitListener, defaultCommitLimits } from '../listener/commit-listener.ts';
import { noEvidence } from '../relay/evidence.ts';
import { WitnessClient } from '../relay/witness-client.ts';
import { parseSocketAddress, type SocketAddress } from '../socket-address.ts';
import { failedLedger } from '../store/failed-ledger.ts';
import { nodeFiles } from '../store/files.ts';
import type { Ledger } from '../store/ledger.ts';
import { ledgerBytes } from '../store/ledger-size.ts';
import { noLedger } from '../store/no-ledger.ts';
import { SqliteLedger } from '../store/sqlite-ledger.ts';
import type { Config, LedgerConfig } from './config.ts';
import type { Compacted } from './control-ledger.ts';
import type { LedgerStatus } from './control-status.ts';
import { handoverLog } from './handover-log.ts';
import type { Log } from './log.ts';
import { Seldom } from './seldom.ts';
import type { SystemdSockets } from './systemd-sockets.ts';

/** A disk that takes longer is as good as none: well below what the next hop waits for an answer. */
const commitMsMax = 15_000;
/** A daemon that is being replaced drains meanwhile; systemd starts the next when it has ended. */
const takeoverMs = 10_000;
/** What can happen with every message is not said more often than this. */
const troubleEveryMs = 60_000;

export interface OnceSurroundings {
  readonly clock: Clock;
  readonly log: Log;
  /** Told of what an operator should count. */
  readonly observe: (event: HandoverEvent) => void;
  /** Among them may be the socket of the commit question. */
  readonly sockets: SystemdSockets;
}

export class Once {
  readonly ledger: Ledger;
  readonly handovers: Handovers;
  /** Why there is no ledger, and every message is put off; undefined when there is one. */
  readonly problem: string | undefined;
  /** Undefined when the ledger is switched off. */
  readonly #ledgerFile: string | undefined;
  readonly #sqlite: SqliteLedger | undefined;
  readonly #witness: WitnessClient | undefined;
  readonly #door: CommitListener | undefined;

  private constructor(parts: {
    ledger: Ledger;
    handovers: Handovers;
    problem: string | undefined;
    ledgerFile: string | undefined;
    sqlite: SqliteLedger | undefined;
    witness: WitnessClient | undefined;
    door: CommitListener | undefined;
  }) {
    this.ledger = parts.ledger;
    this.handovers = parts.handovers;
    this.problem = parts.problem;
    this.#ledgerFile = parts.ledgerFile;
    this.#sqlite = parts.sqlite;
    this.#witness = parts.witness;
    this.#door = parts.door;
  }

  /**
   * A ledger that cannot be opened is no reason not to start: every message is put off, and that is
   * said loudly, until it is mended.
   *
   * @throws {OperationalError} CONFIG, when the socket of the commit question cannot be opened.
   */
  static async open(config: Config, surroundings: OnceSurroundings): Promise<Once> {
    const { clock, log, observe } = surroundings;
    const tell = handoverLog(log, clock);
    const { ledger, sqlite, problem } = await openLedger(config.ledger, clock, log);
    const { commit } = config;
    const witness = commit.address === undefined ? undefined : witnessClient(config, surroundings);
    const handovers = new Handovers({
      ledger,
      evidence: witness ?? noEvidence,
      clock,
      inDoubt: config.ledger.inDoubt,
      suffix: commit.address === undefined ? undefined : commit.name,
      // Ascending with time, so that the ledger's index of them grows at its end.
      newAttempt: () => `${clock.now().toString(36)}-${randomUUID()}`,
      tell: (event) => {
        observe(event);
        tell(event);
      },
    });
    const door = await openDoor(commit.address, handovers, surroundings).catch(
      async (error: unknown) => {
        witness?.close();
        await sqlite?.close();
        throw error;
      },
    );
    const ledgerFile = config.ledger.enabled ? config.ledger.file : undefined;
    const once = new Once({ ledger, handovers, problem, ledgerFile, sqlite, witness, door });
    if (sqlite) void once.#recover(log);
    return once;
  }

  /** After the last transaction: the next hop asks until then. */
  async close(): Promise<void> {
    await this.#door?.close();
    this.#witness?.close();
    await this.#sqlite?.close();
  }

  /** How the ledger is; undefined when it is switched off. Never rejects. */
  async ledgerStatus(): Promise<LedgerStatus | undefined> {
    if (this.#ledgerFile === undefined) return undefined;
    const bytes = await ledgerBytes(nodeFiles, this.#ledgerFile).catch(() => 0);
    try {
      const open = this.ledger.unsettled().filter((one) => !this.handovers.isLive(one.attempt));
      const inDoubt = open.filter(({ state }) => state === 'in-doubt').length;
      return { usable: true, unsettled: open.length, inDoubt, bytes };
    } catch {
      return { usable: false, unsettled: 0, inDoubt: 0, bytes };
    }
  }

  /**
   * Gives what is empty in the ledger's file back to the file system.
   *
   * @throws {OperationalError} STORE
   */
  async compactLedger(): Promise<Compacted> {
    const file = this.#ledgerFile;
    if (!this.#sqlite || file === undefined) {
      throw new OperationalError('STORE', this.problem ?? 'the ledger is switched off');
    }
    const before = await ledgerBytes(nodeFiles, file);
    await this.#sqlite.compact();
    return { before, after: await ledgerBytes(nodeFiles, file) };
  }

  async #recover(log: Log): Promise<void> {
    try {
      await this.handovers.recover();
    } catch (error) {
      log.error('ledger-recovery-failed', { detail: messageOf(error) });
    }
  }
}

async function openLedger(
  { enabled, file, retentionMs, bytesMax }: LedgerConfig,
  clock: Clock,
  log: Log,
): Promise<{ ledger: Ledger; sqlite?: SqliteLedger; problem?: string }> {
  if (!enabled) return { ledger: noLedger };
  const warn = (detail: string): void => {
    log.error('ledger', { detail });
  };
  try {
    const settings = {
      file,
      clock,
      retentionMs,
      bytesMax,
      commitMsMax,
      takeoverMs,
      warn,
    };
    const sqlite = await SqliteLedger.open(settings);
    return { ledger: sqlite, sqlite };
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    const problem = messageOf(error);
    log.error('ledger-unusable', { file, detail: problem, effect: 'every message is put off' });
    return { ledger: failedLedger(error), problem };
  }
}

function witnessClient({ commit }: Config, { clock, log }: OnceSurroundings): WitnessClient {
  const seldom = new Seldom(troubleEveryMs, clock);
  return new WitnessClient({
    connect: addressOf(commit.witness),
    clock,
    onTrouble: (detail) => {
      seldom.say((more) => {
        log.warn('witness', { address: commit.witness, detail, ...more });
      });
    },
  });
}

async function openDoor(
  address: string | undefined,
  gate: Handovers,
  { clock, log, sockets }: OnceSurroundings,
): Promise<CommitListener | undefined> {
  if (address === undefined) return undefined;
  const seldom = new Seldom(troubleEveryMs, clock);
  const onFault = (error: unknown): void => {
    seldom.say((more) => {
      log.error('commit-question', { detail: messageOf(error), ...more });
    });
  };
  const door = new CommitListener({ gate, clock, limits: defaultCommitLimits, onFault });
  try {
    for (const { listen } of sockets.take(address)) await door.open(listen);
  } catch (error) {
    const why = `[commit] ${address} cannot be opened: ${messageOf(error)}`;
    throw new OperationalError('CONFIG', why, { cause: error });
  }
  return door;
}

function addressOf(text: string): SocketAddress {
  const parsed = parseSocketAddress(text);
  assert(parsed.ok, 'the configuration has been checked');
  return parsed.address;
}
