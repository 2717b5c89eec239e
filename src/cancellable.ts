import type { CancelSignal } from './cancel-signal.ts';
import { Cancelled, cancelCause } from './errors.ts';

/**
 * What `value` comes to, unless `signal` is aborted first. What `value` stands for goes on.
 *
 * @throws {Cancelled}
 */
export async function unlessAborted<Value>(
  value: Promise<Value>,
  signal: CancelSignal,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(new Cancelled(cancelCause(signal)));
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([value, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
