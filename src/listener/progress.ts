import type { Clock } from '../clock.ts';

/**
 * Resolves when `work` does, or earlier, after a while of it: then `tick` has been called, and who
 * waits says that it is still at work, and waits anew.
 */
export function untilTick(
  work: Promise<void>,
  clock: Clock,
  everyMs: number,
  tick: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(everyMs, () => {
      tick();
      resolve();
    });
    void work.finally(() => {
      timer.cancel();
      resolve();
    });
  });
}
