/** Time that passes only while somebody waits: each turn of the event loop goes to the next timer. */
import type { Clock } from '../../src/clock.ts';
import { FakeClock } from './fake-clock.ts';

export function jumpingClock(): Clock {
  const clock = new FakeClock();
  const due = new Set<number>();
  let turning = false;
  const turn = (): void => {
    turning = false;
    const next = Math.min(...due);
    if (next === Infinity) return;
    clock.advance(next - clock.monotonic());
    for (const at of due) if (at <= clock.monotonic()) due.delete(at);
    begin();
  };
  const begin = (): void => {
    if (turning || clock.pending === 0) return;
    turning = true;
    setImmediate(turn);
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after(ms, act) {
      due.add(clock.monotonic() + ms);
      const timer = clock.after(ms, act);
      begin();
      return timer;
    },
  };
}
