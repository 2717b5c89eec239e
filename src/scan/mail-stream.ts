/** A message as a stream for clamd: with a first line by which clamd knows that it is mail. */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';
import type { StreamSource } from './opened-stream.ts';
import { blockBytes } from './stream-blocks.ts';

/**
 * clamd takes for mail what begins like mail, and a message may begin with a field it has never
 * heard of: then it would not look into the attachments. With mbox's first line it always does.
 * (clamav-milter does the same.) These bytes count in clamd's limits.
 */
export const mailPrefix = Buffer.from('From clamgate\r\n', 'latin1');

/**
 * All of a message that is no more than one block for clamd, once it has arrived: it has not to be
 * read by two at once. Undefined as soon as it is larger, so that it is sent on while it arrives.
 */
export async function smallContent(
  content: Content,
  signal: CancelSignal,
): Promise<readonly Buffer[] | undefined> {
  const chunks: Buffer[] = [];
  let bytes = mailPrefix.length;
  for await (const chunk of content.chunks(signal)) {
    bytes += chunk.length;
    if (bytes > blockBytes) return undefined;
    chunks.push(chunk);
  }
  return chunks;
}

/** Such a message as it is sent. */
export function wholeOf(chunks: readonly Buffer[]): StreamSource {
  return { whole: [mailPrefix, ...chunks] };
}

/** One that is still arriving, as it is sent. */
export async function* withPrefix(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield mailPrefix;
  yield* chunks;
}
