/** All that the doctor looks at, gathered by probes/ and judged by checks/. Values only. */
import type { Config } from '../daemon/config.ts';
import type { Advice } from '../daemon/config-warnings.ts';
import type { Status } from '../daemon/control-status.ts';
import type { Postfix } from '../postfix/installation.ts';
import type { Extensions } from '../protocol/smtp/client-extensions.ts';
import type { LimitAlerts } from '../scan/limits-canary.ts';
import type { Known } from './known.ts';

export interface Facts {
  readonly config: Config;
  /** What `clamgate check-config` says of the file alone. */
  readonly advice: readonly Advice[];
  /** Whether this was run by root: else some of it cannot be seen. */
  readonly isRoot: boolean;
  /** Milliseconds since the epoch, when it was gathered. */
  readonly now: number;
  readonly user: Known<User>;
  readonly postfix: Known<Postfix>;
  readonly daemon: Known<Status>;
  readonly daemonProcess: Known<ProcessFacts>;
  readonly daemonUnit: Known<Unit>;
  readonly clamd: readonly ClamdFacts[];
  readonly listeners: readonly DoorFacts[];
  readonly nextHops: readonly DoorFacts[];
  /** For each next hop that is an entry of this Postfix which is to ask: what it answered. */
  readonly commitTrials: readonly CommitTrial[];
  readonly access: readonly AccessFacts[];
  readonly disks: readonly DiskFacts[];
  readonly memory: Known<Memory>;
  /** The largest processes of this machine, the largest first. */
  readonly largest: Known<readonly LargeProcess[]>;
  readonly clock: Known<{ readonly synchronised: boolean; readonly source: string }>;
  /** net.core.somaxconn. */
  readonly somaxconn: Known<number>;
}

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All of them, those that its unit adds included. */
  readonly groups: readonly number[];
}

export interface ProcessFacts {
  readonly pid: number;
  /** Resident, in bytes; and beside that in swap. */
  readonly rssBytes: number;
  readonly swapBytes: number;
  /** RLIMIT_NOFILE, the soft one. */
  readonly openFilesMax: number;
  readonly commandLine: readonly string[];
  /** The systemd unit that it belongs to; undefined outside of one. */
  readonly unit?: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
}

export interface LargeProcess {
  readonly pid: number;
  readonly name: string;
  readonly rssBytes: number;
}

/** Properties of a unit, as `systemctl show` has them. */
export type Unit = ReadonlyMap<string, string>;

export interface ClamdFacts {
  /** As configured. */
  readonly endpoint: string;
  /** Whether it runs on this machine. */
  readonly isLocal: boolean;
  readonly pong: Known<string>;
  readonly version: Known<ClamdVersion>;
  /** MaxThreads, by STATS. */
  readonly threadsMax: Known<number>;
  readonly canary: Known<CanaryAnswer>;
  readonly limitAlerts: Known<LimitAlerts>;
  readonly sizes: Known<ClamdSizes>;
  /** By another client, which speaks TCP only; undefined for a Unix socket. */
  readonly secondOpinion?: Known<CanaryAnswer>;
  /** Undefined where it runs elsewhere. */
  readonly conf?: Known<ClamdConf>;
  readonly process?: Known<ProcessFacts>;
  readonly unit?: Known<Unit>;
  /** How long it took to load its signatures. */
  readonly load?: Known<LoadTime>;
  /** Connections that the kernel holds for it. */
  readonly backlog?: Known<number>;
  /** Addresses of this machine, not loopback, at which it takes connections; TCP only. */
  readonly outside?: Known<readonly string[]>;
  /** The clamds that run on this machine, where this one does not answer. */
  readonly running?: readonly RunningClamd[];
}

/** A process called clamd, and what its clamd.conf says of it. */
export interface RunningClamd {
  readonly pid: number;
  readonly file: string;
  /** Where it is to listen, as [clamd] endpoints would have it. */
  readonly listensAt: readonly string[];
  /** Whether the endpoint in question is one of these. */
  readonly isAsked: boolean;
}

export interface ClamdVersion {
  readonly text: string;
  readonly engine: string;
  /** Of the signatures, and when they were made, in milliseconds since the epoch. */
  readonly database?: { readonly number: number; readonly built: number };
}

/** What it said of the EICAR test file, and of harmless bytes. */
export interface CanaryAnswer {
  readonly eicar: string;
  readonly harmless: string;
}

/** Up to which sizes it was seen to work, in bytes; nothing beyond `upTo` was tried. */
export interface ClamdSizes {
  readonly upTo: number;
  /** Whether it takes a stream of that (StreamMaxLength). */
  readonly takesStream: boolean;
  /** The largest file that it looks at (MaxFileSize, MaxScanSize); Infinity where that cannot be told. */
  readonly fileBytes: number;
}

export interface ClamdConf {
  readonly file: string;
  readonly values: ReadonlyMap<string, string>;
}

export interface LoadTime {
  readonly ms: number;
  /** Where it was measured. */
  readonly source: string;
}

/** Something that speaks SMTP or LMTP: a listener of ours, or a next hop. */
export interface DoorFacts {
  /** As configured. */
  readonly address: string;
  readonly flavour: 'smtp' | 'lmtp';
  /** What its answer to EHLO or LHLO announces. */
  readonly extensions: Known<Extensions>;
  /** As of `ClamdFacts.outside`; undefined where it is no port of this machine. */
  readonly outside?: Known<readonly string[]>;
}

export interface CommitTrial {
  readonly nextHop: string;
  /** Its reply to the final dot of a message that nobody may commit, or `... to MAIL` before that. */
  readonly reply: Known<string>;
}

export interface AccessFacts {
  /** Who is asked about: the daemon, or Postfix. */
  readonly who: 'daemon' | 'postfix';
  readonly path: string;
  /** What for, in a few words. */
  readonly purpose: string;
  readonly kind: 'connect' | 'read' | 'write';
  /** Why not, where it may not; '' where it may. */
  readonly obstacle: Known<string>;
}

export interface DiskFacts {
  readonly purpose: 'spool' | 'quarantine' | 'ledger' | 'queue';
  readonly path: string;
  readonly space: Known<{ readonly freeBytes: number; readonly inMemory: boolean }>;
}

export interface Memory {
  /**
   * MemAvailable of proc(5): what can be had without swapping, that is, what is free and what caches
   * can give back. Free swap is not in it, and the rule for a reload does not count it either: a clamd
   * that loads into swap is silent for minutes.
   */
  readonly availableBytes: number;
  readonly totalBytes: number;
}
