/** Hands a composed message to an SMTP or LMTP server with nodemailer, and keeps its words. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { messageOf } from '../errors.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import type { SocketAddress } from '../socket-address.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import type { Addresses } from './inject-message.ts';

export interface SubmitReply {
  readonly accepted: boolean;
  /** The server's words, to the end of data or to what it refused. */
  readonly reply: string;
  /** The queue id that Postfix names in its reply. */
  readonly queueId?: string;
}

const silenceMs = 600_000;

/**
 * @param server host:port or unix:/path, with lmtp: in front for LMTP.
 * @throws {CliFailure} unavailable, when nobody answers there.
 */
export async function submit(
  raw: Buffer,
  { from, to }: Addresses,
  server: string,
): Promise<SubmitReply> {
  const { flavour, connect: where } = parseNextHopAddress(server);
  const connection = await connected(where, server);
  const transport = createTransport({
    connection,
    lmtp: flavour === 'lmtp',
    ignoreTLS: true,
    socketTimeout: silenceMs,
  });
  try {
    const sent = await transport.sendMail({ envelope: { from, to: [...to] }, raw });
    return { accepted: true, reply: sent.response, ...queueIdIn(sent.response) };
  } catch (error) {
    const reply = replyIn(error);
    if (reply === undefined) throw unavailable(server, error);
    return { accepted: false, reply };
  } finally {
    transport.close();
    connection.destroy();
  }
}

async function connected(where: SocketAddress, server: string): Promise<Socket> {
  const socket = connect(where);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    throw unavailable(server, error);
  }
}

function unavailable(server: string, cause: unknown): CliFailure {
  return new CliFailure(exitCodes.unavailable, `${server}: ${messageOf(cause)}`, { cause });
}

/** 'queued as 4X' (Postfix's cleanup service in its reply to the end of data). */
export function queueIdIn(reply: string): { queueId?: string } {
  const queueId = /queued as ([\dA-Za-z]+)/.exec(reply)?.[1];
  return queueId === undefined ? {} : { queueId };
}

/** A refusal by the server, as nodemailer reports it. */
function replyIn(error: unknown): string | undefined {
  const { response } = error as { response?: unknown };
  return typeof response === 'string' && /^[245]\d\d/.test(response) ? response : undefined;
}
