/** What an error of SQLite is about. */
import { OperationalError } from '../errors.ts';

const busy = 5;
const tooBig = 18;
const constraint = 19;
const mismatch = 20;

/** Somebody else holds a lock on the database. */
export function isBusy(thrown: unknown): boolean {
  return resultCode(thrown) === busy;
}

/** The values that were to be stored are at fault, not the place where they were to be stored. */
export function isOfTheValues(thrown: unknown): boolean {
  if (thrown instanceof OperationalError) return false;
  const code = resultCode(thrown);
  return code === undefined || [tooBig, constraint, mismatch].includes(code);
}

/** SQLite's primary result code; undefined for an error of something else. */
function resultCode(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || !thrown || !('errcode' in thrown)) return undefined;
  return Number(thrown.errcode) & 0xff;
}
