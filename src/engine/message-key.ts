/**
 * By what a retry is known: the queue id that Postfix wrote into the topmost Received field, the
 * digest of all bytes, the recipient and its ORCPT. Nothing here guesses: a wrong suppression loses
 * mail, a missed one only repeats it.
 */
import { type Client, parameterOf, type Path } from '../envelope.ts';
import type { Identity } from './identity.ts';

export interface MessageKey {
  readonly queueId: string;
  /** SHA-256 of all bytes, in hex. */
  readonly digest: string;
}

export interface RecipientKey {
  readonly recipient: string;
  /** As it came; two aliases of one box differ in it. */
  readonly orcpt: string;
}

/**
 * Undefined for what cannot be known again: a message without Postfix's Received field on top, and
 * one that `postsuper -r` requeued, whose IDENT is the first queue file's.
 */
export function messageKey(
  { queueId }: Identity,
  digest: string,
  { ident }: Client,
): MessageKey | undefined {
  if (queueId === undefined) return undefined;
  // Absent where XFORWARD is off; in brackets where Postfix has none to tell (XFORWARD_README).
  const told = ident !== undefined && !ident.startsWith('[');
  return told && ident !== queueId ? undefined : { queueId, digest };
}

export function recipientKey(path: Path): RecipientKey {
  return { recipient: path.address, orcpt: parameterOf(path, 'ORCPT')?.value ?? '' };
}

/** One string for all that tells a handover from another; NUL is in none of its parts. */
export function handoverKey({ queueId, digest }: MessageKey, to: RecipientKey): string {
  return [queueId, digest, to.recipient, to.orcpt].join('\0');
}
