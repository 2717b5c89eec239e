/**
 * The letters and bits of the Milter protocol, versions 2 to 6, as Sendmail's libmilter (mfdef.h,
 * mfapi.h) and Postfix (src/milter/milter8.c) have them. There is no standard beyond those two.
 */

/** What the MTA says, by its letter (SMFIC_*). */
const commands = {
  A: 'abort',
  B: 'body',
  C: 'connect',
  D: 'macro',
  E: 'end',
  H: 'helo',
  K: 'quit-nc',
  L: 'header',
  M: 'mail',
  N: 'end-of-header',
  O: 'negotiate',
  Q: 'quit',
  R: 'rcpt',
  T: 'data',
  U: 'unknown',
} as const;

export type CommandName = (typeof commands)[keyof typeof commands];

/** The letter of a negotiation, which both sides send (SMFIC_OPTNEG). */
export const negotiateLetter = 'O';

const commandsByLetter: ReadonlyMap<string, CommandName> = new Map(Object.entries(commands));

/** Undefined for a letter that no version has. */
export function commandOf(letter: string): CommandName | undefined {
  return commandsByLetter.get(letter);
}

/** What a filter may do to a message at its end (SMFIF_*). */
export const actions = {
  addHeaders: 1 << 0,
  changeHeaders: 1 << 4,
  /** Came with Sendmail 8.13, as did inserting a field at a place. */
  quarantine: 1 << 5,
} as const;

/** What the MTA is not to send, is to send otherwise, or need not be answered (SMFIP_*). */
export const steps = {
  /** It does not send commands that it does not know. */
  noUnknown: 1 << 8,
  /** It understands `skip`. */
  skip: 1 << 10,
  /** It waits for no answer to these (SMFIP_NR_*). */
  silentHeader: 1 << 7,
  silentConnect: 1 << 12,
  silentHelo: 1 << 13,
  silentRcpt: 1 << 15,
  silentData: 1 << 16,
  silentUnknown: 1 << 17,
  silentEndOfHeader: 1 << 18,
  /** The value of a field comes and goes with the blank behind the colon (SMFIP_HDR_LEADSPC). */
  leadingSpace: 1 << 20,
} as const;

/** Whether `mask` has all bits of `bit`. */
export function has(mask: number, bit: number): boolean {
  return (mask & bit) === bit;
}
