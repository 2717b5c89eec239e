/**
 * One look at one clamd: whether it answers (VERSION, else PING), whether new work would wait (STATS),
 * and, where that is due, whether it can be believed (canary.ts) and tells of its limits.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import { Cancelled, messageOf } from '../errors.ts';
import { isFull, parseStats } from '../protocol/clamd/stats.ts';
import { parseVersion } from '../protocol/clamd/version.ts';
import { type CanarySettings, falseWord } from './canary.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { ask, FullBacklog, NoAnswer } from './clamd-socket.ts';
import type { DatabaseVersions } from './database-versions.ts';
import type { Evidence } from './endpoint-state.ts';
import { askLimitAlerts, type LimitAlerts } from './limits-canary.ts';

export interface ProbeSettings extends CanarySettings {
  readonly versions: DatabaseVersions;
}

/** What is due besides whether it answers; asked when it has. */
export interface Due {
  /** Always, and before the canary. @throws as `dial`. */
  readonly tie: () => Promise<void>;
  readonly canary: () => boolean;
  readonly limits: () => boolean;
}

export interface Look {
  readonly evidence: Evidence;
  /** Whether the canary was shown, and right. */
  readonly believed: boolean;
  /** Where it was asked. */
  readonly alerts?: LimitAlerts;
}

/** @throws {Cancelled} */
export async function look(
  address: ClamdAddress,
  due: Due,
  settings: ProbeSettings,
  signal: CancelSignal,
): Promise<Look> {
  try {
    return await looked(address, due, settings, signal);
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    const detail = messageOf(error);
    if (error instanceof FullBacklog) return without({ kind: 'full', detail });
    return without({ kind: error instanceof NoAnswer ? 'silent' : 'gone', detail });
  }
}

async function looked(
  address: ClamdAddress,
  due: Due,
  settings: ProbeSettings,
  signal: CancelSignal,
): Promise<Look> {
  const detail = await greeting(address, settings, signal);
  if (detail === undefined) return without({ kind: 'unfit', detail: 'it is not a clamd' });
  await due.tie();
  const right: Evidence = { kind: 'right', detail };
  if (!due.canary()) return without((await crowd(address, settings, signal)) ?? right);
  let full: Evidence | undefined;
  const meanwhile = async (): Promise<void> => {
    full = await crowd(address, settings, signal);
  };
  const wrong = await falseWord(address, meanwhile, settings, signal);
  if (wrong ?? full) return without(wrong ?? full ?? right);
  const alerts = due.limits() ? await askLimitAlerts(address, settings, signal) : undefined;
  return { evidence: right, believed: true, ...(alerts && { alerts }) };
}

function without(evidence: Evidence): Look {
  return { evidence, believed: false };
}

/** What it calls itself; undefined where it is something else. VERSION can be forbidden (clamd 1.5). */
async function greeting(
  address: ClamdAddress,
  settings: ProbeSettings,
  signal: CancelSignal,
): Promise<string | undefined> {
  const words = await settings.versions.read(address);
  if (parseVersion(words)) return words;
  if (words === '') throw new Error('closed without an answer');
  const pong = await ask(address, 'PING', settings, signal);
  return pong === 'PONG' ? `no version: '${words}'` : undefined;
}

/** STATS takes a thread like a scan does: where all are taken it waits with them. */
async function crowd(
  address: ClamdAddress,
  settings: ProbeSettings,
  signal: CancelSignal,
): Promise<Evidence | undefined> {
  try {
    const stats = parseStats(await ask(address, 'STATS', settings, signal));
    if (!stats || !isFull(stats)) return undefined;
    const { threadsMax, queued } = stats;
    return { kind: 'full', detail: `all ${threadsMax} threads at work, ${queued} streams wait` };
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof FullBacklog)) throw error;
    return { kind: 'full', detail: `all threads at work: ${error.message}` };
  }
}
