/** A filter under test, as the harness sees it: between two Postfixes, in front of one clamd. */
import type { Status } from '../../src/daemon/control-status.ts';
import type { LedgerSetting } from './options.ts';
import type { InDoubt } from './tally.ts';

/**
 * Where else than behind the queue a filter may stand. At 'policy' it stands behind it, and is asked
 * before as well whether mail may come.
 */
export type FrontDoor = 'before-queue' | 'milter' | 'policy';

export interface FilterSettings {
  /** Behind the queue unless told otherwise. */
  readonly door?: FrontDoor;
  /** How much of a message stays in memory, where not as by default. */
  readonly spoolMemory?: string;
  /** How long it may take for a message, where not as by default; as its configuration has it. */
  readonly deadline?: string;
  /** Where it listens, and the port to which it hands mail back; both on 127.0.0.1. */
  readonly port: number;
  readonly nextHopPort: number;
  /** Path of clamd's Unix socket. */
  readonly clamdSocket: string;
  /** Those of further clamds; for clamgate alone. */
  readonly moreClamdSockets?: readonly string[];
  /** The queue directory of the Postfix before it, where that asks it at 'policy'. */
  readonly frontQueue?: string;
  /** The queue directory of the Postfix behind it. */
  readonly nextHopQueue: string;
  /** Where it keeps what it writes, when it is to be another place than its own. */
  readonly stateDirectory?: string;
  readonly ledger: LedgerSetting;
  /** Of clamgate; one, which is none, where it is not said. */
  readonly workers?: number;
  /** Whether it marks what it delivers with a header of its own. */
  readonly header: boolean;
}

/** Where in the protocol the daemon is to be struck, and what is to die there. */
export interface KillAt {
  readonly point: Checkpoint;
  /** 1: when it comes there for the first time. */
  readonly nth: number;
  /** Itself, or processes of the Postfix behind it, whose process group this is. */
  readonly victim: 'filter' | { readonly group: number; readonly only?: 'smtpd' };
}

/** In the order in which a message passes them. */
export const checkpoints = [
  'before-ledger',
  'sending',
  'dot',
  'asked',
  'prepared',
  'allowed',
  'replied',
  'delivered',
  'answered',
] as const;
export type Checkpoint = (typeof checkpoints)[number];

export interface Filter {
  readonly name: FilterName;
  /** Whether it drops infected messages instead of keeping them. */
  readonly discards: boolean;
  readonly port: number;
  /** Resolves when it accepts mail; after `kill` it starts again with what it had on disk. */
  start(killAt?: KillAt): Promise<void>;
  /** SIGKILL to all its processes; resolves when they are gone. */
  kill(): Promise<void>;
  /** The Message-IDs of what it keeps. */
  kept(): Promise<readonly string[]>;
  /** What its ledger lists; nothing where it has none. */
  inDoubt(): readonly InDoubt[];
  /** What only clamgate has. */
  readonly ledger?: LedgerOfFilter;
  readonly witness?: WitnessOfFilter;
  /** How it finds each clamd, in the order of the stage. */
  readonly clamdStatus?: () => Promise<Status['clamd']>;
  /** Path of its log. */
  readonly log: string;
  /** Whether the point of `KillAt` was reached since the last start. */
  struck(): boolean;
  /** Ends it and leaves nothing behind. */
  close(): Promise<void>;
}

export interface LedgerOfFilter {
  readonly file: string;
  /** From the next start on. @param size as the configuration has it; undefined: as by default. */
  limit(size: string | undefined): void;
}

/** The program that watches the queue behind the filter. */
export interface WitnessOfFilter {
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export type FilterName = 'clamgate' | 'amavisd-new' | 'clamsmtp';
