/** SIGHUP from the first moment on: before there is a daemon that could reload it must not end the process. */
import type { EventEmitter } from 'node:events';

export class Hangups {
  #act: (() => void) | undefined;
  #missed = false;

  /** @param process this one, or in tests another. */
  constructor(process: Pick<EventEmitter, 'on'>) {
    process.on('SIGHUP', () => {
      if (this.#act) this.#act();
      else this.#missed = true;
    });
  }

  /** From now on each calls `act`, and those that came before do so once. */
  take(act: () => void): void {
    this.#act = act;
    if (this.#missed) act();
  }
}
