import { Canceller, type CancelSignal } from '../cancel-signal.ts';

/** A signal that is aborted with either of two. `release` lets go of both. */
export function eitherOf(
  one: CancelSignal,
  other: CancelSignal,
): { readonly signal: CancelSignal; readonly release: () => void } {
  const both = new Canceller();
  const first = (): void => {
    both.abort(one.reason);
  };
  const second = (): void => {
    both.abort(other.reason);
  };
  if (one.aborted) first();
  if (other.aborted) second();
  one.addEventListener('abort', first, { once: true });
  other.addEventListener('abort', second, { once: true });
  const release = (): void => {
    one.removeEventListener('abort', first);
    other.removeEventListener('abort', second);
  };
  return { signal: both.signal, release };
}
