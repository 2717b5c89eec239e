/**
 * The largest buffer that some code asks for. Bytes of buffers lie outside of V8's heap, and a
 * ceiling for that would not hold them; a length that an input claims must not become one.
 */
const makers = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;

/** @returns bytes. */
export function largestBuffer(code: () => void): number {
  let largest = 0;
  const originals = makers.map((name) => [name, Buffer[name].bind(Buffer)] as const);
  for (const [name, original] of originals) {
    Buffer[name] = (size: number, ...rest: []) => {
      largest = Math.max(largest, size);
      return original(size, ...rest);
    };
  }
  try {
    code();
  } finally {
    for (const [name, original] of originals) Buffer[name] = original;
  }
  return largest;
}
