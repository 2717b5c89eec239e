/**
 * The client's side of one SMTP or LMTP connection (RFC 5321, RFC 2033), without I/O: commands go
 * in, `output` gives the bytes that may be sent now, `receive` takes what the next hop says, and
 * `next` gives its answers in the order of the commands.
 *
 * It holds pipelined commands back until they may be sent, says HELO where EHLO is not known, and
 * ignores what is answered to XFORWARD. It does not know addresses, time, or what an answer means
 * for a message.
 *
 * The legal path: greeting → ready; then for each message HELLO → open, XFORWARD*, MAIL → envelope,
 * RCPT*, DATA → content → dot → ready. RSET leads from open and envelope back to ready, and QUIT
 * ends it there. Any other call is a mistake of ours (an assertion).
 */
import { assert } from '../../assert.ts';
import { type Extensions, noExtensions, parseExtensions } from './client-extensions.ts';
import { DataEncoder } from './data-encoder.ts';
import { ReplyDecoder } from './reply-decoder.ts';
import { type Reply, isPermanent, isPositive, isTransient } from './reply.ts';

export type Flavour = 'smtp' | 'lmtp';

export type Verb = 'XFORWARD' | 'MAIL' | 'RCPT' | 'DATA' | 'RSET' | 'QUIT';

export type Phase =
  'greeting' | 'ready' | 'hello' | 'open' | 'envelope' | 'data' | 'content' | 'dot' | 'over';

/** What an answer is expected for. */
type Step = Verb | 'GREETING' | 'HELLO' | 'DOT';

export type ClientEvent =
  /** The answer to the oldest unanswered step: what it hopes for (2xx; 354 to DATA), 4xx or 5xx. */
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** A refusal while content is still being sent. The session is over. */
  | { readonly kind: 'early'; readonly reply: Reply }
  /** 421 (RFC 5321 §3.8): the next hop closes. The session is over. */
  | { readonly kind: 'closing'; readonly reply: Reply }
  /** What cannot be an answer here, described in our words. The session is over. */
  | { readonly kind: 'nonsense'; readonly detail: string };

interface Rule {
  /** Where it may be said. */
  readonly from: readonly Phase[];
  /** Where saying it leads. */
  readonly to: Phase;
}

const rules: Record<Verb | 'HELLO', Rule> = {
  HELLO: { from: ['ready'], to: 'hello' },
  XFORWARD: { from: ['open'], to: 'open' },
  MAIL: { from: ['open'], to: 'envelope' },
  RCPT: { from: ['envelope'], to: 'envelope' },
  DATA: { from: ['envelope'], to: 'data' },
  RSET: { from: ['open', 'envelope'], to: 'ready' },
  QUIT: { from: ['ready'], to: 'over' },
};

interface Command {
  readonly step: Verb | 'HELLO';
  readonly line: string;
}

export class ClientSession {
  readonly flavour: Flavour;
  #phase: Phase = 'greeting';
  #extensions: Extensions = noExtensions;
  /** What `#extensions` was read from: mostly each EHLO of a connection is answered alike. */
  #announced: Reply | undefined;
  /** Said and not yet sent. */
  #queue: Command[] = [];
  /** Sent and not yet answered. */
  #unanswered: Step[] = ['GREETING'];
  #helloName = '';
  /** The next hop knows only HELO. */
  #plain = false;
  #encoder = new DataEncoder();
  readonly #decoder = new ReplyDecoder();

