/** What a filter answers (SMFIR_*), as bytes. */
import { assert } from '../../assert.ts';
import type { Reply } from '../smtp/reply.ts';
import { encodeFrame } from './frame.ts';

/** Ends what was asked. Those before the last are for the end of a message only. */
export type Verdict =
  /** Goes on, or at the end: takes the message. */
  | { readonly kind: 'continue' }
  /** No more of this message is sent to us; it is taken as it is. */
  | { readonly kind: 'accept' }
  /** Told the sender that it is taken, and dropped. */
  | { readonly kind: 'discard' }
  /** In the MTA's own words: 451 4.7.1, or 550 5.7.1. */
  | { readonly kind: 'tempfail' | 'reject' }
  /** A 4xx or 5xx with its enhanced status code. */
  | { readonly kind: 'reply'; readonly reply: Reply };

/** What is to be done to a message that is then taken. */
export type Modification =
  /** Puts a field behind all others. */
  | { readonly kind: 'add-header'; readonly name: string; readonly value: string }
  /** Puts a field before that of this number; 0 is before the MTA's own Received field. */
  | {
      readonly kind: 'insert-header';
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  /** Takes away the field of this name that is the `index`th one, counted from 1. */
  | { readonly kind: 'delete-header'; readonly index: number; readonly name: string }
  /** The MTA holds the message for its administrator. It is no verdict: one has to follow. */
  | { readonly kind: 'quarantine'; readonly reason: string };

const letters = {
  continue: 'c',
  accept: 'a',
  discard: 'd',
  tempfail: 't',
  reject: 'r',
} as const;

/** Body chunks that follow need not be sent. */
export const skipFrame = encodeFrame('s');
/** Still at work: the MTA's clock begins anew. */
export const progressFrame = encodeFrame('p');
export const continueFrame = encodeFrame(letters.continue);

export function encodeVerdict(verdict: Verdict): Buffer {
  if (verdict.kind === 'reply') return encodeFrame('y', `${replyText(verdict.reply)}\0`);
  return encodeFrame(letters[verdict.kind]);
}

/** libmilter's MAXREPLYLEN, the longest line of a reply that Sendmail takes, code included. */
const replyLineBytesMax = 980;

/**
 * The reply as SMTP has it, without its last CRLF. Sendmail takes it for a format string, so a "%"
 * is said twice; Postfix makes one of two (milter8.c).
 */
function replyText({ code, enhanced, lines }: Reply): string {
  const refuses = code >= 400 && code <= 599;
  assert(refuses && enhanced !== undefined, 'a filter refuses with an enhanced status code');
  assert(enhanced.startsWith(String(code)[0] ?? ''), 'both codes are of one class');
  const last = lines.length - 1;
  const said = lines.map((line, at) => {
    const words = `${code}${at === last ? ' ' : '-'}${enhanced} ${line}`;
    return words
      .replace(/[^ -~]/g, '?')
      .slice(0, replyLineBytesMax)
      .replaceAll('%', '%%');
  });
  return said.join('\r\n');
}

/**
 * @param leadingSpace whether a value goes with the blank behind its colon; else the MTA puts one.
 */
export function encodeModification(modification: Modification, leadingSpace: boolean): Buffer {
  switch (modification.kind) {
    case 'add-header':
      return encodeFrame('h', field(modification, leadingSpace));
    case 'insert-header':
      return encodeFrame('i', number(modification.index), field(modification, leadingSpace));
    case 'delete-header':
      // An empty value takes the field away.
      return encodeFrame('m', number(modification.index), `${modification.name}\0\0`);
    case 'quarantine':
      return encodeFrame('q', `${modification.reason.replace(/[^ -~]/g, '?')}\0`);
  }
}

function field({ name, value }: { name: string; value: string }, leadingSpace: boolean): string {
  assert(/^[!-9;-~]+$/.test(name) && /^[ -~]+$/.test(value), 'a field of ours is one line');
  return `${name}\0${leadingSpace ? ' ' : ''}${value}\0`;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
