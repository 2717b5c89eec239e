/**
 * clamd's INSTREAM command (clamd(8)): the frames that go out and the reply that comes in. One
 * stream a connection, so there is no session to keep: what is here is pure, the socket is
 * scan/clamd-stream.ts.
 */

/** `z`: command and reply end with NUL, so that a signature's name can hold anything else. */
export const instreamCommand = Buffer.from('zINSTREAM\0', 'latin1');

/** A chunk of length zero: the end of the stream, from which on clamd scans. */
export const instreamTerminator = Buffer.alloc(4);

/** clamd's longest replies are a signature's name; what is longer than this is not a reply. */
export const replyBytesMax = 4096;

/** The length that goes before `bytes` of data: 32 bits, big endian. */
export function chunkLength(bytes: number): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(bytes);
  return length;
}

export type InstreamReply =
  /** Nothing found in what clamd looked at; whether it looked at all of it is another question. */
  | { readonly kind: 'ok' }
  | { readonly kind: 'found'; readonly signature: string }
  /** Longer than StreamMaxLength: not scanned. */
  | { readonly kind: 'size-limit' }
  /** Anything else, nothing at all included: not scanned. */
  | { readonly kind: 'failed' };

const failed: InstreamReply = { kind: 'failed' };

/**
 * What all bytes that clamd sent until it closed the connection mean. Only the exact forms
 * `stream: OK` and `stream: NAME FOUND`, alone and whole, are a verdict: a reply that was cut off,
 * has anything before, behind or beside it, or speaks of an error, is a failed scan.
 */
export function parseReply(bytes: Buffer): InstreamReply {
  const text = unterminated(bytes);
  if (text === undefined) return failed;
  if (text === 'stream: OK') return { kind: 'ok' };
  if (text === 'INSTREAM size limit exceeded. ERROR') return { kind: 'size-limit' };
  const signature = /^stream: (\S(?:.*\S)?) FOUND$/.exec(text)?.[1];
  // "stream: x ERROR stream: y FOUND" is two answers in one: ERROR beats what stands beside it.
  if (signature === undefined || /\bERROR\b/.test(signature)) return failed;
  return { kind: 'found', signature };
}

/** The reply without its NUL; undefined unless the NUL is there, at the end, and the only one. */
function unterminated(bytes: Buffer): string | undefined {
  const end = bytes.length - 1;
  if (end < 0 || end >= replyBytesMax || bytes.indexOf(0) !== end) return undefined;
  const text = bytes.toString('latin1', 0, end);
  // A z command's answer is one line: "COMMAND READ TIMED OUT\n" and CONTSCAN's lists are none.
  return /[\r\n]/.test(text) ? undefined : text;
}

/** clamd's words for the log: printable, on one line, bounded; '' when it said nothing. */
export function replyWords(bytes: Buffer): string {
  return bytes
    .toString('latin1', 0, replyBytesMax)
    .replace(/[\0\r\n]+$/, '')
    .replace(/[^\x20-\x7e]/g, '?');
}
