/** How one value of the configuration file is read, and what is said when it is wrong. */
import { z } from 'zod';

/**
 * One value of the file.
 *
 * @param expects what would be right, to end the sentence "must be ...".
 * @param read the value as the daemon has it, undefined if it is not that.
 */
export function setting<T>(expects: string, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    context.addIssue(complaint(expects, value));
    return z.NEVER;
  });
}

function complaint(expects: string, value: unknown): string {
  if (value === undefined) return `is missing; it must be ${expects}`;
  return `must be ${expects}, not ${shown(value)}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** A string that `fits`. */
export function text(expects: string, fits: (value: string) => boolean) {
  return setting(expects, (value) =>
    typeof value === 'string' && fits(value) ? value : undefined,
  );
}

/** One of a few words. */
export function word<const T extends string>(...words: readonly T[]) {
  const expects = words.map((each) => JSON.stringify(each)).join(' or ');
  return setting(expects, (value) => words.find((each) => each === value));
}

/** A number of at least `min`, which is said when it is less. */
export function number(expects: string, read: (value: unknown) => number | undefined, min = 0) {
  return setting(min > 0 ? `${expects}, at least ${min}` : expects, (value) => {
    const result = read(value);
    return result !== undefined && result >= min ? result : undefined;
  });
}
