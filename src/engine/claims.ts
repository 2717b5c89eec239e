import type { CancelSignal } from '../cancel-signal.ts';
import { unlessAborted } from '../cancellable.ts';

/**
 * Who works on what, in this process: a retry that comes while the first try is still at work
 * waits for it. All or nothing, so that nobody waits while holding.
 */
export class Claims {
  readonly #held = new Map<string, Promise<unknown>>();

  /** Handovers under way. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * @returns gives the claim back; harmless when called again.
   * @throws {Cancelled} when `signal` is aborted while others hold any of `keys`.
   */
  async take(keys: readonly string[], signal: CancelSignal): Promise<() => void> {
    for (;;) {
      const others = keys.map((key) => this.#held.get(key)).find((held) => held !== undefined);
      if (!others) return this.#hold(keys);
      await unlessAborted(others, signal);
    }
  }

  /** As `take`, without waiting: undefined when others hold any of `keys`. */
  tryTake(keys: readonly string[]): (() => void) | undefined {
    return keys.some((key) => this.#held.has(key)) ? undefined : this.#hold(keys);
  }

  #hold(keys: readonly string[]): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    for (const key of keys) this.#held.set(key, promise);
    return () => {
      for (const key of keys) if (this.#held.get(key) === promise) this.#held.delete(key);
      resolve(undefined);
    };
  }
}
