import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { assert } from '../assert.ts';
import type { MilterEngine } from '../engine/milter-engine.ts';
import type { MilterTransaction } from '../engine/milter-transaction.ts';
import { stampName } from '../engine/stamp.ts';
import { defaultMilterLimits, type MilterEvent } from '../protocol/milter/contract.ts';
import { FieldPlaces } from '../protocol/milter/field-places.ts';
import type { MilterSession } from '../protocol/milter/milter-session.ts';
import { canQuarantine } from '../protocol/milter/negotiation.ts';
import type { Handler } from './drive.ts';
import { untilTick } from './progress.ts';
import { renderMilter, renderSituation } from './render-milter.ts';

export interface MilterHandlerOptions {
  /** The engine for the next message; a reload of the configuration may change it. */
  readonly engine: () => MilterEngine;
  readonly clock: Clock;
  readonly stopping: CancelSignal;
  /** Told of what should be impossible, with its stack, and of what is not the Milter protocol. */
  readonly onFault: (error: unknown) => void;
}

/** Sendmail and Postfix give up on a filter that says nothing for 300 s. */
const progressMs = 30_000;

/** What has come in our name, to be taken away. */
function forgedFields(): FieldPlaces {
  return new FieldPlaces(stampName, defaultMilterLimits.deletionsMax);
}

type EndOfMessage = Extract<MilterEvent, { type: 'end-of-message' }>;

/**
 * The Milter door: hands the events of a session to a transaction, and its answer back. While a
 * scan runs the MTA is told so.
 */
export class MilterHandler implements Handler<MilterEvent> {
  readonly #session: MilterSession;
  readonly #options: MilterHandlerOptions;
  #transaction: MilterTransaction | undefined;
  #forged = forgedFields();
  #answering: Promise<void> | undefined;

  constructor(session: MilterSession, options: MilterHandlerOptions) {
    this.#session = session;
    this.#options = options;
  }

  handle(event: MilterEvent): Promise<void> | undefined {
    switch (event.type) {
      case 'mail':
        this.#forged = forgedFields();
        this.#transaction = this.#options.engine().begin(event.client, event.path);
        this.#answerWith(this.#open(this.#transaction));
        return undefined;
      case 'recipient':
        this.#current().recipient(event.path);
        return undefined;
      case 'header':
        this.#forged.see(event.name);
        if (this.#forged.tooMany) this.#current().refuse('header-too-large');
        return this.#write(event.line);
      case 'content':
        return this.#write(event.bytes);
      case 'end-of-message':
        this.#answerWith(this.#finish(this.#current(), event));
        return undefined;
      case 'protocol-error':
        this.#options.onFault(new Error(`Milter: ${event.detail}`));
        this.gone();
        return undefined;
      case 'abort':
        this.gone();
        return undefined;
      case 'close':
        return undefined;
    }
  }

  /** A peer that is still in its envelope is not waited for: its MTA defers it by itself. */
  get atWork(): boolean {
    return this.#transaction?.atWork === true;
  }

  answered(): Promise<void> | undefined {
    if (!this.#answering) return undefined;
    return untilTick(this.#answering, this.#options.clock, progressMs, () => {
      this.#session.progress();
    });
  }

  gone(): void {
    this.#transaction?.abandon();
    this.#transaction = undefined;
  }

  /**
   * An MTA is silent for as long as its client is, and that is not ours to judge; but content it
   * sends at one go.
   */
  silent(overdue: boolean): void {
    // While the daemon drains, a message that is still arriving gets its 451 at its end.
    if (!overdue && this.#options.stopping.aborted === this.atWork) return;
    this.gone();
    this.#session.hangUp(renderSituation('stopping'));
  }

  fault(error: unknown): void {
    this.#options.onFault(error);
    this.#session.hangUp(renderSituation('impossible'));
  }

  /** The daemon's drain time is over. */
  shutDown(): void {
    this.#transaction?.shutDown();
  }

  #current(): MilterTransaction {
    assert(this.#transaction, 'the session lets nothing but MAIL come before MAIL');
    return this.#transaction;
  }

  #write(bytes: Buffer): Promise<void> | undefined {
    const transaction = this.#current();
    const writing = transaction.write(bytes);
    if (transaction.needsNoMore) this.#session.skipBody();
    return writing;
  }

  async #open(transaction: MilterTransaction): Promise<void> {
    const refusal = await transaction.open();
    if (refusal !== undefined) this.#transaction = undefined;
    this.#session.answer(renderSituation(refusal));
  }

  async #finish(transaction: MilterTransaction, event: EndOfMessage): Promise<void> {
    const { terms } = this.#session;
    const { queueId, tooManyRecipients } = event;
    const canHold = canQuarantine(terms);
    const answer = await transaction.finish({ queueId, tooManyRecipients, canHold });
    this.#transaction = undefined;
    const said = answer ?? { kind: 'refuse', situation: 'deferred' };
    const { verdict, modifications } = renderMilter(said, terms, this.#forged.deletions());
    this.#session.answer(verdict, modifications);
  }

  #answerWith(pending: Promise<void>): void {
    this.#answering = pending
      .catch((error: unknown) => {
        this.#transaction = undefined;
        this.#options.onFault(error);
        this.#session.answer(renderSituation('impossible'));
      })
      .finally(() => {
        this.#answering = undefined;
      });
  }
}
