/** Where lines end is asked of every byte that comes in: this is how it is asked. */

/** Calling indexOf costs as much as looking at a few bytes; without this, empty lines are slow. */
const nearBytes = 4;

/** @returns the offset of the first such byte at or after `from`; the chunk's length where there is none. */
export function findByte(chunk: Buffer, byte: number, from: number): number {
  const near = Math.min(from + nearBytes, chunk.length);
  for (let at = from; at < near; at++) if (chunk[at] === byte) return at;
  const found = chunk.indexOf(byte, near);
  return found === -1 ? chunk.length : found;
}
