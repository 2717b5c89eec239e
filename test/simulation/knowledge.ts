/** What can be asked of the daemon in this world: which repetitions its rules allow. */
import type { HandoverEvent } from '../../src/engine/earlier-attempts.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import type { LedgerDisk } from './ledger.ts';
import type { Mail, Recipient } from './mail.ts';
import type { Scenario } from './scenario.ts';
import type { Trace } from './trace.ts';
import type { Witness } from './witness.ts';

/** What the daemon told its operator, over all of its lives. */
export class Told {
  readonly counts = new Map<string, number>();
  /** Attempts of which the ledger could not take down the end. */
  readonly untaken = new Set<string>();
  readonly #trace: Trace;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  get ears() {
    return {
      observe: (record: TransactionRecord): void => {
        this.#trace.note('daemon', () => said(record));
        this.#count(record.outcome);
      },
      tell: (event: HandoverEvent): void => {
        this.#trace.note('daemon', () => Object.values(event).join(' '));
        this.#count(event.kind);
        if (event.kind === 'ledger-failed') this.untaken.add(event.attempt);
      },
    };
  }

  #count(what: string): void {
    this.counts.set(what, 1 + (this.counts.get(what) ?? 0));
  }
}

function said({ id, outcome, situation, reply, detail }: TransactionRecord): string {
  return `${id} ${outcome}: ${situation ?? reply?.code ?? ''} ${detail ?? ''}`;
}

export interface KnowledgeParts extends Pick<Scenario, 'asks' | 'once' | 'upstream'> {
  readonly ledgerDisk: LedgerDisk;
  readonly witness: Witness;
  readonly told: Told;
}

export class Knowledge {
  readonly #parts: KnowledgeParts;

  constructor(parts: KnowledgeParts) {
    this.#parts = parts;
  }

  /** Only what was in doubt, and only where the rule is to send that again. */
  mayRepeat(mail: Mail, recipient: Recipient): boolean {
    const { asks, once, witness, ledgerDisk } = this.#parts;
    if (!this.#isKnownAgain(mail)) return true;
    // One that asks leaves nothing in doubt, unless its evidence is lost.
    if (once.inDoubt === 'hold' || (asks && !witness.failed)) return false;
    return ledgerDisk.wasInDoubt(mail, recipient);
  }

  isSettled(mail: Mail, recipient: Recipient): boolean {
    if (!this.#isKnownAgain(mail)) return true;
    if (this.isTaken(mail, recipient)) return true;
    const entries = this.#parts.ledgerDisk.entriesOf(mail, recipient);
    return this.#wasUntaken(entries.map(({ attempt }) => attempt));
  }

  isTaken(mail: Mail, recipient: Recipient): boolean {
    const final = ['delivered', 'quarantined', 'discarded'];
    const entries = this.#parts.ledgerDisk.entriesOf(mail, recipient);
    return entries.some(({ state }) => final.includes(state));
  }

  /** An attempt that the ledger failed may have left its entries as they were, or none. */
  #wasUntaken(attempts: readonly string[]): boolean {
    const { untaken } = this.#parts.told;
    if (attempts.length === 0) return untaken.size > 0;
    return attempts.some((attempt) => untaken.has(attempt));
  }

  /**
   * Whether over SMTP those who have the message come apart from those who may be refused; else one
   * reply bounces both. They are told apart by IDENT, and by what the ledger could take down.
   */
  comeApart(mail: Mail): boolean {
    const { upstream, once, told } = this.#parts;
    const isNamed = once.ledger && upstream.xforward && mail.ident === mail.queueId;
    return upstream.flavour === 'lmtp' || (isNamed && told.untaken.size === 0);
  }

  #isKnownAgain({ queueId, ident }: Mail): boolean {
    const { once, upstream } = this.#parts;
    return once.ledger && (!upstream.xforward || ident === queueId);
  }
}
