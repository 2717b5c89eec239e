/**
 * Finds out above which size a clamd does not look at a file (MaxFileSize, MaxScanSize) where it says
 * nothing of that: it is given the test file in a tar of that size, and says OK when the tar is too
 * large for it. On the wire that is a gzip of zeros, a thousandth of it.
 */
import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { CancelSignal } from '../cancel-signal.ts';
import { OperationalError } from '../errors.ts';
import { classify } from '../protocol/clamd/signature.ts';
import { askCanary, type CanarySettings, foundCanary } from './canary.ts';
import type { ClamdAddress } from './clamd-address.ts';

const KiB = 1024;
const recordBytes = 512;
/** Of this size any clamd that looks into archives sees the file. */
export const leastBytes = 64 * KiB;
/** Steps in which the size is looked for, where it is below what was thought. */
const steps = 128;

/** The member of the tar, by which tests know it. */
export const sizeCanaryName = 'size canary of clamgate';

/**
 * @param suspected bytes: what its MaxFileSize is taken for.
 * @returns the largest size that it is known to look at, at most that one; Infinity where it cannot be
 *   told, because it looks into no archives; undefined where it was neither.
 * @throws {Cancelled}
 */
export async function askFileSize(
  address: ClamdAddress,
  suspected: number,
  settings: CanarySettings,
  signal: CancelSignal,
): Promise<number | undefined> {
  const sees = async (bytes: number): Promise<boolean> => {
    const canary = { bytes: await sizeCanary(bytes) };
    const { reply, words } = await askCanary(address, canary, settings, signal);
    if (reply.kind === 'found') return classify(reply.signature) === 'infected';
    if (reply.kind === 'ok') return false;
    throw new OperationalError('CLAMD', words);
  };
  try {
    if (await sees(suspected)) return suspected;
    if (suspected <= leastBytes || !(await sees(leastBytes))) return Infinity;
    return await largest(suspected, sees);
  } catch (error) {
    if (error instanceof OperationalError) return undefined;
    throw error;
  }
}

/** By halves; never more than the truth, and less by a step at the most. */
async function largest(
  suspected: number,
  sees: (bytes: number) => Promise<boolean>,
): Promise<number> {
  const precision = Math.max(leastBytes, suspected / steps);
  let [seen, unseen] = [leastBytes, suspected];
  while (unseen - seen > precision) {
    const middle = Math.floor((seen + unseen) / 2);
    if (await sees(middle)) seen = middle;
    else unseen = middle;
  }
  return seen;
}

/** @param bytes what it comes to when it is unpacked; at least three records of tar. */
export async function sizeCanary(bytes: number): Promise<Buffer> {
  const packed: Buffer[] = [];
  // Of runs alone this is as small as with all searching, for a fourth of the work.
  const gzip = createGzip({ level: 1, strategy: constants.Z_RLE });
  for await (const chunk of Readable.from(tarOf(bytes)).pipe(gzip)) {
    packed.push(chunk as Buffer);
  }
  return Buffer.concat(packed);
}

function* tarOf(bytes: number): Generator<Buffer, void> {
  const file = Buffer.alloc(recordBytes);
  foundCanary.copy(file);
  yield header(foundCanary.length);
  yield file;
  const zeros = Buffer.alloc(64 * KiB);
  for (let left = bytes - 2 * recordBytes; left > 0; left -= zeros.length) {
    yield zeros.subarray(0, left);
  }
}

/** POSIX.1-1988 (ustar). */
function header(fileBytes: number): Buffer {
  const record = Buffer.alloc(recordBytes);
  const fields: readonly (readonly [at: number, text: string])[] = [
    [0, sizeCanaryName],
    [100, '0000644\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, `${fileBytes.toString(8).padStart(11, '0')}\0`],
    [136, '00000000000\0'],
    // The checksum is that of the record with blanks in its place.
    [148, '        '],
    [156, '0'],
    [257, 'ustar\x0000'],
  ];
  for (const [at, text] of fields) record.write(text, at, 'latin1');
  const sum = record.reduce((total, byte) => total + byte, 0);
  record.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return record;
}
