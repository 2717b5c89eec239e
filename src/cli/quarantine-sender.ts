/**
 * Sends a quarantined message on to the next hop, past the filter.
 *
 * The bytes must stay what they were, or signatures break and "released" means something else than
 * what was sent. nodemailer makes CRLF of a bare CR, and has one set of DSN parameters for all
 * recipients; so the message goes by the daemon's own client (relay/), with its whole envelope in
 * one transaction. Only where a bare CR is the very reason for the quarantine it goes by nodemailer,
 * whose rewriting makes it harmless: a sloppy next hop cannot see an end of data in it any more.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import SMTPConnection, { type SMTPEnvelopeDsn } from 'nodemailer/lib/smtp-connection';
import { parameterOf, type Envelope, type Path } from '../envelope.ts';
import { messageOf } from '../errors.ts';
import type { Reply } from '../protocol/smtp/reply.ts';
import { isPositive } from '../protocol/smtp/reply.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import type { NextHop, RelayResult } from '../relay/next-hop.ts';
import type { ReleaseResult } from '../store/quarantine-record.ts';

/** A message on its way out of the quarantine. */
export interface Outgoing {
  readonly envelope: Envelope;
  /** In bytes. */
  readonly size: number;
  readonly content: () => AsyncIterable<Buffer>;
  /** The name for EHLO. */
  readonly helloName: string;
}

/**
 * Sends it byte for byte, in one transaction.
 *
 * @returns one result for each recipient, in order.
 */
export async function sendUnchanged(
  message: Outgoing,
  nextHop: NextHop,
  signal: AbortSignal,
): Promise<ReleaseResult[]> {
  const { envelope, helloName } = message;
  const { client, reversePath, recipients } = envelope;
  const delivery = nextHop.begin({ client, reversePath, helloName }, signal);
  const asked = await Promise.all(recipients.map((path) => delivery.recipient(path)));
  if (!asked.some(isAccepted)) {
    delivery.abort();
    return recipients.map((path, index) => resultOf(path, asked[index]));
  }
  const answers = [...(await delivery.send(message.content, signal))];
  const common = nextHop.flavour === 'smtp' ? answers[0] : undefined;
  return recipients.map((path, index) => {
    const refusal = asked[index];
    if (refusal && !isAccepted(refusal)) return resultOf(path, refusal);
    return resultOf(path, common ?? answers.shift());
  });
}

/**
 * Sends it by nodemailer, every bare CR made a CRLF. Each recipient has a transaction of its own,
 * with its own DSN parameters.
 *
 * @param address of the next hop, as in the configuration.
 * @returns one result for each recipient, in order.
 */
export async function sendDisarmed(message: Outgoing, address: string): Promise<ReleaseResult[]> {
  const results: ReleaseResult[] = [];
  for (const path of message.envelope.recipients) {
    results.push(await sendByNodemailer(message, path, address));
  }
  return results;
}

async function sendByNodemailer(
  message: Outgoing,
  path: Path,
  address: string,
): Promise<ReleaseResult> {
  const { flavour, connect: target } = parseNextHopAddress(address);
  const recipient = path.address;
  let socket: Socket;
  try {
    socket = connect(target);
    await once(socket, 'connect');
  } catch (error) {
    return { recipient, outcome: 'unreachable', reply: messageOf(error) };
  }
  const connection = new SMTPConnection({
    connection: socket,
    lmtp: flavour === 'lmtp',
    name: message.helloName,
    ignoreTLS: true,
  });
  try {
    return { recipient, outcome: 'accepted', reply: await transact(connection, message, path) };
  } catch (error) {
    return { recipient, ...failureOf(error) };
  } finally {
    connection.close();
  }
}

/** @returns the reply to the final dot. */
function transact(connection: SMTPConnection, message: Outgoing, path: Path): Promise<string> {
  const { reversePath } = message.envelope;
  const envelope = {
    from: reversePath.address,
    to: path.address,
    size: message.size,
    use8BitMime: parameterOf(reversePath, 'BODY')?.value?.toUpperCase() === '8BITMIME',
    dsn: dsnOf(reversePath, path),
  };
  return new Promise((resolve, reject) => {
    connection.once('error', reject);
    connection.connect((unready) => {
      if (unready) {
        reject(unready);
        return;
      }
      connection.send(envelope, Readable.from(message.content()), (error, info) => {
        if (error) {
          reject(error);
          return;
        }
        // LMTP answers the message for each recipient, so the refusal comes with the result.
        const [refusal] = info.rejectedErrors ?? [];
        if (refusal) reject(refusal);
        else resolve(info.response);
      });
    });
  });
}

/** nodemailer encodes the values again, so they are handed over decoded. */
function dsnOf(reversePath: Path, path: Path): SMTPEnvelopeDsn {
  return {
    ret: parameterOf(reversePath, 'RET')?.value,
    envid: decodeXtext(parameterOf(reversePath, 'ENVID')?.value),
    notify: parameterOf(path, 'NOTIFY')?.value,
    orcpt: decodeXtext(parameterOf(path, 'ORCPT')?.value),
  };
}

/** RFC 3461 §4: a plus sign and two hexadecimal digits stand for one character. */
function decodeXtext(xtext: string | undefined): string | undefined {
  return xtext?.replace(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** What has no reply code may have broken after the final dot. */
function failureOf(error: unknown): Pick<ReleaseResult, 'outcome' | 'reply'> {
  const refused =
    error instanceof Error && 'response' in error && typeof error.response === 'string';
  return refused
    ? { outcome: 'refused', reply: String(error.response) }
    : { outcome: 'unknown', reply: messageOf(error) };
}

function isAccepted(result: RelayResult): boolean {
  return result.kind === 'reply' && isPositive(result.reply);
}

function resultOf({ address: recipient }: Path, result: RelayResult | undefined): ReleaseResult {
  switch (result?.kind) {
    case 'reply':
      return {
        recipient,
        outcome: isPositive(result.reply) ? 'accepted' : 'refused',
        reply: textOf(result.reply),
      };
    case 'lacks':
      return { recipient, outcome: 'refused', reply: `the next hop lacks ${result.extension}` };
    case 'unreachable':
    case 'unknown':
      return { recipient, outcome: result.kind, reply: result.detail };
    case undefined:
      return { recipient, outcome: 'unknown', reply: 'the next hop gave no answer for it' };
  }
}

function textOf({ code, enhanced, lines }: Reply): string {
  return [code, enhanced, ...lines].filter((part) => part !== undefined).join(' ');
}
