/** Hands a message from a file to an SMTP or LMTP server, byte for byte. */
import { Readable } from 'node:stream';
import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import type { EsmtpParameter } from '../envelope.ts';
import { SmtpNextHop } from '../relay/smtp-next-hop.ts';
import type { ReleaseResult } from '../store/quarantine-record.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import type { Addresses } from './inject-message.ts';
import { queueIdIn, type SubmitReply } from './inject-send.ts';
import { sendUnchanged } from './unchanged-sender.ts';

/** As long as Postfix is given elsewhere: its own checks and our scan may lie before its reply. */
const limits = { nextHopReplyMs: 300_000, nextHopDotMs: 600_000, idleConnectionsMax: 0, idleMs: 0 };

export interface SubmitSurroundings {
  readonly clock: Clock;
  /** The name for EHLO. */
  readonly hostname: string;
}

/**
 * @param server host:port or unix:/path, with lmtp: in front for LMTP.
 * @throws {CliFailure} unavailable, when nobody takes it there; temporary, when the connection
 *   broke after the end of data.
 */
export async function submitUnchanged(
  raw: Buffer,
  { from, to }: Addresses,
  server: string,
  { clock, hostname }: SubmitSurroundings,
): Promise<SubmitReply> {
  const nextHop = new SmtpNextHop({ address: server, clock, limits });
  const content = withCrlf(raw);
  const reversePath = { address: from, parameters: bodyOf(content) };
  const recipients = to.map((address) => ({ address, parameters: [] }));
  const message = {
    envelope: { client: {}, reversePath, recipients },
    size: content.length,
    content: () => Readable.from([content]),
    helloName: hostname,
  };
  const results = await sendUnchanged(message, nextHop, new AbortController().signal);
  nextHop.close();
  const { outcome, reply } = foremost(results);
  if (outcome === 'unknown') throw new CliFailure(exitCodes.temporary, `${server}: ${reply}`);
  if (outcome === 'unreachable') throw new CliFailure(exitCodes.unavailable, `${server}: ${reply}`);
  return outcome === 'accepted'
    ? { accepted: true, reply, ...queueIdIn(reply) }
    : { accepted: false, reply };
}

/** One for all recipients: what may be under way counts before what is not. */
function foremost(results: readonly ReleaseResult[]): ReleaseResult {
  const byWeight = ['unknown', 'accepted', 'refused', 'unreachable'];
  const weight = ({ outcome }: ReleaseResult): number => byWeight.indexOf(outcome);
  const [first] = results.toSorted((a, b) => weight(a) - weight(b));
  assert(first, 'a message has a recipient');
  return first;
}

/** RFC 6152 §3: who sends 8-bit content says so. */
function bodyOf(content: Buffer): EsmtpParameter[] {
  const isEightBit = content.some((byte) => byte > 0x7f);
  return isEightBit ? [{ keyword: 'BODY', value: '8BITMIME' }] : [];
}

/** A file of this system, whose lines end in LF alone, as mail; any other stays what it is. */
function withCrlf(raw: Buffer): Buffer {
  if (raw.includes('\r\n')) return raw;
  return Buffer.from(raw.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}
