import type { CancelSignal } from '../../cancel-signal.ts';
import { unlessAborted } from '../../cancellable.ts';
import type { Clock, Timer } from '../../clock.ts';

/** Waits; leaves no timer behind. @throws {Cancelled} */
export async function pause(clock: Clock, ms: number, signal: CancelSignal): Promise<void> {
  let timer: Timer | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = clock.after(ms, resolve);
  });
  try {
    await unlessAborted(waited, signal);
  } finally {
    timer?.cancel();
  }
}
