/**
 * Cuts the bytes of a file into blocks that overlap, so that whoever looks for something in them
 * sees it whole and once, however the bytes arrive.
 */

/** What can be seen behind any place where something begins, unless the file ends before. */
export const lookahead = 8 * 1024;

/** Size of the buffer that the blocks are made in. */
export const scratchBytes = 64 * 1024;

export interface Block {
  /** Valid only while it is looked at. */
  readonly bytes: Buffer;
  /** Offset in the file of its first byte. */
  readonly at: number;
  /** What begins before this index is to be found in this block, the rest in the next one. */
  readonly fresh: number;
}

/** Looks through a file block by block. */
export interface Look {
  look(block: Block): void;
}

export class Blocks {
  readonly #scratch: Buffer;
  readonly #look: (block: Block) => void;
  #held = 0;
  #at = 0;

  /** @param scratch of `scratchBytes`; nobody else may use it before `end`. */
  constructor(scratch: Buffer, look: (block: Block) => void) {
    this.#scratch = scratch;
    this.#look = look;
  }

  feed(chunk: Buffer): void {
    for (let from = 0; from < chunk.length;) {
      const copied = chunk.copy(this.#scratch, this.#held, from);
      this.#held += copied;
      from += copied;
      if (this.#held === this.#scratch.length) this.#give(this.#held - lookahead);
    }
  }

  end(): void {
    if (this.#held > 0) this.#give(this.#held);
  }

  #give(fresh: number): void {
    this.#look({ bytes: this.#scratch.subarray(0, this.#held), at: this.#at, fresh });
    this.#scratch.copyWithin(0, fresh, this.#held);
    this.#held -= fresh;
    this.#at += fresh;
  }
}

/** Each index where `what` begins and that is this block's to find. */
export function* places({ bytes, fresh }: Block, what: Buffer): Generator<number, void> {
  for (let at = bytes.indexOf(what); at !== -1 && at < fresh; at = bytes.indexOf(what, at + 1)) {
    yield at;
  }
}
