import { assert } from '../assert.ts';
import { Admission } from '../engine/admission.ts';
import { Engine } from '../engine/engine.ts';
import { MilterEngine } from '../engine/milter-engine.ts';
import { Cancelled, cancelCause, messageOf, OperationalError } from '../errors.ts';
import { Listener, type ListenerSettings } from '../listener/listener.ts';
import { MilterListener } from '../listener/milter-listener.ts';
import { PolicyListener } from '../listener/policy-listener.ts';
import type { ListenerSurroundings } from '../listener/socket-listener.ts';
import { systemCode } from '../store/files.ts';
import { WaitingLine } from '../waiting-line.ts';
import { addressList, isListed } from './config-address.ts';
import { groupId } from './config-group.ts';
import type { Config } from './config.ts';
import type { ListenerConfig, SmtpListenerConfig } from './config-listener.ts';
import type { Door } from './self-check.ts';
import type { SystemdSockets } from './systemd-sockets.ts';

type AnyListener = Listener | MilterListener | PolicyListener;
type AnyEngine = Engine | MilterEngine | Admission;

/** Postfix has 100 processes of a service by default; more than one service may ask. */
const policySessionsMax = 1000;

interface Open {
  readonly listener: AnyListener;
  readonly config: ListenerConfig;
  readonly doors: readonly Door[];
}

/** The sockets that the daemon listens on, as the configuration has them now. */
export class Listeners {
  readonly #surroundings: ListenerSurroundings;
  readonly #sockets: SystemdSockets;
  #open: readonly Open[] = [];
  /** Closed to new sessions, some of theirs still at work. */
  readonly #closing = new Set<AnyListener>();

  /** @param sockets that systemd holds for us, to be used instead of new ones. */
  constructor(surroundings: ListenerSurroundings, sockets: SystemdSockets) {
    this.#surroundings = surroundings;
    this.#sockets = sockets;
  }

  get sessions(): number {
    return this.#all().reduce((sum, listener) => sum + listener.sessions, 0);
  }

  /** The addresses that are listened on. */
  get addresses(): readonly string[] {
    return this.#open.map(({ config }) => config.address);
  }

  /** Where we can be connected to, as far as that is known. */
  get doors(): readonly Door[] {
    return this.#open.flatMap(({ doors }) => doors);
  }

  /**
   * Makes the listeners those of `config`. One that stays keeps its socket and its sessions; others
   * are opened and closed. When one cannot be opened nothing changes.
   *
   * @throws what opening a socket throws.
   * @throws {OperationalError} CONFIG, when a socket that stays would have to be opened anew.
   */
  async become(config: Config, engines: ReadonlyMap<ListenerConfig, AnyEngine>): Promise<void> {
    const opened: Open[] = [];
    const settled: (() => void)[] = [];
    const next: Open[] = [];
    try {
      for (const wanted of config.listeners) {
        const kind = this.#kindOf(config, wanted, engines.get(wanted));
        const same = this.#staying(wanted) ?? (await this.#openOne(wanted, kind.create(), opened));
        settled.push(() => {
          kind.settle(same.listener);
        });
        next.push({ ...same, config: wanted });
      }
      // Who goes down meanwhile has closed its listeners: nobody would close these.
      const { stopping } = this.#surroundings;
      if (stopping.aborted) throw new Cancelled(cancelCause(stopping));
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

  /** What is particular to the protocol: the settings, and a listener that has them. */
  #kindOf(config: Config, wanted: ListenerConfig, engine: AnyEngine | undefined): Kind {
    if (wanted.protocol === 'milter') {
      assert(engine instanceof MilterEngine, 'each listener has an engine');
      return {
        create: () => new MilterListener({ engine }, this.#surroundings),
        settle: (listener) => {
          if (listener instanceof MilterListener) listener.settings = { engine };
        },
      };
    }
    if (wanted.protocol === 'policy') {
      assert(engine instanceof Admission, 'each listener has an engine');
      return this.#policyKind(engine);
    }
    assert(engine instanceof Engine, 'each listener has an engine');
    const settings = settingsOf(config, wanted, engine);
    return {
      create: () => new Listener(settings, this.#surroundings),
      settle: (listener) => {
        if (listener instanceof Listener) listener.settings = settings;
      },
    };
  }

  /** Its connections are those of all smtpd processes, and none of them is a session with mail. */
  #policyKind(admission: Admission): Kind {
    const { messageBytesMax } = admission;
    const settings = { obstacle: () => admission.obstacle(), messageBytesMax };
    const { clock } = this.#surroundings;
    const sessions = new WaitingLine({ places: policySessionsMax, waiting: 0 }, clock);
    return {
      create: () => new PolicyListener(settings, { ...this.#surroundings, sessions }),
      settle: (listener) => {
        if (listener instanceof PolicyListener) listener.settings = settings;
      },
    };
  }

  #all(): AnyListener[] {
    return [...new Set([...this.#open.map(({ listener }) => listener), ...this.#closing])];
  }

  #staying(wanted: ListenerConfig): Open | undefined {
    const open = this.#open.find(({ config }) => config.address === wanted.address);
    if (!open) return undefined;
    const position = (config: ListenerConfig) => 'position' in config && config.position;
    for (const key of ['protocol', 'position', 'backlog', 'mode', 'group'] as const) {
      const same =
        key === 'position'
          ? position(open.config) === position(wanted)
          : open.config[key] === wanted[key];
      if (same) continue;
      throw new OperationalError('CONFIG', `${key} of ${wanted.address} changes only at a restart`);
    }
    return open;
  }

  async #openOne(wanted: ListenerConfig, listener: AnyListener, opened: Open[]): Promise<Open> {
    const { address, backlog, mode, protocol } = wanted;
    const doors: Door[] = [];
    const open = { listener, config: wanted, doors };
    // From its first socket on: when the second one fails, the first has to be closed.
    opened.push(open);
    try {
      const group = wanted.group === undefined ? undefined : groupId(wanted.group);
      for (const place of this.#sockets.take(address)) {
        await listener.open({ ...place.listen, backlog }, mode, group);
        // The others say nothing before they are spoken to, so nothing would be heard there.
        if (place.address && (protocol === 'smtp' || protocol === 'lmtp')) {
          doors.push({ name: address, address: place.address });
        }
      }
    } catch (error) {
      const isTaken = systemCode(error) === 'EADDRINUSE';
      const who = isTaken ? '; another program listens there (`ss -lntxp` tells which)' : '';
      const why = `[[listener]] ${address} cannot be opened: ${messageOf(error)}${who}`;
      throw new OperationalError('CONFIG', why, { cause: error });
    }
    return open;
  }

  async #retire(listener: AnyListener): Promise<void> {
    this.#closing.add(listener);
    await listener.close();
    this.#closing.delete(listener);
  }
}

/** What differs between protocols. */
interface Kind {
  readonly create: () => AnyListener;
  readonly settle: (listener: AnyListener) => void;
}

function settingsOf(config: Config, wanted: SmtpListenerConfig, engine: Engine): ListenerSettings {
  const xforward = addressList(wanted.xforwardFrom);
  assert(xforward, 'the configuration has been checked');
  const { hostname, bareCr, limits } = config;
  const mayXforward = (peer: string | undefined): boolean => isListed(xforward, peer);
  return { hostname, bareCr, limits, engine, mayXforward };
}
