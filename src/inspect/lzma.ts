/**
 * LZMA (lzma-specification.txt of the LZMA SDK), as far as the header of a 7z archive needs it: all
 * in memory, its size known. Why it is our own: docs/decisions/0007-lzma.md.
 */

/** More of literal contexts and positions than 7-Zip ever uses would only cost memory. */
const literalBitsMax = 4;
const start = 1024;

/** The tables of probabilities lie one behind the other in one array; these are their places. */
const places = layout({
  isMatch: 12 * 16,
  isRep: 12,
  isRepG0: 12,
  isRepG1: 12,
  isRepG2: 12,
  isRep0Long: 12 * 16,
  slot: 4 * 64,
  special: 128,
  align: 16,
  length: 2 + 16 * 8 * 2 + 256,
  repLength: 2 + 16 * 8 * 2 + 256,
});

function layout<const T extends Record<string, number>>(
  sizes: T,
): { [K in keyof T | 'literal']: number } {
  let at = 0;
  const begins = Object.entries(sizes).map(([name, size]) => [name, (at += size) - size]);
  return Object.fromEntries([...begins, ['literal', at]]) as { [K in keyof T | 'literal']: number };
}

/**
 * @param properties the five bytes of LZMA's properties. @param size of what it unpacks to.
 * @returns undefined where `packed` is not that.
 */
export function unpackLzma(packed: Buffer, properties: Buffer, size: number): Buffer | undefined {
  const [first = 255] = properties;
  if (properties.length !== 5 || first >= 9 * 5 * 5 || packed.length < 5) return undefined;
  const shape = { lc: first % 9, lp: Math.floor(first / 9) % 5, pb: Math.floor(first / 45) };
  if (shape.lc + shape.lp > literalBitsMax) return undefined;
  return new Unpacking(packed, shape, size).run();
}

interface Shape {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
}

class RangeDecoder {
  readonly #packed: Buffer;
  readonly #odds: Uint16Array;
  #at = 5;
  #range = 0xffffffff;
  #code: number;

  constructor(packed: Buffer, odds: Uint16Array) {
    this.#packed = packed;
    this.#odds = odds.fill(start);
    this.#code = packed.readUInt32BE(1);
  }

  /** Whether it was asked for more than there is. */
  get isSpent(): boolean {
    return this.#at > this.#packed.length + 4;
  }

  bit(index: number): number {
    const odds = this.#odds[index] ?? start;
    const bound = (this.#range >>> 11) * odds;
    const bit = this.#code < bound ? 0 : 1;
    if (bit === 0) {
      this.#range = bound;
      this.#odds[index] = odds + ((2048 - odds) >> 5);
    } else {
      this.#range -= bound;
      this.#code -= bound;
      this.#odds[index] = odds - (odds >> 5);
    }
    this.#refill();
    return bit;
  }

  direct(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left--) {
      this.#range >>>= 1;
      const bit = this.#code < this.#range ? 0 : 1;
      if (bit === 1) this.#code -= this.#range;
      value = value * 2 + bit;
      this.#refill();
    }
    return value;
  }

  tree(index: number, bits: number): number {
    let node = 1;
    for (let left = bits; left > 0; left--) node = node * 2 + this.bit(index + node);
    return node - 2 ** bits;
  }

  reverseTree(index: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let at = 0; at < bits; at++) {
      const bit = this.bit(index + node);
      node = node * 2 + bit;
      value += bit * 2 ** at;
    }
    return value;
  }

  #refill(): void {
    if (this.#range >= 0x1000000) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | (this.#packed[this.#at++] ?? 0)) >>> 0;
  }
}

class Unpacking {
  readonly #input: RangeDecoder;
  readonly #shape: Shape;
  readonly #out: Buffer;
  #at = 0;
  #state = 0;
  /** The last four distances, less one. */
  #reps: [number, number, number, number] = [0, 0, 0, 0];

