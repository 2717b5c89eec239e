import type { Client, Path } from '../envelope.ts';
import type { Reply } from '../protocol/smtp/reply.ts';

/** What became of one step at the next hop. */
export type RelayResult =
  /** The next hop's own 2xx, 4xx or 5xx. */
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** Refused, timed out, dropped, or answered what is not SMTP: nothing was handed over. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** The next hop does not announce an extension that MAIL asks for. */
  | { readonly kind: 'lacks'; readonly extension: 'SMTPUTF8' | '8BITMIME' }
  /** The final dot was sent and no valid reply came: the message may have been accepted. */
  | { readonly kind: 'unknown'; readonly detail: string };

/** What a delivery opens with. */
export interface Opening {
  readonly client: Client;
  readonly reversePath: Path;
  /** The name for EHLO or LHLO; later it carries the attempt's token. */
  readonly helloName: string;
}

/**
 * One message on its way to the next hop, in two phases (RFC 5321 §3.3): envelope first, content
 * and final dot only when the verdict is known. Until `send` nothing of the message is handed over.
 */
export interface Delivery {
  /** The result of MAIL. Never rejects. */
  readonly mail: Promise<RelayResult>;
  /** RCPT; may be called again before the earlier ones are answered. Never rejects. */
  recipient(path: Path): Promise<RelayResult>;
  /**
   * DATA, the content with dots stuffed, and the final dot. When the next hop dropped an idle
   * connection meanwhile, it is opened again and the envelope replayed unseen, once.
   * An aborted `signal` or a failing `content` before the final dot drops the connection without
   * the dot (result `unreachable`); once the dot is sent the reply is waited for, `afterDotMs` long.
   *
   * @param content the whole message as it is to leave, dots not yet stuffed. It is asked for
   *   again when the envelope had to be replayed.
   * @returns over SMTP one result, over LMTP one for each recipient that was accepted, in order.
   *   Never rejects.
   */
  send(content: () => AsyncIterable<Buffer>, signal: AbortSignal): Promise<readonly RelayResult[]>;
  /** Gives the delivery up (RSET, or drops the connection); harmless after `send` has resolved. */
  abort(): void;
}

export interface NextHop {
  /** As in the configuration: '127.0.0.1:10025', 'unix:/path', 'lmtp:host:port'. */
  readonly address: string;
  readonly flavour: 'smtp' | 'lmtp';
  /** Begins a delivery: connects or takes an idle connection, EHLO, XFORWARD, MAIL. */
  begin(opening: Opening, signal: AbortSignal): Delivery;
  /** Closes idle connections; those at work end with their delivery. */
  close(): void;
}
