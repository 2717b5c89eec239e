/**
 * Requests of the policy delegation protocol out of bytes, however they are cut: lines
 * `name=value`, ended by an empty one (SMTPD_POLICY_README, "Protocol description").
 */
import { isAscii } from 'node:buffer';
import { ReceiveBuffer } from '../receive-buffer.ts';

/** A request beyond one of these is malformed. */
export interface RequestLimits {
  /** A line without its LF. */
  readonly lineBytesMax: number;
  readonly attributesMax: number;
  /** All lines of a request with their LFs, the empty one included. */
  readonly requestBytesMax: number;
}

/**
 * Postfix sends some thirty attributes, of which none is longer than a path of RFC 5321 or a
 * certificate's subject; more are to come, and have to be ignored.
 */
export const defaultRequestLimits: RequestLimits = {
  lineBytesMax: 8 * 1024,
  attributesMax: 200,
  requestBytesMax: 64 * 1024,
};

export type DecodedRequest =
  | { readonly kind: 'request'; readonly attributes: ReadonlyMap<string, string> }
  /** From here on the bytes mean nothing any more; said for ever. */
  | { readonly kind: 'malformed'; readonly detail: string };

const LF = 0x0a;

export class RequestDecoder {
  readonly #limits: RequestLimits;
  /** Only peeked at: lines are cut here, all that have come at once. */
  readonly #input = new ReceiveBuffer(Number.MAX_SAFE_INTEGER);
  /** Whether there may be a whole line in it: so that what drips in is not searched again and again. */
  #mayHoldLine = false;
  #attributes = new Map<string, string>();
  /** Attributes of this request, those that came twice included. */
  #count = 0;
  #bytes = 0;
  #malformed: DecodedRequest | undefined;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  receive(bytes: Buffer): void {
    if (this.#malformed) return;
    this.#input.push(bytes);
    this.#mayHoldLine ||= bytes.includes(LF);
  }

  /** The next whole request, or that there is none any more; undefined when more input is needed. */
  next(): DecodedRequest | undefined {
    if (this.#malformed) return this.#malformed;
    const decoded = this.#mayHoldLine ? this.#readLines() : undefined;
    // The same whether a line is too long already or has come to its end: cuts make no difference.
    return decoded ?? this.#checkBound(this.#input.length);
  }

  /** Takes whole lines, to the end of a request at most. A character of `text` is an octet. */
  #readLines(): DecodedRequest | undefined {
    const lines = wholeLines(this.#input.peek());
    const text = lines.toString('latin1');
    const isPlain = isAscii(lines);
    this.#input.consume(lines.length);
    for (let at = 0, end = 0; at < text.length; at = end + 1) {
      end = text.indexOf('\n', at);
      const tooLong = this.#checkBound(end - at);
      if (tooLong) return tooLong;
      this.#bytes += end - at + 1;
      if (end === at) return this.#endOfRequest();
      const line = text.slice(at, end);
      const problem = this.#take(isPlain ? line : Buffer.from(line, 'latin1').toString());
      if (problem !== undefined) return this.#refuse(problem);
    }
    this.#mayHoldLine = false;
    return undefined;
  }

  #checkBound(length: number): DecodedRequest | undefined {
    const { lineBytesMax, requestBytesMax } = this.#limits;
    const tooLong = length > lineBytesMax || this.#bytes + length >= requestBytesMax;
    return tooLong ? this.#refuse('a line or the request is too long') : undefined;
  }

  /** @returns what is wrong with the line. */
  #take(line: string): string | undefined {
    if (line.endsWith('\r')) return 'a line ends with CR LF';
    if (line.includes('\0')) return 'a line holds NUL';
    const end = line.indexOf('=');
    if (end < 1) return 'a line is not name=value';
    if (++this.#count > this.#limits.attributesMax) return 'there are too many attributes';
    const name = line.slice(0, end);
    // As Postfix itself reads such lists (attr_scan_plain(3)).
    if (!this.#attributes.has(name)) this.#attributes.set(name, line.slice(end + 1));
    return undefined;
  }

  #endOfRequest(): DecodedRequest {
    const attributes = this.#attributes;
    // SMTPD_POLICY_README: "The "request" attribute is required."
    if (!attributes.has('request')) return this.#refuse('there is no attribute "request"');
    this.#attributes = new Map();
    this.#count = 0;
    this.#bytes = 0;
    return { kind: 'request', attributes };
  }

  #refuse(detail: string): DecodedRequest {
    this.#malformed = { kind: 'malformed', detail };
    this.#input.consume(this.#input.length);
    return this.#malformed;
  }
}

/** All whole lines at the start, but none behind an empty one. */
function wholeLines(bytes: Buffer): Buffer {
  if (bytes[0] === LF) return bytes.subarray(0, 1);
  const empty = bytes.indexOf('\n\n', 0, 'latin1');
  return bytes.subarray(0, empty === -1 ? bytes.lastIndexOf(LF) + 1 : empty + 2);
}
