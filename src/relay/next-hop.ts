import type { CancelSignal } from '../cancel-signal.ts';
import type { Client, Path } from '../envelope.ts';
import type { Reply } from '../protocol/smtp/reply.ts';

/** What became of one step at the next hop. */
export type RelayResult =
  /** The next hop's own 2xx, 4xx or 5xx. */
  | { readonly kind: 'reply'; readonly reply: Reply }
  /**
   * Refused to serve us, timed out, dropped, answered 421 or what is not SMTP, or called off by
   * ourselves: nothing was handed over. `detail` is for the log.
   */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** The next hop does not announce an extension that MAIL asks for. */
  | { readonly kind: 'lacks'; readonly extension: 'SMTPUTF8' | '8BITMIME' }
  /** The final dot was sent and no valid reply came: the message may have been accepted. */
  | { readonly kind: 'unknown'; readonly detail: string };

/** What a delivery opens with. */
export interface Opening {
  readonly client: Client;
  readonly reversePath: Path;
  /** The name for EHLO or LHLO; where the next hop asks before it commits it names the attempt. */
  readonly helloName: string;
}

/**
 * One message on its way to the next hop, in two phases (RFC 5321 §3.3): envelope first, content
 * and final dot only when the verdict is known. Until `send` nothing of the message is handed over.
 * Every delivery ends with `send` or `abort`, also where MAIL failed; then nothing else is called.
 */
export interface Delivery {
  /** The result of MAIL. Never rejects. */
  readonly mail: Promise<RelayResult>;
  /**
   * RCPT; may be called again before the earlier ones are answered, and before `mail` has settled.
   * Where MAIL failed, its result is repeated. Never rejects.
   *
   * When the next hop drops the connection after MAIL was accepted, it is opened again and the
   * envelope replayed unseen, once for all recipients that wait. If MAIL or a recipient that was
   * accepted before is then not accepted, the delivery has failed: this recipient, those that
   * follow and `send` come to `unreachable`.
   */
  recipient(path: Path): Promise<RelayResult>;
  /**
   * DATA, the content with dots stuffed, and the final dot. When the next hop dropped the idle
   * connection meanwhile, it is opened again and the envelope of those that were accepted replayed
   * unseen, once more.
   * An aborted `signal` before the final dot drops the connection without the dot (`unreachable`);
   * once the dot is sent the reply is waited for, `nextHopDotMs` long, and aborts have no effect.
   * At least one recipient has been accepted.
   *
   * @param content the whole message as it is to leave, dots not yet stuffed. It is asked for at
   *   most once, after the next hop's 354.
   * @param only those of the accepted recipients that it goes to; the envelope is then said anew.
   * @returns over SMTP one result, over LMTP one for each recipient that was accepted, in order.
   * @throws whatever `content` throws, after the connection was dropped without the dot: a spool
   *   that cannot be read (OperationalError STORE) is not the next hop's fault. Nothing else.
   */
  send(
    content: () => AsyncIterable<Buffer>,
    signal: CancelSignal,
    only?: readonly Path[],
  ): Promise<readonly RelayResult[]>;
  /**
   * Gives the delivery up (RSET, or drops the connection); harmless after `send` has resolved, and
   * without effect once the final dot is sent.
   */
  abort(): void;
}

export interface NextHop {
  /** As in the configuration: '127.0.0.1:10025', 'unix:/path', 'lmtp:host:port'. */
  readonly address: string;
  readonly flavour: 'smtp' | 'lmtp';
  /**
   * Begins a delivery: connects or takes an idle connection, EHLO, XFORWARD, MAIL. An abort of
   * `signal` before the final dot drops the connection, until the delivery has ended.
   */
  begin(opening: Opening, signal: CancelSignal): Delivery;
  /** Closes idle connections; those at work end with their delivery. */
  close(): void;
}
