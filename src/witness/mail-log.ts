/**
 * What Postfix's log says of a message: the last resort, when neither a descriptor nor the queue
 * file is left. Only whole lines of the program that must have written them count, because other
 * lines hold what senders chose.
 */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** Two days of a busy host; what is further back is not looked at. */
const tailBytesMax = 64 * 1024 * 1024;

/** `Nov 21 09:00:00 host ` or `2026-11-21T09:00:00.000000+00:00 host `. */
const stamp = String.raw`(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ `;
/** syslog_name, with the service's own name behind it where one is set. */
const program = String.raw`[\w.-]+(?:/[\w.-]+)*`;

/**
 * @returns undefined when the log has no word of it.
 * @throws when the log cannot be read.
 */
export async function loggedFate(
  log: string,
  queueId: string,
): Promise<'committed' | 'not-committed' | undefined> {
  // qmgr names a message when it takes it up, which it does only when the file is complete.
  const taken = new RegExp(`^${stamp}${program}/qmgr\\[\\d+\\]: ${queueId}: from=<`);
  const refused = new RegExp(
    `^${stamp}${program}/smtpd\\[\\d+\\]: ${queueId}: (?:reject|discard): END-OF-MESSAGE `,
  );
  const file = await open(log, 'r');
  try {
    const { size } = await file.stat();
    const input = file.createReadStream({
      start: Math.max(0, size - tailBytesMax),
      encoding: 'latin1',
      autoClose: false,
    });
    let fate: 'not-committed' | undefined;
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (!line.includes(queueId)) continue;
      if (taken.test(line)) return 'committed';
      if (refused.test(line)) fate = 'not-committed';
    }
    return fate;
  } finally {
    await file.close();
  }
}
