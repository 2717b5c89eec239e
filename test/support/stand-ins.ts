/** The engine's neighbours without sockets or disk: each can fail at each of its steps. */
import type { CancelSignal } from '../../src/cancel-signal.ts';
import type { Content } from '../../src/content.ts';
import type { Path } from '../../src/envelope.ts';
import { Cancelled, cancelCause } from '../../src/errors.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { Delivery, NextHop, Opening, RelayResult } from '../../src/relay/next-hop.ts';
import type { MessageScanner, ScanReport } from '../../src/scan/scanner.ts';
import type { Finding } from '../../src/verdict/finding.ts';

export const accepted: RelayResult = { kind: 'reply', reply: reply(250, '2.0.0', 'Ok') };

/** Rejects when the signal is aborted, as everything that waits does. */
export function untilAborted(signal: CancelSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => {
      reject(new Cancelled(cancelCause(signal)));
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

export async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Reads the message whole, then reports; hangs until it is called off when told to. */
export class StandInScanner implements MessageScanner {
  findings: readonly Finding[] = [];
  hangs = false;
  throws: Error | undefined;
  /** Scans that have neither ended nor been called off. */
  open = 0;

  async scan(content: Content, signal: CancelSignal): Promise<ScanReport> {
    this.open++;
    try {
      await bytesOf(content.chunks(signal));
      if (this.throws) throw this.throws;
      if (this.hangs) await untilAborted(signal);
      return { findings: this.findings, streams: [], parts: [] };
    } finally {
      this.open--;
    }
  }
}

export interface Sent {
  readonly opening: Opening;
  readonly recipients: readonly string[];
  readonly bytes: Buffer;
}

/** A next hop that answers as it is told, and keeps what it was given up to the final dot. */
export class StandInNextHop implements NextHop {
  readonly address = 'stand-in';
  readonly flavour: 'smtp' | 'lmtp';
  mail: RelayResult = accepted;
  recipient: (address: string) => RelayResult = () => accepted;
  /** What the final dot gets; 'hang' waits until it is called off before the dot. */
  dot: RelayResult | 'hang' = accepted;
  readonly sent: Sent[] = [];
  /** Deliveries that were neither sent nor given up. */
  open = 0;

  constructor(flavour: 'smtp' | 'lmtp' = 'smtp') {
    this.flavour = flavour;
  }

  begin(opening: Opening): Delivery {
    this.open++;
    let over = false;
    const end = (): void => {
      if (!over) this.open--;
      over = true;
    };
    const recipients: string[] = [];
    return {
      mail: Promise.resolve(this.mail),
      recipient: (path: Path) => {
        const result = this.recipient(path.address);
        if (result === accepted) recipients.push(path.address);
        return Promise.resolve(result);
      },
      send: async (content, signal, only) => {
        const to = recipients.filter(
          (address) => !only || only.some((path) => path.address === address),
        );
        try {
          return await this.#send({ opening, recipients: to }, content, signal);
        } finally {
          end();
        }
      },
      abort: end,
    };
  }

  close(): void {
    // Nothing idles here.
  }

  async #send(
    envelope: Omit<Sent, 'bytes'>,
    content: () => AsyncIterable<Buffer>,
    signal: CancelSignal,
  ): Promise<readonly RelayResult[]> {
    const { dot } = this;
    const bytes = await bytesOf(content());
    if (dot === 'hang') {
      await untilAborted(signal).catch(() => undefined);
      return [{ kind: 'unreachable', detail: 'called off' }];
    }
    this.sent.push({ ...envelope, bytes });
    return this.flavour === 'lmtp' ? envelope.recipients.map(() => dot) : [dot];
  }
}
