/**
 * The ways a byte string can arrive: whole, byte by byte, and cut in two at every place. A codec
 * that gives the same events for each of them does not depend on how the network cuts.
 */
export function* chops(bytes: Buffer): Generator<{ name: string; pieces: Buffer[] }> {
  yield { name: 'whole', pieces: [bytes] };
  yield { name: 'byte by byte', pieces: Array.from(bytes, (byte) => Buffer.from([byte])) };
  for (let cut = 1; cut < bytes.length; cut++) {
    yield { name: `cut at ${cut}`, pieces: [bytes.subarray(0, cut), bytes.subarray(cut)] };
  }
}