  constructor(flavour: Flavour) {
    this.flavour = flavour;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** What the answer to the latest EHLO or LHLO announced. */
  get extensions(): Extensions {
    return this.#extensions;
  }

  /** Answers that are still to come. */
  get awaited(): number {
    return this.#unanswered.length + this.#queue.length;
  }

  /** EHLO or LHLO, and HELO when a next hop refuses EHLO for good: one answer. */
  hello(name: string): void {
    this.#plain = false;
    this.#helloName = name;
    this.#say('HELLO', `${this.flavour === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}`);
  }

  /** One command line, without CRLF. It has one answer, XFORWARD none. */
  say(verb: Verb, line: string = verb): void {
    this.#say(verb, line);
  }

  /** The content as it is to be sent, after DATA was answered 354. */
  content(chunk: Buffer): readonly Buffer[] {
    assert(this.#phase === 'content', `content in ${this.#phase}`);
    return this.#encoder.encode(chunk);
  }

  /** The final dot; `answers` of them are to come (RFC 2033 §4.2: one per accepted recipient). */
  endOfData(answers: number): Buffer {
    assert(this.#phase === 'content', `final dot in ${this.#phase}`);
    this.#phase = 'dot';
    for (let count = 0; count < answers; count++) this.#unanswered.push('DOT');
    return this.#encoder.end();
  }

  /** The bytes of all commands that may be sent now, in one piece; empty when there are none. */
  output(): Buffer {
    const lines: string[] = [];
    for (let next = this.#queue[0]; next && this.#mayFollow(next); next = this.#queue[0]) {
      this.#queue.shift();
      this.#unanswered.push(next.step);
      lines.push(`${next.line}\r\n`);
    }
    return Buffer.from(lines.join(''), 'utf8');
  }

  /** Takes bytes as they come. Call `next` until it has nothing before giving more. */
  receive(bytes: Buffer): void {
    this.#decoder.receive(bytes);
  }

  next(): ClientEvent | undefined {
    while (this.#phase !== 'over') {
      const decoded = this.#decoder.next();
      if (decoded === undefined) return undefined;
      const event = decoded.kind === 'nonsense' ? decoded : this.#take(decoded.reply);
      if (event === undefined) continue;
      if (event.kind !== 'reply') this.#phase = 'over';
      return event;
    }
    return undefined;
  }

  #say(step: Verb | 'HELLO', line: string): void {
    const { from, to } = rules[step];
    assert(from.includes(this.#phase), `${step} in ${this.#phase}`);
    assert(!/[\r\n\0]/u.test(line), 'a command is one line');
    this.#phase = to;
    this.#queue.push({ step, line });
  }

  /**
   * RFC 2920 §3.1: HELLO, DATA and QUIT end a group; behind them nothing may be said (`rules`) until
   * they are answered. HELLO also begins one: what may follow is known only from its answer.
   */
  #mayFollow({ step }: Command): boolean {
    if (this.#unanswered.length === 0) return true;
    return step !== 'HELLO' && this.#extensions.has('PIPELINING');
  }

  /** What `reply` is; nothing when it concerns only the session itself. */
  #take(reply: Reply): ClientEvent | undefined {
    const step = this.#unanswered.shift();
    // At the dot a 421 is an answer like other refusals: it decides what became of the message.
    if (reply.code === 421 && step !== 'DOT') return { kind: 'closing', reply };
    if (step === undefined) return this.#unasked(reply);
    const granted = grants(step, reply);
    if (!granted && !isTransient(reply) && !isPermanent(reply)) {
      return { kind: 'nonsense', detail: `${step} answered with a ${reply.code}` };
    }
    return this.#advance(step, granted, reply) ? { kind: 'reply', reply } : undefined;
  }

  #unasked(reply: Reply): ClientEvent {
    const refused = isTransient(reply) || isPermanent(reply);
    if (this.#phase === 'content' && refused) return { kind: 'early', reply };
    return { kind: 'nonsense', detail: `a ${reply.code} that answers nothing` };
  }

  /** Moves on after an answer; says whether anyone waits for it. */
  #advance(step: Step, granted: boolean, reply: Reply): boolean {
    if (step === 'XFORWARD') return false; // Refused or not, the mail goes on.
    if (step === 'HELLO') return this.#afterHello(granted, reply);
    if (step === 'GREETING') this.#phase = granted ? 'ready' : 'over';
    if (step === 'DATA') this.#afterData(granted);
    if (step === 'DOT' && !this.#unanswered.includes('DOT')) this.#phase = 'ready';
    return true;
  }

  #afterHello(granted: boolean, reply: Reply): boolean {
    if (!granted && isPermanent(reply) && this.flavour === 'smtp' && !this.#plain) {
      this.#plain = true; // RFC 5321 §3.2: a server that does not know EHLO may know HELO.
      this.#queue.unshift({ step: 'HELLO', line: `HELO ${this.#helloName}` });
      return false;
    }
    this.#phase = granted ? 'open' : 'ready';
    if (!granted || this.#plain) this.#announced = undefined;
    else if (!isSame(reply, this.#announced)) this.#announced = reply;
    else return true;
    this.#extensions = this.#announced ? parseExtensions(this.#announced) : noExtensions;
    return true;
  }

  #afterData(granted: boolean): void {
    this.#phase = granted ? 'content' : 'envelope';
    this.#encoder = new DataEncoder();
  }
}

function isSame({ lines }: Reply, other: Reply | undefined): boolean {
  return (
    lines.length === other?.lines.length && lines.every((line, at) => line === other.lines[at])
  );
}

function grants(step: Step, reply: Reply): boolean {
  if (step === 'GREETING') return reply.code === 220;
  if (step === 'DATA') return reply.code === 354;
  return isPositive(reply);
}
