/** The address of a next hop as the configuration names it. Nothing is looked up or opened here. */
import { OperationalError } from '../errors.ts';
import type { Flavour } from '../protocol/smtp/client-session.ts';
import { parseSocketAddress, type SocketAddress } from '../socket-address.ts';

export interface NextHopAddress {
  readonly flavour: Flavour;
  readonly connect: SocketAddress;
}

/**
 * A socket's address with `smtp:` or `lmtp:` in front if wanted; SMTP where neither is said.
 *
 * @throws {OperationalError} CONFIG, saying what is wrong and what would be right.
 */
export function parseNextHopAddress(text: string): NextHopAddress {
  const prefix = /^(?<flavour>smtp|lmtp):/u.exec(text)?.groups?.['flavour'];
  const rest = prefix === undefined ? text : text.slice(prefix.length + 1);
  const parsed = parseSocketAddress(rest);
  if (!parsed.ok) throw new OperationalError('CONFIG', `next hop: ${parsed.problem}`);
  return { flavour: prefix === 'lmtp' ? 'lmtp' : 'smtp', connect: parsed.address };
}
