/**
 * What an MTA expects of a filter, written down apart from ours: libmilter's letters and bits, and
 * which of them wants an answer.
 */
import type { MilterEvent } from '../../../src/protocol/milter/contract.ts';
import type { Terms } from '../../../src/protocol/milter/negotiation.ts';
import { holds } from '../target.ts';

/** A session, and what it makes of some bytes. */
interface Heard {
  readonly isOver: boolean;
  readonly terms: Terms;
  /** Events, and what was said, as `said` has it. */
  hear(bytes: Buffer): {
    readonly events: readonly MilterEvent[];
    readonly output: readonly string[];
  };
}

/** The frames of an MTA, as they are; what does not come whole is left out. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

/** The bit with which an MTA is told not to wait for an answer (SMFIP_NR_*, libmilter's mfdef.h). */
const silentBits: Readonly<Record<string, number>> = {
  C: 0x1000,
  H: 0x2000,
  R: 0x8000,
  T: 0x10000,
  U: 0x20000,
  N: 0x40000,
  L: 0x80,
};
const unanswered = ['A', 'D', 'K', 'Q'];
const skip = 0x400;

/** Hears an MTA frame by frame: who waits for an answer gets one, and nobody else does. */
export function checkAnswers(bytes: Buffer, conversation: Heard): void {
  let isOpen = false;
  for (const one of framesOf(bytes)) {
    const wasOver = conversation.isOver;
    const { events, output } = conversation.hear(one);
    if (wasOver) holds(output.length + events.length === 0, 'nothing is said behind the end');
    // MAIL that is refused opens no message.
    const isRefusedMail = output.at(-1)?.startsWith('y') === true;
    isOpen = checkEvents(events, isOpen) && !isRefusedMail;
    checkContent(one, events, (conversation.terms.steps & 0x100000) !== 0);
    const isRefused = events.some(({ type }) => type === 'protocol-error');
    if (isRefused) holds(output.length === 0, 'what is no Milter protocol gets no answer');
    if (isRefused || conversation.isOver) continue;
    checkOutput(one, output, conversation.terms);
  }
}

/** A message is opened, ends once, and has nothing before or behind that. */
function checkEvents(events: readonly MilterEvent[], wasOpen: boolean): boolean {
  return events.reduce((isOpen, { type }) => {
    if (type === 'close') return false;
    if (type === 'protocol-error') return isOpen;
    holds(isOpen === (type !== 'mail'), `${type} in its place`);
    return type !== 'abort' && type !== 'end-of-message';
  }, wasOpen);
}

/** What stood in the message comes out as it stood there. */
function checkContent(one: Buffer, events: readonly MilterEvent[], withSpace: boolean): void {
  const data = one.toString('latin1', 5);
  for (const event of events) {
    if (event.type === 'content') {
      const expected = one[4] === 0x4e ? '\r\n' : data;
      holds(event.bytes.toString('latin1') === expected, 'the bytes of the body');
    }
    if (event.type !== 'header') continue;
    const [name = '', value = ''] = data.split('\0');
    const field = `${name}:${withSpace ? '' : ' '}${value.replaceAll('\n', '\r\n')}\r\n`;
    holds(event.line.toString('latin1') === field, 'the bytes of a field');
  }
}

/** The answer to one command, in libmilter's letters (SMFIR_*). */
function checkOutput(one: Buffer, output: readonly string[], terms: Terms): void {
  const letter = one.toString('latin1', 4, 5);
  const words = output.filter((word) => word !== 'p');
  const last = words.at(-1) ?? '';
  if (letter === 'O') {
    holds(words.length === 1 && last.startsWith('O'), 'an offer has one answer');
    holds(terms.version >= 2 && terms.version <= one.readUInt32BE(5), 'a version of both');
    holds((terms.actions & ~one.readInt32BE(9)) === 0, 'no action that was not offered');
    holds((terms.steps & ~one.readInt32BE(13)) === 0, 'no step that was not offered');
    return;
  }
  const silent = silentBits[letter] ?? 0;
  const isWaitedFor = !unanswered.includes(letter) && (terms.steps & silent) === 0;
  if (letter !== 'E') holds(words.length === (isWaitedFor ? 1 : 0), `${letter} has its answer`);
  if (letter !== 'M' && letter !== 'E') holds(output.length === words.length, 'no progress');
  if (letter === 'E') checkEnd(words, terms.actions);
  else if (letter === 'M') holds(/^(c|y4..[ -].*\0)$/s.test(last), `MAIL: ${last}`);
  else if (last === 's') holds(letter === 'B' && (terms.steps & skip) !== 0, 'skip was agreed on');
  else if (isWaitedFor) holds(last === 'c', `${letter}: ${last}`);
}

/** What each modification takes (SMFIF_*), and one verdict behind them. */
function checkEnd(words: readonly string[], actions: number): void {
  const needs: Readonly<Record<string, number>> = { h: 0x01, i: 0x21, m: 0x10, q: 0x20 };
  const verdict = words.at(-1) ?? '';
  holds(/^([acdtr]|y[45].*\0)$/s.test(verdict), `a verdict: ${verdict}`);
  for (const word of words.slice(0, -1)) {
    const need = needs[word.slice(0, 1)];
    holds(need !== undefined && (actions & need) === need, `agreed on: ${word}`);
  }
}