  constructor(packed: Buffer, shape: Shape, size: number) {
    const odds = new Uint16Array(places.literal + (0x300 << (shape.lc + shape.lp)));
    this.#input = new RangeDecoder(packed, odds);
    this.#shape = shape;
    this.#out = Buffer.alloc(size);
  }

  run(): Buffer | undefined {
    while (this.#at < this.#out.length) {
      const position = this.#at & ((1 << this.#shape.pb) - 1);
      const index = this.#state * 16 + position;
      if (this.#input.bit(places.isMatch + index) === 0) this.#literal();
      else {
        const length = this.#match(index, position);
        if (length === undefined || !this.#copy(length)) return undefined;
      }
      if (this.#input.isSpent) return undefined;
    }
    return this.#out;
  }

  #literal(): void {
    const { lc, lp } = this.#shape;
    const before = this.#out[this.#at - 1] ?? 0;
    const context = ((this.#at & ((1 << lp) - 1)) << lc) + (before >> (8 - lc));
    const index = places.literal + 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      let match = this.#out[this.#at - this.#reps[0] - 1] ?? 0;
      while (symbol < 0x100) {
        const expected = (match >> 7) & 1;
        match <<= 1;
        const bit = this.#input.bit(index + ((1 + expected) << 8) + symbol);
        symbol = symbol * 2 + bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = symbol * 2 + this.#input.bit(index + symbol);
    this.#out[this.#at++] = symbol & 0xff;
    this.#state = this.#state < 4 ? 0 : this.#state - (this.#state < 10 ? 3 : 6);
  }

  /** @returns how much is to be copied from the last distance; undefined at a mark of the end. */
  #match(index: number, position: number): number | undefined {
    const wasLiteral = this.#state < 7;
    if (this.#input.bit(places.isRep + this.#state) === 0) {
      const length = this.#length(places.length, position);
      this.#state = wasLiteral ? 7 : 10;
      const distance = this.#distance(length);
      this.#reps = [distance, this.#reps[0], this.#reps[1], this.#reps[2]];
      return distance === 0xffffffff ? undefined : length;
    }
    if (this.#input.bit(places.isRepG0 + this.#state) === 0) {
      if (this.#input.bit(places.isRep0Long + index) === 0) {
        this.#state = wasLiteral ? 9 : 11;
        return 1;
      }
    } else this.#recall();
    const length = this.#length(places.repLength, position);
    this.#state = wasLiteral ? 8 : 11;
    return length;
  }

  /** One of the earlier distances becomes the last one. */
  #recall(): void {
    const [first, second, third, fourth] = this.#reps;
    if (this.#input.bit(places.isRepG1 + this.#state) === 0) {
      this.#reps = [second, first, third, fourth];
    } else if (this.#input.bit(places.isRepG2 + this.#state) === 0) {
      this.#reps = [third, first, second, fourth];
    } else this.#reps = [fourth, first, second, third];
  }

  #length(index: number, position: number): number {
    const input = this.#input;
    if (input.bit(index) === 0) return 2 + input.tree(index + 2 + position * 8, 3);
    const middle = index + 2 + 16 * 8;
    if (input.bit(index + 1) === 0) return 10 + input.tree(middle + position * 8, 3);
    return 18 + input.tree(middle + 16 * 8, 8);
  }

  #distance(length: number): number {
    const slot = this.#input.tree(places.slot + Math.min(length - 2, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = (2 + (slot & 1)) * 2 ** bits;
    if (slot < 14) {
      return base + this.#input.reverseTree(places.special + base - slot, bits);
    }
    const high = this.#input.direct(bits - 4) * 16;
    return base + high + this.#input.reverseTree(places.align, 4);
  }

  #copy(length: number): boolean {
    const from = this.#at - this.#reps[0] - 1;
    if (from < 0) return false;
    const end = Math.min(this.#out.length, this.#at + length);
    for (let at = from; this.#at < end; at++) this.#out[this.#at++] = this.#out[at] ?? 0;
    return true;
  }
}
