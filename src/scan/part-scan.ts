/**
 * Sends the decoded parts of one message to clamd, one after the other, each byte string once.
 * Memory does not grow with the message: a small part is held until it is answered, a larger one
 * flows through.
 */
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Limits } from '../limits.ts';
import type { StreamSource } from './opened-stream.ts';
import { containerKind, ContainerLook } from './container.ts';
import { type Leaf, MimeWalk, Unparsable } from './mime.ts';
import { type Chunks, inOneBuffer } from './stream-blocks.ts';
import type { MimePart } from './scanner.ts';
import { smallStreamBytes, type StreamName, type StreamScans } from './stream-scans.ts';

/** message/global is RFC 6532's message/rfc822, message/news RFC 5536's. */
const messageTypes = new Set(['message/rfc822', 'message/global', 'message/news']);

/** A part's bytes: all of them when it is small, else what was read to find that out, and the rest. */
type PartContent =
  | { readonly small: true; readonly bytes: Buffer }
  | { readonly small: false; readonly stream: AsyncIterable<Buffer> };

export class PartScan {
  readonly #leaves: MimePart[] = [];
  readonly #scans: StreamScans;
  readonly #walk: MimeWalk;

  constructor(
    scans: StreamScans,
    limits: Pick<Limits, 'partsMax' | 'partDepthMax'>,
    signal: CancelSignal,
  ) {
    this.#scans = scans;
    this.#walk = new MimeWalk(limits, signal);
  }

  /** The MIME tree so far, in IMAP's order. */
  get parts(): readonly MimePart[] {
    return [...this.#walk.containers, ...this.#leaves].sort((one, other) =>
      byNumber(one.number, other.number),
    );
  }

  /**
   * Scans each part of the message that `source` holds; stops early once more would change nothing.
   *
   * @param within the number of the part that is this message; '' for the outermost one.
   * @throws {Cancelled} when the signal is aborted.
   * @throws what reading `source` throws.
   */
  async message(source: Chunks, within: string): Promise<void> {
    try {
      for await (const leaf of this.#walk.leaves(source, within)) {
        await this.#leaf(leaf);
        if (this.#scans.decided) return;
      }
    } catch (error) {
      if (!(error instanceof Unparsable)) throw error;
      const stream = within === '' ? 'message' : within;
      const { reason, message: detail } = error;
      this.#scans.findings.push({ kind: 'partial', reason, stream, detail });
    }
  }

  async #leaf(leaf: Leaf): Promise<void> {
    const content = await readStart(leaf.content);
    const isMessage = messageTypes.has(leaf.contentType);
    if (content.small) {
      await this.#smallPart(leaf, content.bytes);
      if (isMessage && !this.#scans.decided) await this.message([content.bytes], leaf.number);
    } else if (isMessage) {
      // Taken apart while it flows by: to send it whole would hold a place at clamd while its parts
      // wait for one. Where it is encoded it is a reading, and goes whole later.
      await this.message(content.stream, leaf.number);
    } else {
      const look = new ContainerLook();
      const source = { open: () => inOneBuffer(seenBy(look, content.stream)), repeatable: false };
      const answer = await this.#scans.send(source);
      const size = await leaf.end();
      const isAll = answer.reply.kind !== 'ok' || look.bytes === size.bytes;
      assert(isAll, 'what is called clean was sent whole');
      this.#scans.record(nameOf(leaf), { ...size, container: look.kind }, answer);
    }
    this.#leaves.push(partOf(leaf, (await leaf.end()).bytes));
  }

  async #smallPart(leaf: Leaf, bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    const { digest } = await leaf.end();
    const known = this.#scans.known(digest);
    if (known !== undefined) {
      this.#scans.repeat(nameOf(leaf), known);
      return;
    }
    const source: StreamSource = { open: () => [bytes], repeatable: true };
    const content = { bytes: bytes.length, digest, container: containerKind(bytes) };
    await this.#scans.scan(nameOf(leaf), content, source);
  }
}

function partOf({ number, contentType, filename }: Leaf, bytes: number): MimePart {
  return { number, contentType, bytes, ...(filename === undefined ? {} : { filename }) };
}

function nameOf({ number: stream, filename, contentType }: Leaf): StreamName {
  return { stream, label: filename ?? contentType };
}

async function* seenBy(
  look: ContainerLook,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) {
    look.feed(chunk);
    yield chunk;
  }
}

async function readStart(content: AsyncIterable<Buffer>): Promise<PartContent> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const iterator = content[Symbol.asyncIterator]();
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value);
    bytes += next.value.length;
    if (bytes > smallStreamBytes) return { small: false, stream: continued(chunks, iterator) };
  }
  return { small: true, bytes: Buffer.concat(chunks) };
}

async function* continued(
  chunks: Buffer[],
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void> {
  // Each goes when it was given: the rest may be long.
  for (let next = chunks.shift(); next !== undefined; next = chunks.shift()) yield next;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/**
 * '1.10' comes after '1.9', and what is in '1.9' between them. A thousand multiparts in each other
 * have numbers of a thousand steps, so these are not split. (Intl would take 2 MB for it.)
 */
export function byNumber(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  // Where the step begins in which they differ: lastIndexOf takes an offset below 0 for 0.
  const from = at === 0 ? 0 : one.lastIndexOf('.', at - 1) + 1;
  // Of the same step the one is the other's beginning.
  return stepAt(one, from) - stepAt(other, from) || one.length - other.length;
}

/** Digits up to the next dot; nothing, which is the message itself, comes first. */
function stepAt(number: string, from: number): number {
  return Number.parseInt(number.slice(from)) || 0;
}
