/**
 * Where Postfix keeps the queue file of a message: names only, nothing is opened here. It need not
 * be told hash_queue_names and hash_queue_depth: every place is looked at.
 */
import { assert } from '../assert.ts';
import { isQueueId } from '../protocol/witness/line.ts';

/** In the order in which a message goes through them; it may go back from active to deferred. */
export const queueNames = ['incoming', 'active', 'deferred', 'hold'] as const;
export type QueueName = (typeof queueNames)[number];

/** hash_queue_depth (postconf(5)) is 1 unless somebody has very many messages. */
const depthMax = 4;

/** mail_queue(3): base 52, the digits and the consonants of both cases. */
const alphabet = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
/** A long queue id: six digits of seconds, four of microseconds, `z`, the inode without a z. */
const longForm = /^.{6,}(.{4})z[^z]*$/;

/** The paths below the queue directory at which this queue can have the file; the likely first. */
export function queuePaths(queue: QueueName, queueId: string): string[] {
  assert(isQueueId(queueId), 'a queue id has been checked before it becomes a path');
  const paths = [`${queue}/${queueId}`];
  const hashed = hashedName(queueId);
  for (let depth = 1; depth <= Math.min(depthMax, hashed.length); depth++) {
    // dir_forest(3): a directory for each of the first characters, one in the other.
    paths.push(`${queue}/${Array.from(hashed.slice(0, depth)).join('/')}/${queueId}`);
  }
  return paths;
}

/**
 * What dir_forest(3) is given (mail_queue_dir(3)): a short queue id as it is, and of a long one the
 * microseconds as a short one would have them, because the seconds hardly change.
 */
function hashedName(queueId: string): string {
  const digits = longForm.exec(queueId)?.[1];
  if (digits === undefined) return queueId;
  const values = Array.from(digits, (digit) => alphabet.indexOf(digit));
  // A digit that is none makes the number 0, as it does there.
  const microseconds = values.includes(-1) ? 0 : values.reduce((sum, value) => sum * 52 + value, 0);
  return microseconds.toString(16).toUpperCase().padStart(5, '0');
}
