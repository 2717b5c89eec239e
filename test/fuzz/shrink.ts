/** Makes an input smaller while something stays true of it. */

/** @param still whether it is still true; it is of `input`. */
export function shrunk(
  input: Buffer,
  trialsMax: number,
  still: (candidate: Buffer) => boolean,
): Buffer {
  let smallest = input;
  let trials = 0;
  for (let size = smallest.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < smallest.length && trials < trialsMax; trials++) {
      const without = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (still(without)) smallest = without;
      else at += size;
    }
  }
  return smallest;
}
