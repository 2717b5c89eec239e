/**
 * The Unicode name of a file in RAR 4. It stands behind the plain one and is packed by it: two bits for
 * each step say where the next characters come from (seen in what unar and 7-Zip make of such names).
 */

/** Characters that one step may take from the plain name, but for these. */
const runLeast = 2;

/** @param plain what stands before NUL. @param packed what stands behind it. */
export function unpackRarName(plain: Buffer, packed: Buffer): string {
  const units: number[] = [];
  let at = 0;
  const byte = (): number => packed[at++] ?? 0;
  const page = byte() << 8;
  const steps = (): number[] => {
    const four = byte();
    return [6, 4, 2, 0].map((shift) => (four >> shift) & 3);
  };
  for (let left: number[] = []; at < packed.length;) {
    if (left.length === 0) left = steps();
    const step = left.shift();
    if (at >= packed.length) break;
    if (step === 0) units.push(byte());
    else if (step === 1) units.push(page | byte());
    else if (step === 2) units.push(byte() | (byte() << 8));
    else units.push(...run(plain, units.length));
  }
  return String.fromCharCode(...units);

  /** From the place in the plain name where this one has come to; perhaps moved, and on the page. */
  function run(from: Buffer, start: number): number[] {
    const length = byte();
    const isMoved = (length & 0x80) !== 0;
    const by = isMoved ? byte() : 0;
    const some = [...from.subarray(start, start + (length & 0x7f) + runLeast)];
    return some.map((unit) => (isMoved ? page | ((unit + by) & 0xff) : unit));
  }
}
