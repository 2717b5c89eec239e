/**
 * Finds the file in what programs wrap around one: the data fork in AppleSingle (RFC 1740) and
 * MacBinary, and the MIME entity in signed S/MIME (RFC 8551 §3.5.2), which cms.ts
 * takes apart. The others lie in it as they stand, and so does that one to who looks for its header.
 */
import type { FoundList } from './found-list.ts';
import type { Declared } from './recipe.ts';

/** Where it begins is within these bytes. */
const headBytesMax = 4096;

const appleMagic = 0x00051600;
const appleEntriesAt = 24;
const appleEntryBytes = 12;
/** RFC 1740 Appendix B: the data fork. */
const dataForkId = 1;

const macHeaderBytes = 128;
const macNameBytesMax = 63;
const macDataLengthAt = 83;

/** DER's SEQUENCE, with which CMS begins (RFC 5652 §3). */
const SEQUENCE = 0x30;
/** RFC 5652 §4, §5.1, §7: the object identifiers, with tag and length, and where they are. */
const openTypes = ['01', '02', '05'].map((type) =>
  Buffer.from(`06092a864886f70d0107${type}`, 'hex'),
);
const signedDataWithin = 24;
const mimeStart = /(?:content-[a-z-]+|mime-version):/i;

interface Place {
  readonly from: number;
  readonly to: number | undefined;
  readonly why: string;
  readonly declared: Declared;
}

export class WrappedFileFinder {
  readonly #found: FoundList;
  #head: Buffer = Buffer.alloc(0);

  constructor(found: FoundList) {
    this.#found = found;
  }

  feed(chunk: Buffer): void {
    const missing = headBytesMax - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
  }

  end(): void {
    const head = this.#head;
    if (isSigned(head)) {
      const steps = [{ from: 0, to: undefined, decoder: 'signed CMS' }] as const;
      this.#found.add({ steps, why: 'what is signed in S/MIME', odd: false, declared: 'message' });
    }
    for (const place of [appleSingle(head), macBinary(head), signed(head)]) {
      if (place === undefined || place.from === place.to) continue;
      const { from, to, why, declared } = place;
      const steps = [{ from, to, decoder: 'as it stands' }] as const;
      this.#found.add({ steps, why, odd: false, declared });
    }
  }
}

function appleSingle(head: Buffer): Place | undefined {
  if (head.length < appleEntriesAt + 2 || head.readUInt32BE(0) !== appleMagic) return undefined;
  const count = head.readUInt16BE(appleEntriesAt);
  for (let entry = 0; entry < count; entry++) {
    const at = appleEntriesAt + 2 + entry * appleEntryBytes;
    if (at + appleEntryBytes > head.length) return undefined;
    if (head.readUInt32BE(at) !== dataForkId) continue;
    const from = head.readUInt32BE(at + 4);
    const to = from + head.readUInt32BE(at + 8);
    return { from, to, why: 'the data fork in AppleSingle', declared: 'other' };
  }
  return undefined;
}

function macBinary(head: Buffer): Place | undefined {
  const [version, nameBytes = 0] = head;
  if (head.length <= macHeaderBytes || version !== 0) return undefined;
  if (nameBytes === 0 || nameBytes > macNameBytesMax || head[74] !== 0 || head[82] !== 0) {
    return undefined;
  }
  const to = macHeaderBytes + head.readUInt32BE(macDataLengthAt);
  return { from: macHeaderBytes, to, why: 'the data fork in MacBinary', declared: 'other' };
}

function signed(head: Buffer): Place | undefined {
  const at = head[0] === SEQUENCE ? head.toString('latin1').search(mimeStart) : -1;
  if (at === -1) return undefined;
  return { from: at, to: undefined, why: 'what is signed in S/MIME', declared: 'message' };
}

/** As S/MIME begins: a SEQUENCE that names signed data, or plain or digested ones. */
function isSigned(head: Buffer): boolean {
  const start = head.subarray(0, signedDataWithin);
  return head[0] === SEQUENCE && openTypes.some((type) => start.includes(type));
}
