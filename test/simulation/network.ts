/**
 * Connections without a kernel: bytes sent at one end come out at the other later, in order, cut
 * anywhere; or the connection is reset, or goes silent. What a TCP does when an end is closed.
 */
import type { Life, Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** Who sits at an end. */
export interface Receiver {
  bytes(chunk: Buffer): void;
  /** FIN. */
  end(): void;
  /** RST, or refused. */
  reset(): void;
}

/** What may be under way before the sender is held back. */
const windowBytes = 16 * 1024;

const nobody: Receiver = {
  bytes: () => undefined,
  end: () => undefined,
  reset: () => undefined,
};

export class Network {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly #links = new Set<Link>();
  #count = 0;

  constructor(timeline: Timeline, weather: Weather) {
    this.timeline = timeline;
    this.weather = weather;
  }

  /** Names of the connections of which an end is still open. */
  get open(): readonly string[] {
    const open = [...this.#links].filter(({ client, server }) => !(client.closed && server.closed));
    return open.map(({ name }) => name);
  }

  /**
   * Connects, as `connect(2)`: the client can send at once.
   *
   * @param accept whether there is somebody; called when the connection arrives.
   */
  connect(name: string, accept: (end: End) => boolean, life?: Life): Link {
    const link = new Link(`${name}#${++this.#count}`, this);
    this.#links.add(link);
    this.timeline.after(
      this.weather.delay('connect'),
      `connect ${link.name}`,
      () => {
        if (this.weather.happens('refuse connection') || !accept(link.server)) link.reset();
        else link.establish();
      },
      life,
    );
    return link;
  }
}

export class Link {
  readonly name: string;
  readonly network: Network;
  readonly client: End;
  readonly server: End;
  #established = false;
  #silent = false;

  constructor(name: string, network: Network) {
    this.name = name;
    this.network = network;
    this.client = new End(this, 'client');
    this.server = new End(this, 'server');
  }

  get established(): boolean {
    return this.#established;
  }

  /** Nothing that is sent from now on, or is under way, arrives. */
  get silent(): boolean {
    return this.#silent;
  }

  establish(): void {
    this.#established = true;
    this.client.moved();
    this.server.moved();
  }

  goSilent(): void {
    this.#silent = true;
  }

  reset(): void {
    this.#silent = true;
    for (const end of [this.client, this.server]) end.wasReset();
  }

  other(end: End): End {
    return end === this.client ? this.server : this.client;
  }
}

/** One end of a connection: what it sends, and what has not yet arrived of it at the other. */
export class End {
  receiver: Receiver = nobody;
  /** Sees what is sent here, when it is sent. */
  tap: ((bytes: Buffer) => void) | undefined;
  /** Whether whoever sits here has heard that the other end is gone. */
  toldGone = false;
  /** When something arrived here last, in milliseconds since the run began. */
  heardAt = 0;
  #closed = false;
  #paused = false;
  #finished = false;
  #queue: Buffer = Buffer.alloc(0);
  #moving = false;
  #finSent = false;
  readonly #taken: (() => void)[] = [];
  readonly #link: Link;
  readonly side: 'client' | 'server';

  constructor(link: Link, side: 'client' | 'server') {
    this.#link = link;
    this.side = side;
  }

  get name(): string {
    return this.#link.name;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @param taken called when there is room for more. */
  send(bytes: Buffer, taken: () => void = () => undefined): void {
    if (this.#closed || this.#finished) return;
    this.tap?.(bytes);
    this.#queue = this.#queue.length === 0 ? bytes : Buffer.concat([this.#queue, bytes]);
    if (this.#queue.length < windowBytes) taken();
    else this.#taken.push(taken);
    this.moved();
  }

  /** FIN, after what was sent before. */
  finish(): void {
    this.#finished = true;
    this.moved();
  }

  /** Closes, as `close(2)`: what was sent still goes out. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.receiver = nobody;
    this.finish();
  }

  /** Closes with RST. */
  abort(): void {
    if (this.#closed) return;
    this.close();
    this.#link.reset();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#link.other(this).moved();
  }

  wasReset(): void {
    this.#queue = Buffer.alloc(0);
    const { timeline, weather } = this.#link.network;
    timeline.after(weather.delay('network'), `RST ${this.name} ${this.side}`, () => {
      this.toldGone = true;
      const { receiver } = this;
      this.close();
      receiver.reset();
    });
  }

  /** Something may go on its way: plans its arrival. */
  moved(): void {
    const due = this.#queue.length > 0 || (this.#finished && !this.#finSent);
    if (!due || this.#moving || !this.#link.established || this.#link.silent) return;
    if (this.#link.other(this).#paused) return;
    this.#moving = true;
    const { timeline, weather } = this.#link.network;
    timeline.after(weather.delay('network'), `net ${this.name} from ${this.side}`, () => {
      this.#moving = false;
      this.#arrive();
    });
  }

  #arrive(): void {
    const { weather } = this.#link.network;
    if (this.#link.silent) return;
    if (weather.happens('silence')) this.#link.goSilent();
    else if (weather.happens('reset')) this.#link.reset();
    else this.#deliver(this.#link.other(this));
  }

  #deliver(to: End): void {
    if (this.#queue.length > 0 && to.#closed) {
      this.#link.reset();
      return;
    }
    if (this.#queue.length === 0) {
      this.#finSent = true;
      to.toldGone = true;
      to.receiver.end();
      return;
    }
    const length = this.#link.network.weather.cut(this.#queue.length);
    const chunk = this.#queue.subarray(0, length);
    this.#queue = this.#queue.subarray(length);
    to.heardAt = this.#link.network.timeline.elapsed;
    to.receiver.bytes(chunk);
    if (this.#queue.length < windowBytes) for (const taken of this.#taken.splice(0)) taken();
    this.moved();
  }
}
