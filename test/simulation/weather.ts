/**
 * What goes wrong in a run, and how long things take. Most runs have only some kinds of fault: a
 * run with all of them at once would never come to the later steps of a delivery.
 */
import type { Choices } from './choices.ts';

/** How likely each fault is, where a run has it: at each delivery, step, operation … */
const odds = {
  /** The connection is reset while bytes are under way. */
  reset: 0.008,
  /** The connection goes silent for good: both ends find out by their own timers. */
  silence: 0.003,
  /** The daemon dies before this event. */
  crash: 0.002,
  /** The daemon dies before this event, at one of the places where it matters most. */
  'crash at a named point': 0.03,
  /** With the daemon's death what was not fsynced is lost. */
  'power loss': 0.5,
  /** A disk operation fails. */
  disk: 0.02,
  /** The disk goes on failing for a while. */
  'disk stays broken': 0.2,
  /** A commit of the ledger fails; whether it was made nobody knows. */
  ledger: 0.03,
  'refuse connection': 0.05,
  'mail 4xx': 0.03,
  'rcpt 4xx': 0.08,
  'rcpt 5xx': 0.06,
  'data 4xx': 0.03,
  'dot 4xx': 0.08,
  'dot 5xx': 0.06,
  /** It takes its time with the final dot; the peer in front may have come again meanwhile. */
  'next hop stalls': 0.3,
  /** smtpd dies between two commands. */
  'smtpd killed': 0.01,
  /** smtpd dies while it asks whether it may commit. */
  'smtpd killed asking': 0.1,
  /** smtpd dies after it was told to go: cleanup commits without it. */
  'smtpd killed after go': 0.1,
  /** The whole next hop dies with the queue file not complete. */
  'next hop killed': 0.05,
  /** Committed, and smtpd dies before it has said so. */
  'reply lost': 0.1,
  /** The connection breaks while the daemon's answer to the final dot is under way. */
  'reply to the peer lost': 0.05,
  /** The program that keeps the evidence does not answer when it is to hold something. */
  'witness away': 0.05,
  /** The program that keeps the evidence dies, and its evidence with it. */
  'evidence lost': 0.05,
  'scan fails': 0.1,
  /** clamd dies of the message, or seems to. */
  'scan breaks': 0.1,
  /** The client dies in mid-session. */
  'client killed': 0.005,
  /** A delay is long enough to pass some deadline. */
  slow: 0.01,
} as const;

export type Fault = keyof typeof odds;
export type Odds = Readonly<Record<Fault, number>>;

/** Milliseconds: what is usual, and what a slow one takes. */
const delays = {
  network: [3, 400_000],
  connect: [2, 90_000],
  disk: [1, 30_000],
  ledger: [3, 30_000],
  scan: [400, 600_000],
  smtpd: [4, 200_000],
  commit: [20, 60_000],
  question: [2, 150_000],
  witness: [2, 4000],
  restart: [10_000, 120_000],
  retry: [120_000, 3_600_000],
} as const;

export type Delay = keyof typeof delays;

/** What arrives in one piece at most. */
const segmentBytes = 4096;

export class Weather {
  readonly #choices: Choices;
  readonly #odds: Odds;
  /** No more faults: what is left to do must now come to its end. */
  calm = false;

  constructor(choices: Choices, given: Odds) {
    this.#choices = choices;
    this.#odds = given;
  }

  happens(fault: Fault): boolean {
    return !this.calm && this.#choices.chance(this.#odds[fault], fault);
  }

  delay(what: Delay): number {
    const [usual, slow] = delays[what];
    if (this.happens('slow')) return this.#choices.below(slow, `slow ${what}`);
    return this.#choices.below(usual + 1, what);
  }

  /** How many of `length` bytes come in one piece. */
  cut(length: number): number {
    const segment = Math.min(length, segmentBytes);
    if (segment < 2 || this.#choices.below(5, 'cut') !== 1) return segment;
    return 1 + this.#choices.below(segment - 1, 'cut at');
  }

  below(n: number, what: string): number {
    return this.#choices.below(n, what);
  }
}

/**
 * Each kind of fault in one run of three, and then up to twice as likely as it says above.
 *
 * @param prone kinds that are in every run, at their most likely.
 */
export function drawnOdds(choices: Choices, prone: readonly Fault[] = []): Odds {
  const drawn = Object.entries(odds).map(([fault, probability]) => {
    const isThere = choices.below(3, 'kind of fault') === 1;
    const likelihood = 1 + choices.below(100, 'likelihood') / 100;
    if (prone.includes(fault as Fault)) return [fault, 2 * probability];
    return [fault, isThere ? probability * likelihood : 0];
  });
  return Object.fromEntries(drawn) as Odds;
}

/** Each fault that is named may happen, as often as it is chosen. */
export function only(faults: readonly Fault[]): Odds {
  const entries = Object.keys(odds).map((fault) => [
    fault,
    faults.includes(fault as Fault) ? 1 : 0,
  ]);
  return Object.fromEntries(entries) as Odds;
}
