/**
 * The word to call a step off, passed down to every step of a message. It is what of AbortSignal is
 * used here, and an AbortSignal is one; made by a `Canceller` it costs a tenth, which counts where
 * each message has several and a dozen listeners (an AbortSignal is a whole EventTarget).
 */
export interface CancelSignal {
  readonly aborted: boolean;
  /** Why: a `Cancelled`, when it is ours (errors.ts). */
  readonly reason: unknown;
  /** Not called when the signal is aborted already: look at `aborted`. */
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export class Canceller {
  readonly #signal = new OwnSignal();

  get signal(): CancelSignal {
    return this.#signal;
  }

  /** The first reason counts; later calls do nothing. */
  abort(reason: unknown): void {
    this.#signal.abort(reason);
  }
}

class OwnSignal implements CancelSignal {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const failures: unknown[] = [];
    // One that is removed by another's call is not called any more.
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#listeners.clear();
    if (failures.length > 0) throw failures[0];
  }
}
