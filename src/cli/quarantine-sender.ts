/**
 * Sends a message that is in quarantine for a bare CR before a lone dot. nodemailer makes CRLF of a
 * bare CR, and here that is wanted: a sloppy next hop cannot see an end of data in it any more. All
 * other messages leave as they are (unchanged-sender.ts).
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import SMTPConnection, { type SMTPEnvelopeDsn } from 'nodemailer/lib/smtp-connection';
import { parameterOf, type Path } from '../envelope.ts';
import { messageOf } from '../errors.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import type { ReleaseResult } from '../store/quarantine-record.ts';
import type { Outgoing } from './unchanged-sender.ts';

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
