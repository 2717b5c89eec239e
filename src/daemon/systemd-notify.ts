/**
 * Telling systemd how we are (sd_notify(3)). Node.js has no Unix datagrams, so the program
 * systemd-notify says it for us, one call after the other (docs/decisions/0006-sd-notify.md).
 */
import { execFile } from 'node:child_process';
import { messageOf } from '../errors.ts';

/** NAME=value; one message to systemd. */
export type State = Readonly<Record<string, string>>;

/** Says one message. Rejects when it could not be said. */
export type Say = (assignments: readonly string[]) => Promise<void>;

/** systemd-notify waits up to 5 s until systemd has read the message. */
const sayMs = 10_000;

/** @param notifySocket as in NOTIFY_SOCKET. */
export function systemdNotify(notifySocket: string, path: string | undefined): Say {
  const env = { NOTIFY_SOCKET: notifySocket, ...(path !== undefined && { PATH: path }) };
  return (assignments) =>
    new Promise((resolve, reject) => {
      const options = { env, timeout: sayMs, killSignal: 'SIGKILL' } as const;
      execFile('systemd-notify', [...assignments], options, (error, _, stderr) => {
        if (error) reject(new Error(stderr.trim() || error.message, { cause: error }));
        else resolve();
      });
    });
}

/** A message that a newer one of its kind replaces while it waits, or one that must be said. */
interface Waiting {
  readonly state: State;
  readonly replaceable: boolean;
}

/** Messages in their order, one at a time: the next is said when the one before has arrived. */
export class Notifier {
  readonly #say: Say;
  readonly #onTrouble: (detail: string) => void;
  readonly #waiting: Waiting[] = [];
  #saying: Promise<void> | undefined;

  /** @param onTrouble told of each message that could not be said. */
  constructor(say: Say, onTrouble: (detail: string) => void) {
    this.#say = say;
    this.#onTrouble = onTrouble;
  }

  /** What must be said: READY=1 and the like. */
  tell(state: State): void {
    this.#waiting.push({ state, replaceable: false });
    this.#go();
  }

  /** How things are now: while it waits for its turn, a newer one takes its place. */
  refresh(state: State): void {
    if (this.#waiting.at(-1)?.replaceable === true) this.#waiting.pop();
    this.#waiting.push({ state, replaceable: true });
    this.#go();
  }

  /** Resolves when everything was said, or could not be. */
  async said(): Promise<void> {
    while (this.#saying) await this.#saying;
  }

  #go(): void {
    this.#saying ??= this.#sayAll().finally(() => {
      this.#saying = undefined;
    });
  }

  async #sayAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const assignments = Object.entries(next.state).map(([name, value]) => `${name}=${value}`);
      await this.#say(assignments).catch((error: unknown) => {
        this.#onTrouble(messageOf(error));
      });
    }
  }
}
