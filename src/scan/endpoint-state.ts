/**
 * What is known of one clamd, and what moves it from one state to another: a table, and pure. Who
 * gathers the evidence is endpoint-probe.ts and clamd-pool.ts; docs/decisions/0005-clamd-pool.md has
 * the table in words.
 */

export type EndpointState =
  /** Nobody listens, or nobody answers yet: it loads its signatures. Mail waits for it. */
  | 'starting'
  /** It answers, and its canary was right: the only state in which it gets mail. */
  | 'ready'
  /** It takes connections and does not answer, and did before: a blocking reload, or it is frozen. */
  | 'reloading'
  /** It answers and does not keep up, or broke several scans in a row. Mail waits for it. */
  | 'busy'
  /** It called its canary clean, or answered what it had not read. */
  | 'lying'
  /** It cannot scan, or has been away for too long. Mail does not wait for it. */
  | 'dead';

export const endpointStates: readonly EndpointState[] = [
  'starting',
  'ready',
  'reloading',
  'busy',
  'lying',
  'dead',
];

/** What a probe or a scan has shown. `detail` is for people. */
export type Evidence =
  /** No connection: refused, no socket, no route, no such name. */
  | { readonly kind: 'gone'; readonly detail: string }
  /** A connection, and no answer on it. */
  | { readonly kind: 'silent'; readonly detail: string }
  /** It answers, and new work would wait long. */
  | { readonly kind: 'full'; readonly detail: string }
  /** It answers, and its canary is right. */
  | { readonly kind: 'right'; readonly detail: string }
  | { readonly kind: 'lie'; readonly detail: string }
  /** It answers, and cannot scan; or it is no clamd. */
  | { readonly kind: 'unfit'; readonly detail: string }
  /** A stream of mail came to its answer. */
  | { readonly kind: 'scanned' }
  /** A stream of mail did not come to its answer. */
  | { readonly kind: 'broke'; readonly detail: string }
  /** Nothing is held against it, and it has to show its canary before it gets mail. */
  | { readonly kind: 'suspect'; readonly detail: string };

export interface Health {
  readonly state: EndpointState;
  /** When it came into this state; monotonic, in milliseconds. */
  readonly since: number;
  /** Whether it has ever answered. */
  readonly seen: boolean;
  /** In which way it is away, and since when. */
  readonly away: { readonly by: 'gone' | 'silent'; readonly since: number } | undefined;
  /** Scans that broke, without one between them that did not. */
  readonly broken: number;
  readonly detail: string;
}

/**
 * For so long a clamd that is away is taken to be loading: as long as our drop-in for systemd gives
 * it to start (TimeoutStartSec).
 */
export const awayMsMax = 900_000;

/** So many scans that broke in a row, and it gets no more before it has shown a canary. */
export const brokenInRowMax = 3;

export function unknownHealth(now: number): Health {
  return {
    state: 'starting',
    since: now,
    seen: false,
    away: undefined,
    broken: 0,
    detail: 'not asked yet',
  };
}

/** @param now monotonic. @returns `health` itself where nothing changes. */
export function afterEvidence(health: Health, evidence: Evidence, now: number): Health {
  switch (evidence.kind) {
    case 'scanned':
      return health.broken === 0 ? health : { ...health, broken: 0 };
    case 'broke':
      return afterBroken(health, evidence.detail, now);
    case 'gone':
    case 'silent':
      return whileAway(health, evidence, now);
    case 'right':
      return { ...entered(health, 'ready', evidence.detail, now), ...answered };
    case 'full': {
      // Whoever lies goes on lying until it is seen to be right.
      const state = health.state === 'lying' ? 'lying' : 'busy';
      return { ...entered(health, state, evidence.detail, now), ...answered };
    }
    case 'lie':
      return { ...entered(health, 'lying', evidence.detail, now), ...answered };
    case 'unfit':
      return { ...entered(health, 'dead', evidence.detail, now), away: undefined, broken: 0 };
    case 'suspect':
      if (health.state !== 'ready') return health;
      return entered(health, 'starting', evidence.detail, now);
  }
}

const answered = { seen: true, away: undefined, broken: 0 } as const;

function entered(health: Health, state: EndpointState, detail: string, now: number): Health {
  const since = health.state === state ? health.since : now;
  return { ...health, state, since, detail };
}

function afterBroken(health: Health, detail: string, now: number): Health {
  if (health.state !== 'ready') return health;
  const broken = health.broken + 1;
  if (broken < brokenInRowMax) return { ...health, broken };
  const words = `${broken} scans in a row broke: ${detail}`;
  return { ...entered(health, 'busy', words, now), broken };
}

/** A change from one way of being away to the other tells of a start or an end: the time runs anew. */
function whileAway(
  health: Health,
  { kind, detail }: Extract<Evidence, { kind: 'gone' | 'silent' }>,
  now: number,
): Health {
  const away = health.away?.by === kind ? health.away : { by: kind, since: now };
  const loading = kind === 'silent' && health.seen ? 'reloading' : 'starting';
  const state = now - away.since >= awayMsMax ? 'dead' : loading;
  return { ...entered(health, state, detail, now), away, broken: 0 };
}
