/**
 * A source that is being read. Its first block is there before a place is taken: a small stream
 * whole, so that a slow sender holds no clamd, and a clamd that cannot be reached has cost nothing.
 */
import { type Block, type Blocks, blocksOf, type Chunks, oneBlock } from './stream-blocks.ts';

/** A stream to scan. */
export type StreamSource =
  | {
      /** All its bytes from the first on. */
      open(): Chunks;
      /** Whether `open` gives them again, so that a scan that broke can be tried elsewhere. */
      readonly repeatable: boolean;
    }
  /** All its bytes, at most `blockBytes` of them. */
  | { readonly whole: readonly Buffer[] };

export class OpenedStream {
  readonly #source: StreamSource;
  #first: Block;
  #rest: AsyncGenerator<Block, void> | undefined;
  /** Blocks went out, or may have: only opening the source again gives them back. */
  #started = false;

  private constructor(source: StreamSource, { first, rest }: Opened) {
    this.#source = source;
    this.#first = first;
    this.#rest = rest;
  }

  static async open(source: StreamSource): Promise<OpenedStream> {
    return new OpenedStream(source, await opened(source));
  }

  blocks(): Blocks {
    this.#started = true;
    return { first: this.#first, rest: this.#rest };
  }

  /** Whether it can be sent once more. */
  get isRepeatable(): boolean {
    return this.#first.last || ('open' in this.#source && this.#source.repeatable);
  }

  /** Back to the first block; false when that is not possible. */
  async rewind(): Promise<boolean> {
    if (!this.#started || this.#first.last) return true;
    if (!this.isRepeatable) return false;
    this.close();
    const { rest, first } = await opened(this.#source);
    this.#rest = rest;
    this.#first = first;
    this.#started = false;
    return true;
  }

  /** Not waited for: a source that hangs is ended by the signal it was opened with. */
  close(): void {
    this.#rest?.return().catch(() => undefined);
  }
}

interface Opened {
  readonly first: Block;
  /** Absent where the source has all in one block. */
  readonly rest?: AsyncGenerator<Block, void>;
}

async function opened(source: StreamSource): Promise<Opened> {
  if ('whole' in source) return { first: oneBlock(source.whole) };
  const rest = blocksOf(source.open());
  const { value: first } = await rest.next();
  if (first === undefined) throw new Error('a stream has a last block');
  return { rest, first };
}
