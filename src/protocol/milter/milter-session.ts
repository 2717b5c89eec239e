/**
 * The filter's side of the Milter protocol: bytes in, events out, answers in, bytes out. It reads
 * no clock and no socket, and knows nothing of what becomes of a message. Which command may come
 * when is in transitions.ts.
 *
 * Who drives it calls `receive`, then `next` until it returns 'need-data' (receive more) or
 * 'paused' (answer what was asked), and writes `takeOutput` in between. The MTA is told to go on
 * after each command that needs no answer of ours, once `next` is called again: an MTA that waits
 * for it is held back by who takes the content.
 */
import { assert } from '../../assert.ts';
import type { Client } from '../../envelope.ts';
import type { MilterEvent, MilterLimits } from './contract.ts';
import { FrameDecoder } from './frame.ts';
import { MacroTable } from './macros.ts';
import { agree, encodeTerms, parseOffer, type Terms } from './negotiation.ts';
import { parseConnect, parseHeader, parseHelo, parseMacros, parsePath } from './payload.ts';
import {
  continueFrame,
  encodeModification,
  encodeVerdict,
  type Modification,
  progressFrame,
  skipFrame,
  type Verdict,
} from './responses.ts';
import { after, hasMessage, type StateName } from './transitions.ts';
import { commandOf, type CommandName, has, steps } from './words.ts';

type Step = MilterEvent | 'again';

const emptyLine = Buffer.from('\r\n');

/** The commands that an MTA may have been told not to wait for an answer to. */
const silence: Readonly<Partial<Record<CommandName, number>>> = {
  connect: steps.silentConnect,
  helo: steps.silentHelo,
  rcpt: steps.silentRcpt,
  data: steps.silentData,
  unknown: steps.silentUnknown,
  header: steps.silentHeader,
  'end-of-header': steps.silentEndOfHeader,
};

/** Of a path that is kept, besides what was said. */
const pathOverheadBytes = 32;

const nothingAgreed: Terms = { version: 0, actions: 0, steps: 0 };

export class MilterSession {
  readonly #limits: MilterLimits;
  readonly #input: FrameDecoder;
  readonly #macros: MacroTable;
  #state: StateName = 'new';
  #terms = nothingAgreed;
  #client: Client = {};
  #envelopeBytes = 0;
  /** To be said when the event that was handed out has been taken. */
  #owed: CommandName | undefined;
  #ahead: MilterEvent | undefined;
  #skipping = false;
  #output: Buffer[] = [];

  constructor(limits: MilterLimits) {
    this.#limits = limits;
    this.#input = new FrameDecoder(limits.frameBytesMax);
    this.#macros = new MacroTable(limits.macroBytesMax);
  }

  get state(): StateName {
    return this.#state;
  }

  /** What was agreed with this MTA. */
  get terms(): Terms {
    return this.#terms;
  }

  /** Bytes received and not consumed: who receives while it is 'paused' must keep an eye on them. */
  get backlog(): number {
    return this.#input.backlog;
  }

