/**
 * The messages of the benchmark, and the streams that clamd has to scan for each. No two are alike,
 * nor any two of their parts: clamd remembers what it has found clean, and would not look again.
 */
import { mailPrefix } from '../src/scan/message-scan.ts';
import { randomness } from './signatures.ts';

export const kinds = ['text-4k', 'attachment-100k'] as const;
export type Kind = (typeof kinds)[number];

export interface Sample {
  /** As it goes over the wire after DATA, without the final dot; no line of it begins with a dot. */
  readonly message: Buffer;
  /** The decoded parts that clamgate sends besides the whole. */
  readonly parts: readonly Buffer[];
}

/** Makes the sample with this number. */
export type Maker = (serial: number) => Sample;

const KiB = 1024;
const base64Line = { bytes: 57, chars: 78 };
/** A serial number's digits: in base64 they fill whole groups of four. */
const digits = 12;

export function makerOf(kind: Kind): Maker {
  return kind === 'text-4k' ? textMaker(4 * KiB) : attachmentMaker(100 * KiB);
}

/** What the clamds of this world are sent for a sample, in order. */
export function streamsOf({ message, parts }: Sample): readonly Buffer[] {
  return [Buffer.concat([mailPrefix, message]), ...parts];
}

/** A text without a word of MIME. */
function textMaker(size: number): Maker {
  const head = header(['Subject: Monday', '', '']);
  const between = '>\r\n';
  const rest = size - head.length - between.length - 2 * digits;
  const [before, body] = [Buffer.from(head), Buffer.from(prose(rest))];
  return (serial) => {
    const id = number(serial);
    const middle = Buffer.from(between);
    return { message: Buffer.concat([before, id, middle, id, body]), parts: [] };
  };
}
