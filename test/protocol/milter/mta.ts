/** An MTA's words, and a session heard as an MTA hears it; for the tests of both. */
import type { MilterEvent, MilterLimits } from '../../../src/protocol/milter/contract.ts';
import { MilterSession } from '../../../src/protocol/milter/milter-session.ts';
import type { Modification, Verdict } from '../../../src/protocol/milter/responses.ts';

export function frame(letter: string, data: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(data as string, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length + 1);
  return Buffer.concat([length, Buffer.from(letter), bytes]);
}

function word(value: number): string {
  return [24, 16, 8, 0].map((shift) => String.fromCharCode((value >>> shift) & 255)).join('');
}

export function negotiation(version: number, actions: number, steps: number): Buffer {
  return frame('O', word(version) + word(actions) + word(steps));
}

/** What Postfix 3.7 offers with milter_protocol = 6: all there is. */
export const postfixOffer = negotiation(6, 0x1ff, 0x1fffff);
/** What it then hears: 6, ADDHDRS CHGHDRS QUARANTINE, and the steps of negotiation.ts. */
export const postfixTerms = negotiation(6, 0x31, 0x143580);

export const connect = frame('C', 'client.example\x004\x00\x19192.0.2.1\0');
export const helo = frame('H', 'client.example\0');
export const mail = frame('M', '<a@example.net>\0SIZE=100\0BODY=8BITMIME\0');
export const rcpt = frame('R', '<b@example.org>\0NOTIFY=NEVER\0');
export const subject = frame('L', 'Subject\0 x\0');
export const endOfHeader = frame('N');
export const body = frame('B', 'x\r\n');
export const end = frame('E');

export const hello: readonly Buffer[] = [postfixOffer, connect, helo];
export const message: readonly Buffer[] = [mail, rcpt, subject, endOfHeader, body, end];

export type Answers = (
  event: MilterEvent,
) => readonly [verdict: Verdict, modifications?: readonly Modification[]];

const takes: Answers = (event) => [{ kind: event.type === 'mail' ? 'continue' : 'accept' }];

export const limits: MilterLimits = {
  frameBytesMax: 1000,
  macroBytesMax: 60,
  envelopeBytesMax: 200,
  deletionsMax: 3,
};

export interface Heard {
  /** Contents and fields that follow each other are one. */
  readonly events: readonly object[];
  /** Letters and data, and where the bytes end in the middle of one, those. */
  readonly output: readonly string[];
}

/** Drives a session as the loop does. */
export function converse(pieces: readonly Buffer[], answers = takes, within = limits): Heard {
  const session = new MilterSession(within);
  const events: object[] = [];
  const output: Buffer[] = [];
  let asked: MilterEvent | undefined;
  for (const piece of pieces) {
    session.receive(piece);
    for (;;) {
      const event = session.next();
      if (event === 'need-data') break;
      if (event === 'paused') {
        if (asked) session.answer(...answers(asked));
        continue;
      }
      asked = event;
      events.push(named(event));
      if (event.type === 'close')
        return { events, output: said([...output, ...session.takeOutput()]) };
    }
    output.push(...session.takeOutput());
  }
  return { events, output: said(output) };
}

function named(event: MilterEvent): object {
  if (event.type === 'header') return { ...event, line: event.line.toString('latin1') };
  return event.type === 'content' ? { ...event, bytes: event.bytes.toString('latin1') } : event;
}

/** `c`, `y550 5.7.1 text\0`; a frame that is cut is said with its length. */
export function said(output: readonly Buffer[]): string[] {
  const all: string[] = [];
  let bytes = Buffer.concat(output);
  while (bytes.length > 0) {
    const length = bytes.length < 4 ? Infinity : bytes.readUInt32BE();
    if (bytes.length < 4 + length) return [...all, `cut: ${bytes.toString('latin1')}`];
    all.push(bytes.toString('latin1', 4, 4 + length));
    bytes = bytes.subarray(4 + length);
  }
  return all;
}