  receive(bytes: Buffer): void {
    if (this.#state !== 'closed') this.#input.receive(bytes);
  }

  /** The next event; 'paused' while an answer is due, 'need-data' when more input is. */
  next(): MilterEvent | 'need-data' | 'paused' {
    for (;;) {
      if (this.#state === 'closed') return this.#takeAhead() ?? { type: 'close' };
      if (isAsked(this.#state)) return this.#takeAhead() ?? 'paused';
      this.#payOwed();
      const step = this.#takeAhead() ?? this.#read();
      if (step === undefined) return 'need-data';
      if (step !== 'again') return step;
    }
  }

  /**
   * Answers `mail` or `end-of-message`. Modifications are for the end alone, and only such as were
   * agreed on. What comes after the session has closed is dropped.
   */
  answer(verdict: Verdict, modifications: readonly Modification[] = []): void {
    if (this.#state === 'closed') return;
    assert(isAsked(this.#state), 'an answer belongs to an event');
    assert(modifications.length === 0 || this.#state === 'end-asked', 'only the end modifies');
    const leadingSpace = has(this.#terms.steps, steps.leadingSpace);
    for (const one of modifications) this.#output.push(encodeModification(one, leadingSpace));
    this.#output.push(encodeVerdict(verdict));
    const opens = this.#state === 'mail-asked' && verdict.kind === 'continue';
    this.#state = opens ? 'envelope' : 'connected';
    if (!opens) this.#macros.endMessage();
  }

  /** While an answer is due: begins the MTA's clock anew. */
  progress(): void {
    if (isAsked(this.#state)) this.#output.push(progressFrame);
  }

  /** Of this message's body no more is needed. An MTA that cannot skip sends it all the same. */
  skipBody(): void {
    this.#skipping = true;
  }

  /**
   * Closes without another word, but for `last` where an answer is due: whatever else the MTA has
   * open, it then defers by itself (Postfix: milter_default_action).
   */
  hangUp(last: Verdict): void {
    if (isAsked(this.#state)) this.#output.push(encodeVerdict(last));
    this.#state = 'closed';
  }

  /** Bytes to write now, in order; each is handed out once. */
  takeOutput(): Buffer[] {
    return this.#output.splice(0);
  }

  #takeAhead(): MilterEvent | undefined {
    const event = this.#ahead;
    this.#ahead = undefined;
    return event;
  }

  #payOwed(): void {
    const command = this.#owed;
    this.#owed = undefined;
    if (command === undefined) return;
    const skips = command === 'body' && this.#skipping && has(this.#terms.steps, steps.skip);
    this.#output.push(skips ? skipFrame : continueFrame);
  }

  #read(): Step | undefined {
    const frame = this.#input.next();
    if (frame === undefined) return undefined;
    if (frame.kind === 'malformed') return this.#refuse(frame.detail);
    const command = commandOf(frame.letter);
    if (command === undefined) {
      return this.#refuse(`an unknown command, ${JSON.stringify(frame.letter)}`);
    }
    const before = this.#state;
    const state = after(before, command);
    if (state === undefined) return this.#refuse(`${command} while ${before}`);
    this.#state = state;
    if (this.#isWaitedFor(command)) this.#owed = command;
    return this.#take(command, frame.data, before);
  }

  #isWaitedFor(command: CommandName): boolean {
    const silent = silence[command];
    return command === 'body' || (silent !== undefined && !has(this.#terms.steps, silent));
  }

  #take(command: CommandName, data: Buffer, before: StateName): Step {
    switch (command) {
      case 'negotiate':
        return this.#negotiate(data);
      case 'macro':
        return this.#define(data);
      case 'connect':
        return this.#know(parseConnect(data), command);
      case 'helo': {
        const helo = parseHelo(data);
        return this.#know(helo === undefined ? undefined : { ...this.#client, helo }, command);
      }
      case 'mail':
      case 'rcpt':
        return this.#path(command, data);
      case 'header':
        return this.#header(data);
      case 'end-of-header':
        return { type: 'content', bytes: emptyLine };
      case 'body':
        return data.length > 0 ? { type: 'content', bytes: data } : 'again';
      case 'end':
        return this.#end(data);
      case 'data':
      case 'unknown':
        return 'again';
      case 'abort':
      case 'quit':
      case 'quit-nc':
        return this.#giveUp(command, before);
    }
  }

  #negotiate(data: Buffer): Step {
    const offer = parseOffer(data);
    if (!offer) return this.#refuse('a negotiation that is too short');
    const terms = agree(offer);
    if (!terms) return this.#refuse(`version ${offer.version} of the protocol is too old`);
    this.#terms = terms;
    this.#output.push(encodeTerms(terms));
    return 'again';
  }

  #define(data: Buffer): Step {
    const macros = parseMacros(data);
    if (!macros) return this.#malformed('macro');
    return this.#macros.set(macros) ? 'again' : this.#refuse('too many macros');
  }

  #know(client: Client | undefined, command: CommandName): Step {
    if (!client) return this.#malformed(command);
    this.#client = client;
    return 'again';
  }

  #path(command: 'mail' | 'rcpt', data: Buffer): Step {
    const path = parsePath(data);
    if (!path) return this.#malformed(command);
    if (command === 'mail') this.#beginMessage();
    this.#envelopeBytes += data.length + pathOverheadBytes;
    if (command === 'mail') return { type: 'mail', client: this.#client, path };
    return this.#hasTooMany ? 'again' : { type: 'recipient', path };
  }

  #beginMessage(): void {
    this.#envelopeBytes = 0;
    this.#skipping = false;
  }

  get #hasTooMany(): boolean {
    return this.#envelopeBytes > this.#limits.envelopeBytesMax;
  }

  #header(data: Buffer): Step {
    const field = parseHeader(data, has(this.#terms.steps, steps.leadingSpace));
    return field ? { type: 'header', ...field } : this.#malformed('header');
  }

  /** Sendmail may say the last of the body with it, Postfix says it apart (milter8.c). */
  #end(data: Buffer): Step {
    const end: MilterEvent = {
      type: 'end-of-message',
      queueId: this.#macros.get('i'),
      tooManyRecipients: this.#hasTooMany,
    };
    if (data.length === 0) return end;
    this.#ahead = end;
    return { type: 'content', bytes: data };
  }

  #giveUp(command: 'abort' | 'quit' | 'quit-nc', before: StateName): Step {
    this.#macros.endMessage();
    if (command !== 'abort') {
      this.#client = {};
      this.#macros.endConnection();
    }
    return hasMessage(before) ? { type: 'abort' } : 'again';
  }

  #malformed(command: CommandName): Step {
    return this.#refuse(`${command} with data that it does not have`);
  }

  #refuse(detail: string): Step {
    this.#state = 'closed';
    this.#owed = undefined;
    return { type: 'protocol-error', detail };
  }
}

function isAsked(state: StateName): boolean {
  return state === 'mail-asked' || state === 'end-asked';
}
