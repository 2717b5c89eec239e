/** A fact, or why it is not known: a probe that fails is no reason to stop, and no reason to be silent. */
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';

export type Known<T> =
  { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

export function notKnown<T>(why: string): Known<T> {
  return { known: false, why };
}

/** The value, where there is one. */
export function valueOf<T>(fact: Known<T>): T | undefined {
  return fact.known ? fact.value : undefined;
}

/**
 * What `act` finds out within `ms` milliseconds. Never rejects.
 *
 * @param act is given a signal that is aborted when the time is over.
 */
export async function probe<T>(
  clock: Clock,
  ms: number,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<Known<T>> {
  const over = new AbortController();
  const late = Promise.withResolvers<Known<T>>();
  const timer = clock.after(ms, () => {
    late.resolve(notKnown(`no answer within ${ms / 1000} s`));
    over.abort(new Error('too late'));
  });
  const found = act(over.signal).then(known, (error: unknown) => notKnown<T>(messageOf(error)));
  const fact = await Promise.race([found, late.promise]);
  timer.cancel();
  return fact;
}
