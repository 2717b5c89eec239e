/**
 * The next hop: a Postfix that takes connections and keeps what it committed. How one connection
 * goes is downstream-session.ts.
 */
import type { CommitAnswer, CommitQuestion } from '../../src/engine/commit-gate.ts';
import { DownstreamSession } from './downstream-session.ts';
import type { End, Network } from './network.ts';
import type { Trace } from './trace.ts';
import type { QueueFile } from './witness.ts';

/** The daemon's end of the commit question; undefined when nobody answers. */
export type Ask = (question: CommitQuestion) => Promise<CommitAnswer> | undefined;

/** One message for one recipient, queued for good. */
export interface Copy {
  readonly id: string;
  readonly recipient: string;
  readonly orcpt: string;
  readonly queueId: string;
  readonly content: string;
}

export interface DownstreamSettings {
  readonly flavour: 'smtp' | 'lmtp';
  /** Asks before it commits (only smtpd can). */
  readonly asks: boolean;
}

export class Downstream {
  readonly settings: DownstreamSettings;
  readonly network: Network;
  readonly trace: Trace;
  readonly ask: Ask;
  readonly copies: Copy[] = [];
  /** Addresses, with their ORCPT, that were refused for good, at RCPT or at the dot. */
  readonly refused = new Set<string>();
  /** Whether it is refused at each RCPT, decided at the first. */
  readonly #unknown = new Map<string, boolean>();
  readonly #files = new Map<string, QueueFile>();
  #count = 0;

  constructor(
    settings: DownstreamSettings,
    around: { readonly network: Network; readonly trace: Trace; readonly ask: Ask },
  ) {
    this.settings = settings;
    this.network = around.network;
    this.trace = around.trace;
    this.ask = around.ask;
  }

  accept(end: End): boolean {
    void new DownstreamSession(this, end).serve();
    return true;
  }

  /** A recipient that is there today is there tomorrow. */
  isUnknown(recipient: string): boolean {
    const isUnknown = this.#unknown.get(recipient) ?? this.network.weather.happens('rcpt 5xx');
    this.#unknown.set(recipient, isUnknown);
    return isUnknown;
  }

  /** A queue file, mode 0600: nothing is committed. */
  create(): string {
    const queueId = `4hY${String(++this.#count).padStart(4, '0')}BCDzF`;
    this.#files.set(queueId, 'open');
    return queueId;
  }

  /** Mode 0700: it will be delivered, whatever happens. */
  commit(queueId: string, copies: readonly Omit<Copy, 'queueId'>[]): void {
    this.#files.set(queueId, 'committed');
    for (const copy of copies) this.copies.push({ ...copy, queueId });
    this.trace.note('downstream', () => {
      const to = copies.map(({ recipient, orcpt }) => `${recipient}${orcpt}`).join(' ');
      return `committed ${copies[0]?.id} as ${queueId} for ${to}`;
    });
  }

  remove(queueId: string): void {
    this.#files.set(queueId, 'removed');
    this.trace.note('downstream', () => `removed ${queueId}`);
  }

  fileOf(queueId: string): QueueFile | undefined {
    return this.#files.get(queueId);
  }
}
