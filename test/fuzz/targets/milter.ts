/**
 * A session of the Milter protocol. The first byte chooses the answers and how the rest is read: as
 * what the MTA sends, or as its frames without their lengths, 0x1e between them, so that what is
 * changed in one leaves the others whole.
 */
import fc from 'fast-check';
import type { MilterEvent } from '../../../src/protocol/milter/contract.ts';
import { FieldPlaces } from '../../../src/protocol/milter/field-places.ts';
import { MilterSession } from '../../../src/protocol/milter/milter-session.ts';
import { canQuarantine, type Terms } from '../../../src/protocol/milter/negotiation.ts';
import { renderMilter, renderSituation } from '../../../src/listener/render-milter.ts';
import type { MilterAnswer } from '../../../src/engine/milter-answer.ts';
import { frame, limits, negotiation, said } from '../../protocol/milter/mta.ts';
import { holds, latin1, type Target, usualBounds, whole } from '../target.ts';
import { chosen } from '../valid.ts';
import { checkAnswers } from './milter-mta.ts';

const separator = 0x1e;

const offers = [
  negotiation(6, 0x1ff, 0x1fffff),
  negotiation(6, 0x1ff, 0x400),
  negotiation(6, 0x01, 0),
  negotiation(4, 0x3f, 0x7f),
  negotiation(2, 0x10, 0),
  negotiation(6, 0, 0x1fffff),
].map((bytes) => bytes.toString('latin1', 4));
const clients = ['Cmx\x004\0\x19192.0.2.1\0', 'Cmx\x006\0\x19IPv6:2001:db8::1\0', 'Cmx\0U']
  .concat(['Clocalhost\0L\0\0/run/x\0', 'Hmx.example\0', 'DCj\0mx\0{daemon_name}\0x\0'])
  .concat(['DMi\x004F1\0', 'DEi\x004F2\0']);
const envelopes = [
  'M<a@b>\0SIZE=9\0',
  'M<>\0',
  'Ma@b\0',
  'R<c@d>\0',
  'R<e@f>\0NOTIFY=NEVER\0',
  'T',
].concat(['UWIZ\0', 'Hother\0']);
const contents = [
  'LSubject\0 x\0',
  'LX-A\0\ty\n z\0',
  'LX-B\0\0',
  'LX-Virus-Scanned\0 forged\0',
  'N',
].concat(['Btext\r\n', 'B', 'E', 'Elast\r\n']);
const ends = ['A', 'K', 'Q'];

/** Messages as an MTA says them, some of them given up. */
const talk = fc
  .tuple(
    fc.constantFrom(...offers),
    fc.array(fc.constantFrom(...clients), { maxLength: 3 }),
    fc.array(
      fc
        .tuple(
          fc.array(fc.constantFrom(...envelopes.slice(3)), { maxLength: 3 }),
          fc.array(fc.constantFrom(...contents.slice(0, 4)), { maxLength: 3 }),
          fc.array(fc.constantFrom(...contents.slice(5, 7)), { maxLength: 3 }),
          fc.constantFrom('E', 'Elast\r\n', ...ends),
        )
        .map(([to, fields, chunks, end]) => ['M<a@b>\0', ...to, ...fields, 'N', ...chunks, end]),
      { maxLength: 3 },
    ),
  )
  .map(([offer, client, messages]) => [offer, ...client, ...messages.flat()]);

const unframed = talk.map((frames) => latin1(frames.join(String.fromCharCode(separator))));
const framed = talk.map((frames) => Buffer.concat(frames.map(framedAs)));

function framedAs(text: string): Buffer {
  return frame(text.slice(0, 1), text.slice(1));
}

/** What the choice of answers, made by one byte, comes to. */
class Answerer {
  readonly #choice: number;
  #turn = 0;
  #fields = new FieldPlaces('X-Virus-Scanned', limits.deletionsMax);

  constructor(choice: number) {
    this.#choice = choice;
  }

