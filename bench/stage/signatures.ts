/**
 * Random signatures in the amount that makes clamd work as it does for a mail host, since the
 * official database cannot be had everywhere. The same count gives the same signatures.
 */
import { createCipheriv } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const signaturesByDefault = 360_000;

/** Body signatures (.ndb) among all; the others are digests of files (.hsb). */
const bodyShare = 1 / 6;
const bodyBytes = { least: 16, most: 40 };
const fileBytesMax = 1_000_000;
/** Any file, Windows programs, HTML, mail (ClamAV's target types). */
const targets = [0, 1, 3, 4];

/** Writes `count` signatures in all to `directory`. */
export function writeSignatures(directory: string, count: number): void {
  const bodies = Math.round(count * bodyShare);
  const random = randomness('signatures');
  const bodyLines = Array.from({ length: bodies }, (_, i) => {
    const bytes = bodyBytes.least + ((random(1)[0] ?? 0) % (bodyBytes.most - bodyBytes.least + 1));
    return `Bench.Body-${i}:${targets[i % targets.length] ?? 0}:*:${random(bytes).toString('hex')}\n`;
  });
  const digestLines = Array.from({ length: count - bodies }, (_, i) => {
    const size = 1 + (random(4).readUInt32LE() % fileBytesMax);
    return `${random(32).toString('hex')}:${size}:Bench.Digest-${i}\n`;
  });
  writeFileSync(join(directory, 'bench.ndb'), bodyLines.join(''));
  writeFileSync(join(directory, 'bench.hsb'), digestLines.join(''));
}

/** Random bytes that are the same each time: a cipher's key stream. */
export function randomness(seed: string): (bytes: number) => Buffer {
  const key = Buffer.alloc(16, seed);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return (bytes) => cipher.update(Buffer.alloc(bytes));
}
