/**
 * `make milters`: what a sender hears of clamgate's Milter, clamav-milter and rspamd, through the same
 * Postfix and in the same situations. PEERS=1 installs the two others.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stderr, stdout } from 'node:process';
import { aligned } from '../../bench/report/table.ts';
import { submit } from '../support/submit.ts';
import { type Situation, situations } from './situations.ts';
import { type Stand, startStand } from './stand.ts';

const patienceSeconds = 310;
const wordsMax = 44;

/** What each of them makes of it, all at once. */
async function answersTo(stand: Stand, situation: Situation): Promise<string[]> {
  await situation.befalls?.(stand);
  const ports = [...stand.ports.values()];
  const answers = await Promise.all(ports.map((port) => answerOf(stand, port, situation.data)));
  await situation.mend?.(stand);
  return answers;
}

async function answerOf({ postfix }: Stand, port: number, data: Buffer): Promise<string> {
  const begun = performance.now();
  const submission = { from: '<a@client.test>', to: ['<b@sink.test>'], data };
  const late = Promise.withResolvers<string[]>();
  const timer = setTimeout(late.resolve, patienceSeconds * 1000, ['nothing']);
  // Postfix's words where it is refused before its end, too.
  const heard = submit(port, submission).catch((error: unknown) => [String(error)]);
  const [reply = ''] = await Promise.race([heard, late.promise]);
  clearTimeout(timer);
  const seconds = (performance.now() - begun) / 1000;
  const [, id = ''] = /queued as (\w+)/.exec(reply) ?? [];
  const held = id !== '' && readdirSync(join(postfix.queueDirectory, 'hold')).includes(id);
  const words = held ? '250, and held' : reply.replace(/: queued as \w+/, '').slice(0, wordsMax);
  return seconds < 2 ? words : `${words} (${seconds.toFixed(0)} s)`;
}

const stand = await startStand();
try {
  const rows: string[][] = [];
  for (const situation of situations) {
    stderr.write(`${situation.what}\n`);
    rows.push([situation.what, ...(await answersTo(stand, situation))]);
  }
  stdout.write(`${aligned([['', ...stand.ports.keys()], ...rows]).join('\n')}\n`);
} finally {
  await stand.close();
}
