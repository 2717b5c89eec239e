/** Addresses on the command line: a wrong one is a wrong command line, said before anything is done. */
import { InvalidArgumentError } from 'commander';
import { messageOf } from '../errors.ts';
import { parseNextHopAddress } from '../relay/address.ts';

/** What is to stand in RCPT TO:<...>; with those that were named before it. */
export function recipient(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, mailbox(value)];
}

/** What is to stand in MAIL FROM:<...>; '' or '<>' is the null reverse-path (RFC 5321 §4.5.5). */
export function sender(value: string): string {
  return value === '' || value === '<>' ? '' : mailbox(value);
}

/** host:port or unix:/path, perhaps with smtp: or lmtp: in front. */
export function server(value: string): string {
  try {
    parseNextHopAddress(value);
    return value;
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

function mailbox(value: string): string {
  if (/^[!-;=?A-~]+@[!-;=?A-~]+$/.test(value)) return value;
  throw new InvalidArgumentError('It is not a mail address in ASCII.');
}