  answer(session: MilterSession, event: MilterEvent | undefined): void {
    const { terms } = session;
    if (this.#choice & 2) session.progress();
    if (event?.type === 'mail') {
      const busy = (this.#choice & 4) !== 0 && this.#turn++ % 2 === 0;
      session.answer(renderSituation(busy ? 'busy' : undefined));
      return;
    }
    const said = this.#end(canQuarantine(terms));
    const { verdict, modifications } = renderMilter(said, terms, this.#fields.deletions());
    session.answer(verdict, modifications);
  }

  see(session: MilterSession, event: MilterEvent): void {
    if (event.type === 'mail')
      this.#fields = new FieldPlaces('X-Virus-Scanned', limits.deletionsMax);
    if (event.type === 'header') this.#fields.see(event.name);
    const isNeedless = event.type === 'content' && (this.#choice & 8) !== 0;
    if (isNeedless) session.skipBody();
  }

  #end(canHold: boolean): MilterAnswer {
    switch ((this.#choice >> 4) & 3) {
      case 0:
        return { kind: 'take', stamp: 'clamgate' };
      case 1:
        return canHold
          ? { kind: 'hold', reason: 'clamgate: infected' }
          : { kind: 'refuse', situation: 'infected' };
      case 2:
        return { kind: 'discard' };
      default:
        return { kind: 'refuse', situation: 'scan-failed' };
    }
  }
}

/** As the loop drives it, until it waits for more. What it says is as `said` has it. */
class Conversation {
  readonly #session = new MilterSession(limits);
  readonly #answerer: Answerer;
  #asked: MilterEvent | undefined;
  #isOver = false;

  constructor(choice: number) {
    this.#answerer = new Answerer(choice);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get terms(): Terms {
    return this.#session.terms;
  }

  hear(bytes: Buffer): { readonly events: MilterEvent[]; readonly output: string[] } {
    const events: MilterEvent[] = [];
    const session = this.#session;
    session.receive(bytes);
    while (!this.#isOver) {
      const event = session.next();
      if (event === 'need-data') break;
      if (event === 'paused') this.#answerer.answer(session, this.#asked);
      else {
        this.#asked = event;
        this.#isOver = event.type === 'close';
        this.#answerer.see(session, event);
        events.push(event);
      }
    }
    const isBounded = this.#isOver || session.backlog < 4 + limits.frameBytesMax;
    holds(isBounded, 'no more is kept than a frame that has not come whole');
    return { events, output: said(session.takeOutput()) };
  }
}

function converse(pieces: readonly Buffer[], choice: number): unknown {
  const conversation = new Conversation(choice);
  const heard = pieces.map((piece) => conversation.hear(piece));
  return {
    events: heard.flatMap(({ events }) => events),
    output: heard.flatMap(({ output }) => output),
    terms: conversation.terms,
  };
}

function check(input: Buffer): void {
  const [choice = 0] = input;
  const rest = input.subarray(1);
  const bytes = choice & 1 ? rest : Buffer.concat(split(rest).map(framedBytes));
  whole(bytes, (pieces) => converse(pieces, choice));
  checkAnswers(bytes, new Conversation(choice));
}

function split(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, start)) {
    pieces.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return [...pieces, bytes.subarray(start)];
}

/** An empty piece is a frame without a letter. */
function framedBytes(piece: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(piece.length);
  return Buffer.concat([length, piece]);
}

const words = [...offers, ...clients, ...envelopes, ...contents, ...ends];

export const milter: Target = {
  ...usualBounds,
  name: 'milter',
  tokens: [
    ...words.map((word) => `\x1e${word}`),
    ...words.map((word) => framedAs(word).toString('latin1')),
    ...['\x1e', '\0', '\n', '\r', '\r\n', '%', '\xff', ' ', '{i}', 'X-Virus-Scanned'],
  ],
  valid: fc.oneof(
    { weight: 3, arbitrary: chosen(32, unframed).map(evenChoice) },
    { weight: 1, arbitrary: chosen(32, framed).map(oddChoice) },
  ),
  check,
};

function evenChoice(input: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(input[0] ?? 0) << 1]), input.subarray(1)]);
}

function oddChoice(input: Buffer): Buffer {
  return Buffer.concat([Buffer.from([((input[0] ?? 0) << 1) | 1]), input.subarray(1)]);
}
