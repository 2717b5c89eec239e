/** What was thrown in another thread: a message between threads keeps of an error its words alone. */
import { type CancelCause, Cancelled, type ErrorCode, OperationalError } from '../errors.ts';

export type Failure =
  | { readonly kind: 'cancelled'; readonly why: CancelCause }
  | { readonly kind: 'operational'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'fault'; readonly message: string; readonly stack: string | undefined };

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof Cancelled) return { kind: 'cancelled', why: thrown.why };
  if (thrown instanceof OperationalError) {
    return { kind: 'operational', code: thrown.code, message: thrown.message };
  }
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { kind: 'fault', message, stack };
}

/** What is to be thrown here. */
export function thrownAs(failure: Failure): Error {
  switch (failure.kind) {
    case 'cancelled':
      return new Cancelled(failure.why);
    case 'operational':
      return new OperationalError(failure.code, failure.message);
    case 'fault': {
      const error = new Error(failure.message);
      // Where it was thrown, not here.
      if (failure.stack !== undefined) error.stack = failure.stack;
      return error;
    }
  }
}
