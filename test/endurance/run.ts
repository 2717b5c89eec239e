/**
 * `make soak MINUTES=120`: the real daemon and a real clamd under mixed mail, and whether anything
 * grows. Progress goes to standard error, the tables to standard output; exit status 1 if it does.
 */
import { env, exit, stderr, stdout } from 'node:process';
import { endure, problemsOf } from './endure.ts';
import { reportOf } from './report.ts';

const { MINUTES = '120', RATE = '20', SEED = '1' } = env;
const minutes = Number(MINUTES);
/** Until caches are full and the code is compiled. */
const settledMinutes = Math.min(5, minutes / 4);

const endured = await endure({
  seed: Number(SEED),
  seconds: minutes * 60,
  settledSeconds: settledMinutes * 60,
  messagesPerSecond: Number(RATE),
  tell: (what) => {
    stderr.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`);
  },
});
const problems = problemsOf(endured);
stdout.write(reportOf(endured, { minutes, settledMinutes }, problems));
exit(problems.length === 0 ? 0 : 1);
