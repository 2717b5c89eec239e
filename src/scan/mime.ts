/**
 * Takes a message apart into its decoded leaves with mailparser, one at a time and at the pace of
 * whoever reads them. It counts and bounds; what becomes of a leaf is part-scan.ts.
 */
import type { Readable } from 'node:stream';
import type { CancelSignal } from '../cancel-signal.ts';
import { cancelCause, Cancelled, messageOf, OperationalError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { LeafParser, ParsedItem, ParsedLeaf } from './leaf-parser.ts';
import { loadLeafParser } from './load-leaf-parser.ts';
import type { Chunks } from './stream-blocks.ts';
import type { MimePart } from './scanner.ts';

/** The message could not be taken apart to its end. */
export class Unparsable extends Error {
  override readonly name = 'Unparsable';
  readonly reason: 'parts' | 'unparsed';

  constructor(reason: 'parts' | 'unparsed', detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** A leaf of the MIME tree, to be read before the next one is asked for. */
export interface Leaf {
  /** As IMAP counts ('1.2'). */
  readonly number: string;
  readonly contentType: string;
  readonly filename?: string;
  /** The decoded bytes; can be left off and gone on with. @throws {Unparsable} */
  readonly content: AsyncIterable<Buffer>;
  /** Reads what is left of it. @throws {Unparsable} */
  end(): Promise<{ readonly bytes: number; readonly digest: string }>;
}

/** One message, with the messages in it. */
export class MimeWalk {
  readonly #limits: Pick<Limits, 'partsMax' | 'partDepthMax'>;
  readonly #signal: CancelSignal;
  #entities = 0;
  /** The multipart entities; of messages in the message not the outermost ones. */
  readonly containers: MimePart[] = [];

  constructor(limits: Pick<Limits, 'partsMax' | 'partDepthMax'>, signal: CancelSignal) {
    this.#limits = limits;
    this.#signal = signal;
  }

  /**
   * The leaves of the message that `source` holds.
   *
   * @param within the number of the part that is this message; '' for the outermost one.
   * @throws {Unparsable} at a ceiling, or when the parser fails; what went before stays true.
   * @throws {Cancelled} when the signal is aborted.
   * @throws what reading `source` throws.
   */
  async *leaves(source: Chunks, within: string): AsyncGenerator<Leaf, void> {
    const LeafParser = await loadLeafParser();
    const parser = new LeafParser(Math.max(1, this.#limits.partsMax - this.#entities));
    const open = new OpenContent(parser, this.#signal);
    void feed(parser, source);
    try {
      for await (const item of parser as AsyncIterable<ParsedItem>) {
        if (item.type === 'text') {
          assertNoText(item);
          continue;
        }
        yield this.#leaf(item, parser, { within, open });
        await open.finish(item);
      }
    } catch (error) {
      throw parseFailure(error);
    } finally {
      open.close();
      for (const part of parser.containers) {
        if (part.number !== '' || within === '') {
          this.containers.push({ ...part, number: joined(within, part.number) });
        }
      }
    }
  }

  #leaf(item: ParsedLeaf, parser: LeafParser, at: { within: string; open: OpenContent }): Leaf {
    const { partsMax, partDepthMax } = this.#limits;
    const { within, open } = at;
    const number = joined(within, item.partId ?? '1');
    open.take(item);
    if (++this.#entities > partsMax) throw new Unparsable('parts', `more than ${partsMax} parts`);
    if (number.split('.').length > partDepthMax) {
      throw new Unparsable('parts', `parts deeper than ${partDepthMax}`);
    }
    return {
      number,
      contentType: item.contentType,
      ...(item.filename === undefined ? {} : { filename: item.filename }),
      content: open.read(),
      end: () => open.finish(item),
    };
  }
}

/** The content that is being read of a parser, which ends when the parser fails or is called off. */
class OpenContent {
  readonly #parser: LeafParser;
  readonly #signal: CancelSignal;
  #content: Readable | undefined;
  #chunks: AsyncIterator<Buffer> | undefined;
  #failure: Error | undefined;

  constructor(parser: LeafParser, signal: CancelSignal) {
    this.#parser = parser;
    this.#signal = signal;
    // Stays to the end: MailParser can fail more than once.
    parser.on('error', (error: Error) => {
      this.#failure ??= error;
      this.#content?.destroy(error);
    });
    signal.addEventListener('abort', this.#abort, { once: true });
    if (signal.aborted) this.#abort();
  }

  take(item: ParsedLeaf): void {
    this.#content = item.content.on('error', () => undefined);
    this.#chunks = item.content[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    if (this.#failure !== undefined) item.content.destroy(this.#failure);
  }

  /**
   * Leaving off does not end it: what is left can be read on by `finish`. Whoever asks when that was
   * done, and another part is open, gets nothing of that one.
   */
  read(): AsyncIterable<Buffer> {
    const own = this.#chunks;
    const over = { done: true, value: undefined } as const;
    const next = (): Promise<IteratorResult<Buffer, unknown>> =>
      this.#chunks === own ? this.#next() : Promise.resolve(over);
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  /** Reads on to the end of the content, and lets the parser go on. */
  async finish(item: ParsedLeaf): Promise<{ bytes: number; digest: string }> {
    for (let next = await this.#next(); next.done !== true; next = await this.#next());
    const { checksum: digest, size: bytes } = item;
    if (digest === undefined || bytes === undefined) {
      throw parseFailure(this.#failure ?? new Error('a part broke off'));
    }
    item.release?.();
    return { bytes, digest };
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#content?.destroy();
    this.#parser.destroy();
  }

  async #next(): Promise<IteratorResult<Buffer, unknown>> {
    try {
      return (await this.#chunks?.next()) ?? { done: true, value: undefined };
    } catch (error) {
      throw parseFailure(error);
    }
  }

  readonly #abort = (): void => {
    const cancelled = new Cancelled(cancelCause(this.#signal));
    this.#content?.destroy(cancelled);
    this.#parser.destroy(cancelled);
  };
}

/**
 * Gives it what it is to take apart, at its pace; what reading that throws is its failure, too. The
 * pipeline of Node.js costs several times as much, and ends with an error that nobody reads.
 */
async function feed(parser: LeafParser, source: Chunks): Promise<void> {
  try {
    for await (const chunk of source) {
      if (parser.destroyed) return;
      if (!parser.write(chunk)) await roomIn(parser);
    }
    parser.end();
  } catch (error) {
    parser.destroy(error as Error);
  }
}

/** Resolves when more can be written, or nothing more needs to be. */
function roomIn(parser: LeafParser): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      parser.off('drain', settle).off('close', settle);
      resolve();
    };
    parser.on('drain', settle).on('close', settle);
    if (parser.destroyed) settle();
  });
}

/** A text would be characters that stand for bytes which nobody scanned. */
function assertNoText(item: { readonly text?: string; readonly html?: string | boolean }): void {
  if (item.text !== undefined || item.html !== undefined) {
    throw new Unparsable('unparsed', 'the parser gave a text instead of its bytes');
  }
}

function parseFailure(error: unknown): Error {
  if (error instanceof Cancelled || error instanceof OperationalError) return error;
  if (error instanceof Unparsable) return error;
  const detail = messageOf(error);
  // mailsplit's ceilings have one code, EMAXLEN; of entities and of header bytes.
  return new Unparsable(/child nodes exceeded/.test(detail) ? 'parts' : 'unparsed', detail);
}

function joined(within: string, number: string): string {
  return [within, number].filter((part) => part !== '').join('.');
}
