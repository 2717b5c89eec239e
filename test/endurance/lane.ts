/** One sender: mail after mail at a pace, several on a connection, each to its reply. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SmtpLoad } from '../../bench/load/smtp-load.ts';
import type { MailKind, Mix } from './mix.ts';

export interface LaneOptions {
  readonly port: number;
  readonly mix: Mix;
  /** From the beginning of one mail to that of the next, at least. */
  readonly everyMs: number;
  readonly isOver: () => boolean;
  /** Told of each, and when it was refused of why. */
  readonly sent: (kind: MailKind, refusal: string | undefined) => void;
}

/** As many as Postfix sends over a connection that it keeps, at most. */
const perConnection = 20;

export async function runLane({ port, mix, everyMs, isOver, sent }: LaneOptions): Promise<void> {
  let connection: SmtpLoad | undefined;
  for (let count = 1; !isOver(); count++) {
    const begun = performance.now();
    const { kind, content } = mix.next();
    try {
      if (kind === 'broken off') await breakOff(port, content);
      else {
        connection ??= await SmtpLoad.open(port);
        await connection.send(content);
      }
      sent(kind, undefined);
    } catch (error) {
      connection = undefined;
      sent(kind, error instanceof Error ? error.message : String(error));
    }
    if (count % perConnection === 0) {
      connection?.quit();
      connection = undefined;
    }
    await delay(Math.max(0, begun + everyMs - performance.now()));
  }
  connection?.quit();
}

/** A client that is gone in the middle of its content. */
async function breakOff(port: number, content: Buffer): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.write(
    'EHLO gone.test\r\nMAIL FROM:<anna@example.net>\r\nRCPT TO:<ben@example.org>\r\nDATA\r\n',
  );
  socket.write(content.subarray(0, content.length / 2));
  await once(socket, 'data');
  socket.destroy();
}
