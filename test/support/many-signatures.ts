/** Signatures in the amount that makes clamd take its time, as the official ones do. */
import { createHash } from 'node:crypto';

/** Lines of an .hsb that match nothing, one for each digest, in pieces of 10,000 lines. */
export function* manySignatures(count: number): Generator<string> {
  const lines: string[] = [];
  for (let number = 0; number < count; number++) {
    lines.push(
      `${createHash('sha256').update(String(number)).digest('hex')}:*:Many-${number}:73\n`,
    );
    if (lines.length === 10_000) yield lines.splice(0).join('');
  }
  yield lines.join('');
}
