/**
 * The server side of Postfix's policy delegation protocol (SMTPD_POLICY_README): bytes in, requests
 * out, actions in, bytes out. It reads no clock and no socket, and knows nothing of what is asked.
 *
 * The legal paths:
 *
 *   reading ─empty line─▶ asked ─answer─▶ reading
 *      └─malformed─▶ refused ─told─▶ closed ◀─hangUp─ from everywhere
 */
import { assert } from '../../assert.ts';
import { RequestDecoder, type RequestLimits } from './request-decoder.ts';

export type PolicyEvent =
  /** Answered with an action. The attributes as they came; of two with one name, the first. */
  | { readonly type: 'request'; readonly attributes: ReadonlyMap<string, string> }
  /** What came is no request: it gets no answer, and `close` follows. `detail` is for the log. */
  | { readonly type: 'protocol-error'; readonly detail: string }
  | { readonly type: 'close' };

export class PolicySession {
  readonly #decoder: RequestDecoder;
  #state: 'reading' | 'asked' | 'closed' = 'reading';
  #output: Buffer[] = [];

  constructor(limits: RequestLimits) {
    this.#decoder = new RequestDecoder(limits);
  }

  receive(bytes: Buffer): void {
    if (this.#state !== 'closed') this.#decoder.receive(bytes);
  }

  /** The next event; 'paused' while an action is due, 'need-data' when more input is. */
  next(): PolicyEvent | 'need-data' | 'paused' {
    if (this.#state === 'closed') return { type: 'close' };
    if (this.#state === 'asked') return 'paused';
    const decoded = this.#decoder.next();
    if (decoded === undefined) return 'need-data';
    this.#state = decoded.kind === 'request' ? 'asked' : 'closed';
    return decoded.kind === 'request'
      ? { type: 'request', attributes: decoded.attributes }
      : { type: 'protocol-error', detail: decoded.detail };
  }

  /**
   * The action for the request that is open, as in the right-hand side of access(5): `DUNNO`,
   * `451 4.3.0 text`. What comes after the session has hung up is dropped.
   */
  answer(action: string): void {
    if (this.#state === 'closed') return;
    assert(this.#state === 'asked', 'an action belongs to a request');
    assert(/^[^\0\r\n]+$/.test(action), 'an action is one line');
    this.#state = 'reading';
    this.#output.push(Buffer.from(`action=${action}\n\n`));
  }

  /** Closes without another word: then Postfix asks anew, and defers when that fails, too. */
  hangUp(): void {
    this.#state = 'closed';
  }

  /** Bytes to write now; each is handed out once. */
  takeOutput(): Buffer[] {
    return this.#output.splice(0);
  }
}
