import { assert } from '../assert.ts';
import type { Engine } from '../engine/engine.ts';
import { messageOf, OperationalError } from '../errors.ts';
import {
  Listener,
  type ListenerSettings,
  type ListenerSurroundings,
} from '../listener/listener.ts';
import { parseSocketAddress } from '../socket-address.ts';
import { addressList, isListed } from './config-address.ts';
import type { Config, ListenerConfig } from './config.ts';

interface Open {
  readonly listener: Listener;
  readonly config: ListenerConfig;
}

/** The sockets that the daemon listens on, as the configuration has them now. */
export class Listeners {
  readonly #surroundings: ListenerSurroundings;
  #open: readonly Open[] = [];
  /** Closed to new sessions, some of theirs still at work. */
  readonly #closing = new Set<Listener>();

  constructor(surroundings: ListenerSurroundings) {
    this.#surroundings = surroundings;
  }

  get sessions(): number {
    return this.#all().reduce((sum, listener) => sum + listener.sessions, 0);
  }

  /** The addresses that are listened on. */
  get addresses(): readonly string[] {
    return this.#open.map(({ config }) => config.address);
  }

  /**
   * Makes the listeners those of `config`. One that stays keeps its socket and its sessions; others
   * are opened and closed. When one cannot be opened nothing changes.
   *
   * @throws what opening a socket throws.
   * @throws {OperationalError} CONFIG, when a socket that stays would have to be opened anew.
   */
  async become(config: Config, engines: ReadonlyMap<ListenerConfig, Engine>): Promise<void> {
    const opened: Open[] = [];
    const settled: (() => void)[] = [];
    const next: Open[] = [];
    try {
      for (const wanted of config.listeners) {
        const settings = settingsOf(config, wanted, engines);
        const same = this.#staying(wanted);
        const listener = same ?? (await this.#openOne(wanted, settings, opened));
        settled.push(() => (listener.settings = settings));
        next.push({ listener, config: wanted });
      }
    } catch (error) {
      for (const { listener } of opened) void listener.close();
      throw error;
    }
    for (const settle of settled) settle();
    const gone = this.#open.filter(
      ({ listener }) => !next.some((open) => open.listener === listener),
    );
    for (const { listener } of gone) void this.#retire(listener);
    this.#open = next;
  }

  /** Accepts nothing more; resolves when the last session has ended. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map((listener) => this.#retire(listener)));
    this.#open = [];
  }

  /** Calls off what is still at work. */
  cutOff(): void {
    for (const listener of this.#all()) listener.cutOff();
  }

  destroy(): void {
    for (const listener of this.#all()) listener.destroy();
  }

  #all(): Listener[] {
    return [...new Set([...this.#open.map(({ listener }) => listener), ...this.#closing])];
  }

  #staying(wanted: ListenerConfig): Listener | undefined {
    const open = this.#open.find(({ config }) => config.address === wanted.address);
    if (!open) return undefined;
    for (const key of ['protocol', 'position', 'backlog', 'mode'] as const) {
      if (open.config[key] === wanted[key]) continue;
      throw new OperationalError('CONFIG', `${key} of ${wanted.address} changes only at a restart`);
    }
    return open.listener;
  }

  async #openOne(
    wanted: ListenerConfig,
    settings: ListenerSettings,
    opened: Open[],
  ): Promise<Listener> {
    const parsed = parseSocketAddress(wanted.address);
    assert(parsed.ok, 'the configuration has been checked');
    const listener = new Listener(settings, this.#surroundings);
    try {
      await listener.open({ ...parsed.address, backlog: wanted.backlog }, wanted.mode);
    } catch (error) {
      const why = `[[listener]] ${wanted.address} cannot be opened: ${messageOf(error)}`;
      throw new OperationalError('CONFIG', why, { cause: error });
    }
    opened.push({ listener, config: wanted });
    return listener;
  }

  async #retire(listener: Listener): Promise<void> {
    this.#closing.add(listener);
    await listener.close();
    this.#closing.delete(listener);
  }
}

function settingsOf(
  config: Config,
  wanted: ListenerConfig,
  engines: ReadonlyMap<ListenerConfig, Engine>,
): ListenerSettings {
  const engine = engines.get(wanted);
  const xforward = addressList(wanted.xforwardFrom);
  assert(engine && xforward, 'the configuration has been checked');
  const { hostname, bareCr, limits } = config;
  const mayXforward = (peer: string | undefined): boolean => isListed(xforward, peer);
  return { hostname, bareCr, limits, engine, mayXforward };
}
