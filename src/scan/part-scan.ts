/**
 * Sends the decoded parts of one message to clamd, one after the other, each byte string once.
 * Memory does not grow with the message: a small part is held until it is answered, a larger one
 * flows through.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Limits } from '../limits.ts';
import type { Finding } from '../verdict/finding.ts';
import type { ClamdAnswer, ClamdPool, StreamSource } from './clamd-pool.ts';
import { type Leaf, MimeWalk, Unparsable } from './mime.ts';
import type { Chunks } from './stream-blocks.ts';
import type { MimePart, ScannedStream } from './scanner.ts';
import { type ClamdCeilings, findingsOf, isDecided } from './stream-findings.ts';

/** A part up to this size is looked up by its digest before it is sent, and can be sent again. */
export const smallPartBytes = 256 * 1024;

/** '1.10' comes after '1.9'. */
const byNumber = new Intl.Collator('en', { numeric: true });

/** message/global is RFC 6532's message/rfc822, message/news RFC 5536's. */
const messageTypes = new Set(['message/rfc822', 'message/global', 'message/news']);

export interface PartScanSettings {
  readonly pool: ClamdPool;
  readonly limits: Pick<Limits, 'partsMax' | 'partDepthMax'>;
  readonly ceilings: ClamdCeilings;
  /** Whether the parts behind malware are scanned, too. */
  readonly everyPart: boolean;
}

/** A part's bytes: all of them when it is small, else what was read to find that out, and the rest. */
type PartContent =
  | { readonly small: true; readonly bytes: Buffer }
  | { readonly small: false; readonly stream: AsyncIterable<Buffer> };

export class PartScan {
  readonly findings: Finding[] = [];
  readonly streams: ScannedStream[] = [];
  readonly #leaves: MimePart[] = [];
  readonly #answered = new Map<string, ScannedStream>();
  readonly #settings: PartScanSettings;
  readonly #signal: CancelSignal;
  readonly #walk: MimeWalk;

  constructor(settings: PartScanSettings, signal: CancelSignal) {
    this.#settings = settings;
    this.#signal = signal;
    this.#walk = new MimeWalk(settings.limits, signal);
  }

  /** The MIME tree so far, in IMAP's order. */
  get parts(): readonly MimePart[] {
    return [...this.#walk.containers, ...this.#leaves].sort((a, b) =>
      byNumber.compare(a.number, b.number),
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
        if (this.#decided) return;
      }
    } catch (error) {
      if (!(error instanceof Unparsable)) throw error;
      const stream = within === '' ? 'message' : within;
      this.findings.push({ kind: 'partial', reason: error.reason, stream, detail: error.message });
    }
  }

  get #decided(): boolean {
    return isDecided(this.findings, this.#settings.everyPart);
  }

  async #leaf(leaf: Leaf): Promise<void> {
    const content = await readStart(leaf.content);
    const isMessage = messageTypes.has(leaf.contentType);
    if (content.small) {
      await this.#smallPart(leaf, content.bytes);
      if (isMessage && !this.#decided) await this.message([content.bytes], leaf.number);
    } else if (isMessage) {
      await this.#largeMessage(leaf, content.stream);
    } else {
      const source = { open: () => content.stream, repeatable: false };
      const answer = await this.#settings.pool.scan(source, this.#signal);
      this.#record(leaf, await leaf.end(), answer);
    }
    this.#leaves.push(partOf(leaf, (await leaf.end()).bytes));
  }

  async #smallPart(leaf: Leaf, bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    const { digest } = await leaf.end();
    const known = this.#answered.get(digest);
    if (known !== undefined) {
      const { number: stream } = leaf;
      this.streams.push({ ...known, stream, label: labelOf(leaf), sameAs: known.stream });
      return;
    }
    const source: StreamSource = { open: () => [bytes], repeatable: true };
    const answer = await this.#settings.pool.scan(source, this.#signal);
    this.#record(leaf, { bytes: bytes.length, digest }, answer);
  }

  /**
   * A large message in the message is taken apart while it flows by. It is not sent whole besides,
   * as that would hold a place at clamd while its parts wait for one. Where it stands in the
   * message as it is, clamd has seen it there; where it is encoded, which RFC 2046 §5.2.1 forbids,
   * nobody has, and that is said.
   */
  async #largeMessage(leaf: Leaf, content: AsyncIterable<Buffer>): Promise<void> {
    await this.message(content, leaf.number);
    if (!leaf.encoded) return;
    const detail = `an encoded message of more than ${smallPartBytes} bytes was scanned in parts only`;
    this.findings.push({ kind: 'partial', reason: 'unparsed', stream: leaf.number, detail });
  }

  #record(leaf: Leaf, content: { bytes: number; digest: string }, answer: ClamdAnswer): void {
    const { words, endpoint, ms } = answer;
    const { number: stream } = leaf;
    const label = labelOf(leaf);
    const scanned = { stream, label, ...content, answer: words, endpoint, ms };
    this.streams.push(scanned);
    this.#answered.set(content.digest, scanned);
    this.findings.push(...findingsOf(stream, content.bytes, answer, this.#settings.ceilings));
  }
}

function partOf({ number, contentType, filename }: Leaf, bytes: number): MimePart {
  return { number, contentType, bytes, ...(filename === undefined ? {} : { filename }) };
}

function labelOf({ filename, contentType }: Leaf): string {
  return filename ?? contentType;
}

async function readStart(content: AsyncIterable<Buffer>): Promise<PartContent> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const iterator = content[Symbol.asyncIterator]();
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    chunks.push(next.value);
    bytes += next.value.length;
    if (bytes > smallPartBytes) return { small: false, stream: continued(chunks, iterator) };
  }
  return { small: true, bytes: Buffer.concat(chunks) };
}

async function* continued(
  chunks: readonly Buffer[],
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void> {
  yield* chunks;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
