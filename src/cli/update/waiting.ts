/** Waits for one clamd to have loaded, by all that can be seen of it. */
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import type { UpdateLimits } from './limits.ts';
import type { UpdateParts } from './parts.ts';
import { pause } from './pause.ts';
import type { ReloadLog } from './reload-log.ts';
import { type LoadEvidence, loadState, type Version } from './version.ts';

export interface WaitingFor {
  readonly address: ClamdAddress;
  readonly before: Version | undefined;
  /** The number in its directory; undefined where that cannot be known. */
  readonly expected: number | undefined;
  readonly way: LoadEvidence['way'];
  readonly log: ReloadLog;
  /** Its process was seen on this machine, so that its end can be seen, too. */
  readonly didRunHere: boolean;
}

export interface WaitingEnd {
  readonly kind: 'loaded' | 'failed';
  readonly text: string;
  /** What it said last. */
  readonly version: Version | undefined;
}

export class Waiting {
  readonly #parts: UpdateParts;
  readonly #for: WaitingFor;
  readonly #began: number;
  #lastSeen: number;

  /** To be made before it is told to load. */
  constructor(parts: UpdateParts, what: WaitingFor) {
    this.#parts = parts;
    this.#for = what;
    this.#began = parts.clock.monotonic();
    this.#lastSeen = this.#began;
  }

  /** @param trialMs how long the signatures took to load elsewhere. @throws {Cancelled} */
  async end(trialMs: number | undefined): Promise<WaitingEnd> {
    const { config, limits, clock, signal } = this.#parts;
    const bounds = { ...limits, unseenMs: Math.max(limits.unseenMs, 2 * (trialMs ?? 0)) };
    for (;;) {
      // The log first: the other way round, an answer of before would meet a log of after.
      const log = this.#for.log.verdict();
      const now = await this.#ask();
      const evidence = this.#evidence(now, log);
      const state = loadState(evidence, bounds);
      if (state !== 'loading') return this.#ended(state, evidence);
      const left = this.#began + config.readyMsMax - clock.monotonic();
      if (left <= 0) {
        return { kind: 'failed', text: this.#lateText(now), version: now };
      }
      if (this.#isGone(now)) {
        return { kind: 'failed', text: 'its process has ended, and none came after', version: now };
      }
      await pause(clock, limits.pollMs, signal);
    }
  }

  async #ask(): Promise<Version | undefined> {
    const { questions, limits, clock, signal } = this.#parts;
    const patience = loadingPatienceMs(clock.monotonic() - this.#began, limits);
    return questions.version(this.#for.address, patience, signal);
  }

  #evidence(now: Version | undefined, log: LoadEvidence['log']): LoadEvidence {
    const { before, expected, way } = this.#for;
    const sinceMs = this.#parts.clock.monotonic() - this.#began;
    return { before, now, expected, way, log, sinceMs };
  }

  /** For so long that nothing will start it again. */
  #isGone(now: Version | undefined): boolean {
    const { clock, clamds, limits } = this.#parts;
    const isThere = now !== undefined || clamds.find(this.#for.address)?.process !== undefined;
    if (isThere || !this.#for.didRunHere) this.#lastSeen = clock.monotonic();
    return clock.monotonic() - this.#lastSeen >= limits.goneMs;
  }

  #ended(state: 'loaded' | 'loaded-unseen' | 'failed', evidence: LoadEvidence): WaitingEnd {
    const { now, before } = evidence;
    const version = now;
    if (state === 'failed') {
      const reason = this.#for.log.reason ?? 'it has lost its signatures';
      return { kind: 'failed', text: reason, version };
    }
    const from = before?.database;
    const to = now?.database;
    const numbers =
      from === to ? `has ${to ?? 'no number'}, as before` : `${from ?? '?'} → ${to ?? '?'}`;
    const seconds = Math.round(evidence.sinceMs / 1000);
    const how = state === 'loaded' ? '' : `; the end cannot be seen, it had ${seconds} s`;
    return { kind: 'loaded', text: `${numbers}${how}`, version };
  }

  #lateText(now: Version | undefined): string {
    const seconds = this.#parts.config.readyMsMax / 1000;
    const { expected } = this.#for;
    if (!now) return `does not answer after ${seconds} s ([update] ready_time)`;
    const wants = expected === undefined ? '' : `, and not ${expected}`;
    return `has ${now.database ?? 'no number'}${wants} after ${seconds} s ([update] ready_time)`;
  }
}

/** A quarter of the time that has passed, within bounds. */
export function loadingPatienceMs(
  sinceMs: number,
  { loadingAnswerMsMin, loadingAnswerMsMax }: UpdateLimits,
): number {
  return Math.min(loadingAnswerMsMax, Math.max(loadingAnswerMsMin, sinceMs / 4));
}
