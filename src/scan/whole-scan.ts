/**
 * A message as it stands: how it goes to clamd as one stream, and what reading it shows, which is
 * whether there is anything in it to decode.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Content } from '../content.ts';
import { brisk } from './brisk.ts';
import { withPrefix } from './mail-stream.ts';
import type { StreamSource } from './opened-stream.ts';
import { PlainMessageProof } from './plain-message.ts';
import type { MimePart } from './scanner.ts';
import { inOneBuffer } from './stream-blocks.ts';

/** The only part of a message that is there whole; undefined where there is something to decode. */
export function plainPart(chunks: readonly Buffer[]): MimePart | undefined {
  const proof = new PlainMessageProof();
  for (const chunk of chunks) proof.update(chunk);
  return partOf(proof);
}

/**
 * The same of a message that may still arrive. Reads no further than it must.
 *
 * @throws as `Content.chunks`.
 */
export async function plainPartOf(
  content: Content,
  signal: CancelSignal,
): Promise<MimePart | undefined> {
  const proof = new PlainMessageProof();
  for await (const chunk of content.chunks(signal, 0, 1)) {
    proof.update(chunk);
    if (proof.isRefuted) return undefined;
  }
  return partOf(proof);
}

/** Resolves when all of it has arrived. @throws as `Content.chunks`. */
export async function arrival(content: Content, signal: CancelSignal): Promise<void> {
  if (content.complete) return;
  await content.chunks(signal, Infinity)[Symbol.asyncIterator]().next();
}

/** The message as it is sent. */
export function wholeSource(content: Content, signal: CancelSignal): StreamSource {
  const open = (): AsyncIterable<Buffer> => inOneBuffer(withPrefix(content.chunks(signal, 0, 1)));
  return { open, repeatable: true };
}

/**
 * The same while it arrives.
 *
 * @returns reading it throws {SlowSender} where clamd would wait for its sender.
 */
export function briskSource(content: Content, signal: CancelSignal, clock: Clock): StreamSource {
  const open = (): AsyncIterable<Buffer> => {
    const chunks = withPrefix(content.chunks(signal, 0, 1));
    return inOneBuffer(content.complete ? chunks : brisk(chunks, clock));
  };
  return { open, repeatable: true };
}

function partOf(proof: PlainMessageProof): MimePart | undefined {
  if (!proof.holds) return undefined;
  return { number: '1', contentType: 'text/plain', bytes: proof.bodyBytes };
}
