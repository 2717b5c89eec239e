/**
 * Finds the attachments in TNEF (winmail.dat, MS-OXTNEF): a signature, then attributes, each with
 * its length. Their contents lie in it as they stand, in an attribute of their own or among the
 * MAPI properties of the attachment.
 */
import type { FoundList } from './found-list.ts';

/** MS-OXTNEF §2.1.3.2: TNEFSignature, little-endian. */
export const tnefSignature = Buffer.from([0x78, 0x9f, 0x3e, 0x22]);
/** Signature and LegacyKey. */
const startBytes = 6;
/** Level, id, length. */
const attributeBytes = 9;
const checksumBytes = 2;
/** attAttachData and attAttachment, without their types. */
const attachData = 0x800f;
const attachProperties = 0x9005;

/** MS-OXPROPS §2.585 and §2.586: PidTagAttachDataBinary, PidTagAttachDataObject. */
const dataProperty = 0x3701;
const objectType = 0x000d;
/** Of the interface, in front of an object (MS-OXTNEF §2.1.3.4.3). */
const interfaceBytes = 16;
/** Types whose values tell their count and lengths; with the flag of several, others tell their count. */
const variableTypes = new Set([objectType, 0x001e, 0x001f, 0x0102]);
const severalFlag = 0x1000;
/** MS-OXCDATA §2.11.1; the others have 4, to which all are padded. */
const longBytes: Readonly<Record<number, number>> = {
  5: 8,
  6: 8,
  7: 8,
  0x14: 8,
  0x40: 8,
  0x48: 16,
};
/** Properties from this number on have a name (MS-OXTNEF §2.1.3.4.2). */
const namedFrom = 0x8000;

/** So many bytes are wanted, or those up to an offset are not. */
type Wish = { readonly bytes: number } | { readonly to: number };

interface Given {
  readonly bytes: Buffer;
  /** The offset behind them. */
  readonly at: number;
}

type Walk<T = void> = Generator<Wish, T, Given>;

export class TnefFinder {
  readonly #walk: Walk;
  #wish: Wish | undefined;
  #at = 0;
  #head: number[] = [];

  constructor(found: FoundList) {
    this.#walk = attributes((from, to) => {
      found.add({
        steps: [{ from, to, decoder: 'as it stands' }],
        why: 'an attachment in TNEF',
        odd: false,
        declared: 'other',
      });
    });
    this.#wish = this.#walk.next().value ?? undefined;
  }

  feed(chunk: Buffer): void {
    const end = this.#at + chunk.length;
    while (this.#wish !== undefined) {
      if ('to' in this.#wish) this.#at = Math.min(end, Math.max(this.#at, this.#wish.to));
      else if (this.#head.length < this.#wish.bytes && this.#at < end) {
        this.#head.push(chunk[chunk.length - (end - this.#at)] ?? 0);
        this.#at++;
      }
      if (!this.#given() && this.#at === end) break;
    }
    this.#at = end;
  }

  end(): void {
    this.#wish = undefined;
  }

  /** @returns whether the wish was granted, and there is perhaps another. */
  #given(): boolean {
    const wish = this.#wish;
    if (wish === undefined) return false;
    if ('to' in wish ? this.#at < wish.to : this.#head.length < wish.bytes) return false;
    const bytes = Buffer.from(this.#head);
    this.#head = [];
    this.#wish = this.#walk.next({ bytes, at: this.#at }).value ?? undefined;
    return true;
  }
}

type Tell = (from: number, to: number) => void;

function* attributes(tell: Tell): Walk {
  const { bytes: start } = yield { bytes: startBytes };
  if (!start.subarray(0, tnefSignature.length).equals(tnefSignature)) return;
  for (;;) {
    const { bytes: head, at } = yield { bytes: attributeBytes };
    const end = at + head.readUInt32LE(5);
    const id = head.readUInt16LE(1);
    if (id === attachData) tell(at, end);
    if (id === attachProperties) yield* properties(end, tell);
    yield { to: end + checksumBytes };
  }
}

/** @param end of the attribute: what claims to go further is broken. */
function* properties(end: number, tell: Tell): Walk {
  for (let left = yield* number(); left > 0; left--) {
    const { bytes: head, at } = yield { bytes: 4 };
    if (at >= end) return;
    const [type, id] = [head.readUInt16LE(0), head.readUInt16LE(2)];
    if (id >= namedFrom) yield* name();
    const single = type & ~severalFlag;
    const isVariable = variableTypes.has(single);
    const isCounted = isVariable || type !== single;
    for (let values = isCounted ? yield* number() : 1; values > 0; values--) {
      const bytes = isVariable ? yield* number() : (longBytes[single] ?? 4);
      const { at: from } = yield { bytes: 0 };
      if (from >= end) return;
      const skipped = type === objectType ? interfaceBytes : 0;
      if (id === dataProperty && bytes > skipped) tell(from + skipped, from + bytes);
      yield { to: from + padded(bytes) };
    }
  }
}

/** A GUID, and a number or a text. */
function* name(): Walk {
  yield { bytes: 16 };
  const isText = (yield* number()) === 1;
  const rest = yield* number();
  const { at } = yield { bytes: 0 };
  if (isText) yield { to: at + padded(rest) };
}

function* number(): Walk<number> {
  const { bytes } = yield { bytes: 4 };
  return bytes.readUInt32LE();
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
