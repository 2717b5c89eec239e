/** Bytes as a case file writes them: UTF-8 text with the escapes of C, and `{x*500}` for 500 x. */

const escapes: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', 0: '\0' };

export function bytesIn(text: string): Buffer {
  const plain = Buffer.from(text).toString('latin1');
  const written = plain.replace(
    /\\x([0-9a-f]{2})|\\(.)|\{(.)\*(\d+)\}/gi,
    (_, hex?: string, escape?: string, repeated?: string, times?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (escape !== undefined) return escapes[escape] ?? escape;
      return (repeated ?? '').repeat(Number(times));
    },
  );
  return Buffer.from(written, 'latin1');
}

/** RFC 5321 §4.5.2, and the end of data. */
export function stuffed(content: Buffer): Buffer {
  const lines = content.toString('latin1').replace(/(^|\r\n)\./g, '$1..');
  return Buffer.from(`${lines}.\r\n`, 'latin1');
}

/** What a wire up to its end of data holds, as a server that knows only CRLF reads it. */
export function unstuffed(wire: Buffer): Buffer {
  const text = wire.toString('latin1');
  return Buffer.from(text.slice(0, -'.\r\n'.length).replace(/(^|\r\n)\./g, '$1'), 'latin1');
}
