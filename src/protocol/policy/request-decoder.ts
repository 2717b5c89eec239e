/**
 * Requests of the policy delegation protocol out of bytes, however they are cut: lines
 * `name=value`, ended by an empty one (SMTPD_POLICY_README, "Protocol description").
 */
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

export class RequestDecoder {
  readonly #limits: RequestLimits;
  /** Postfix ends lines with LF, and so long as it throws nothing away, this buffer finds them. */
  readonly #input = new ReceiveBuffer(Number.MAX_SAFE_INTEGER);
  #attributes = new Map<string, string>();
  /** Attributes of this request, those that came twice included. */
  #count = 0;
  #bytes = 0;
  #malformed: DecodedRequest | undefined;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  receive(bytes: Buffer): void {
    if (!this.#malformed) this.#input.push(bytes);
  }

  /** The next whole request, or that there is none any more; undefined when more input is needed. */
  next(): DecodedRequest | undefined {
    while (!this.#malformed) {
      const line = this.#input.readLine();
      if (line?.kind !== 'line') return this.#checkBound(this.#input.length);
      // ReceiveBuffer takes a CR off, which here is a part of the value.
      const length = line.bytes.length + (line.crlf ? 1 : 0);
      if (this.#checkBound(length)) break;
      this.#bytes += length + 1;
      if (length === 0) return this.#endOfRequest();
      const problem = line.crlf ? 'a line ends with CR LF' : this.#take(line.bytes);
      if (problem !== undefined) return this.#refuse(problem);
    }
    return this.#malformed;
  }

  /** The same whether a line is too long already or has come to its end: cuts make no difference. */
  #checkBound(length: number): DecodedRequest | undefined {
    const { lineBytesMax, requestBytesMax } = this.#limits;
    const tooLong = length > lineBytesMax || this.#bytes + length >= requestBytesMax;
    return tooLong ? this.#refuse('a line or the request is too long') : undefined;
  }

  /** @returns what is wrong with the line. */
  #take(line: Buffer): string | undefined {
    if (line.includes(0)) return 'a line holds NUL';
    const text = line.toString('utf8');
    const end = text.indexOf('=');
    if (end < 1) return 'a line is not name=value';
    if (++this.#count > this.#limits.attributesMax) return 'there are too many attributes';
    const name = text.slice(0, end);
    // As Postfix itself reads such lists (attr_scan_plain(3)).
    if (!this.#attributes.has(name)) this.#attributes.set(name, text.slice(end + 1));
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
