/** Messages that can be told apart at the far end by their Message-ID. */
import { crc32 } from 'node:zlib';
import { message, eicarFile, text, withAttachment } from '../support/messages.ts';

export interface ChaosMessage {
  /** Without the angle brackets. */
  readonly id: string;
  readonly recipients: readonly string[];
  /** Whether EICAR is attached. */
  readonly infected: boolean;
  readonly data: Buffer;
}

const domain = 'chaos.test';
const idPattern = new RegExp(`^Message-ID: <([^>]+@${domain})>`, 'gim');

/** @param id unique, without the domain. */
export function chaosMessage(
  id: string,
  recipients: readonly string[],
  infected: boolean,
): ChaosMessage {
  const fields = [
    'From: Anna <anna@client.test>',
    'To: Ben <ben@sink.test>',
    `Message-ID: <${id}@${domain}>`,
    'Date: Thu, 20 Nov 2025 10:00:00 +0000',
  ];
  const clean = isForText(id) ? text() : withAttachment('list.txt', Buffer.from(`list ${id}\r\n`));
  const entity = infected ? withAttachment('eicar.com', eicarFile) : clean;
  return { id: `${id}@${domain}`, recipients, infected, data: message(entity, fields) };
}

/** Every other one is plain text, which is not taken apart. */
function isForText(id: string): boolean {
  return crc32(id) % 2 === 0;
}

/** The Message-IDs in a message: its own first, then those that it quotes, as a bounce does. */
export function messageIds(data: Buffer): readonly string[] {
  return [...data.toString('latin1').matchAll(idPattern)].map(([, id = '']) => id);
}

/** Of a queue file, in which lines are records: the first that stands in it. */
export function firstMessageId(queueFile: Buffer): string | undefined {
  return new RegExp(idPattern.source.slice(1), 'i').exec(queueFile.toString('latin1'))?.[1];
}

/** Under which queue ids the Postfixes had it that it came through, the last one first. */
export function queueIdsOf(data: Buffer): readonly string[] {
  const header = data.toString('latin1').split('\r\n\r\n', 1)[0] ?? '';
  return [...header.matchAll(/^Received:[^]*?\bid (\w+)/gim)].map(([, id = '']) => id);
}
