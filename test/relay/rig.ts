/** A next hop of ours against the fake one, in time that only the test moves. */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { afterEach, expect } from '@jest/globals';
import type { Client, Path } from '../../src/envelope.ts';
import type { Delivery, RelayResult } from '../../src/relay/next-hop.ts';
import { type NextHopLimits, SmtpNextHop } from '../../src/relay/smtp-next-hop.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeNextHop, type FakeNextHopOptions } from '../support/fake-next-hop.ts';

export const limits: NextHopLimits = {
  nextHopReplyMs: 60_000,
  nextHopDotMs: 100_000,
  idleMs: 5000,
  idleConnectionsMax: 2,
};

export const never = new AbortController().signal;

export function path(address: string, ...parameters: string[]): Path {
  return {
    address,
    parameters: parameters.map((text) => {
      const [keyword = '', value] = text.split(/=(.*)/s);
      return value === undefined ? { keyword } : { keyword, value };
    }),
  };
}

export interface Mail {
  readonly client?: Client;
  readonly from?: Path;
  readonly to?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface Begun {
  readonly delivery: Delivery;
  /** The results of RCPT. */
  readonly recipients: Promise<RelayResult[]>;
}

export class Rig {
  readonly clock = new FakeClock();
  readonly fake: FakeNextHop;
  readonly hop: SmtpNextHop;
  /** Our ends of all connections. */
  readonly sockets: Socket[] = [];
  /** All that the next hop has said. */
  #heard = '';
  #more = Promise.withResolvers<undefined>();

  static async start(options: FakeNextHopOptions = {}): Promise<Rig> {
    const rig = new Rig(await FakeNextHop.start(options));
    rigs.push(rig);
    return rig;
  }

  private constructor(fake: FakeNextHop) {
    this.fake = fake;
    this.hop = new SmtpNextHop({
      address: fake.address,
      clock: this.clock,
      limits,
      connect: (options) => this.#connect(options),
    });
  }

  /** Settles when the next hop has said `line` that often, and it was dealt with. */
  async hears(line: string, times: number): Promise<void> {
    const heard = () => this.#heard.split('\r\n').filter((said) => said === line).length;
    while (heard() < times) await this.#more.promise;
    await turn();
  }

  #connect(options: NetConnectOpts): Socket {
    const socket = connect(options);
    this.sockets.push(socket);
    socket.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString();
      this.#more.resolve(undefined);
      this.#more = Promise.withResolvers();
    });
    return socket;
  }

  /** A delivery with all its recipients named at once. */
  begin({ client = {}, from, to = ['b@example.org'], signal = never }: Mail = {}): Begun {
    const reversePath = from ?? path('a@example.org');
    const delivery = this.hop.begin({ client, reversePath, helloName: 'gate.example' }, signal);
    return { delivery, recipients: Promise.all(to.map((to_) => delivery.recipient(path(to_)))) };
  }

  /** A whole delivery. @returns the results of `send`. */
  async deliver(
    mail: Mail = {},
    content = 'Subject: x\r\n\r\nx\r\n',
  ): Promise<readonly RelayResult[]> {
    const { delivery, recipients } = this.begin(mail);
    await recipients;
    return delivery.send(() => chunks(content), never);
  }

  /**
   * Once the next hop has failed, moves time on until `result` is there: what is waited for in
   * vain comes to its end.
   */
  async exhaust<T>(result: Promise<T>): Promise<T> {
    const seen = { settled: false };
    await this.fake.until(() => this.fake.failed > 0);
    const settle = () => {
      seen.settled = true;
    };
    result.then(settle, settle);
    await this.#passTime(() => seen.settled);
    return result;
  }

  /** Nothing may be left over: no connection, no timer. */
  async stop(): Promise<void> {
    this.hop.close();
    this.fake.recover();
    const left = () => ({
      theirs: this.fake.open,
      ours: this.sockets.filter(({ closed }) => !closed).length,
      timers: this.clock.pending,
    });
    await this.#passTime(() => Object.values(left()).every((count) => count === 0));
    expect(left()).toEqual({ theirs: 0, ours: 0, timers: 0 });
    await this.fake.stop();
  }

  async #passTime(done: () => boolean): Promise<void> {
    for (let turns = 0; turns < 10_000 && !done(); turns++) {
      this.clock.advance(100);
      await turn();
    }
  }
}

const rigs: Rig[] = [];

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

export async function* chunks(...pieces: readonly (string | Buffer)[]): AsyncIterable<Buffer> {
  for (const piece of pieces) {
    await turn();
    yield Buffer.from(piece);
  }
}

/** Lets the event loop go round until `condition` holds. */
export async function turnsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Lets the event loop go round once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A result in short: 'reply 250', 'unreachable', 'unknown', 'lacks 8BITMIME'. */
export function inShort(result: RelayResult): string {
  if (result.kind === 'reply') return `reply ${result.reply.code}`;
  return result.kind === 'lacks' ? `lacks ${result.extension}` : result.kind;
}
