import { messageId, topReceivedQueueId } from '../protocol/message/header.ts';

/** By what names a message is known outside: in Postfix's log, and by its sender. */
export interface Identity {
  /** The queue id in the topmost Received line. */
  readonly queueId?: string;
  readonly messageId?: string;
}

export function identify(header: Buffer): Identity {
  const queueId = topReceivedQueueId(header);
  const id = messageId(header);
  return { ...(queueId && { queueId }), ...(id && { messageId: id }) };
}
