/**
 * What comes next in an update. Pure: the table is all there is to it. The signatures come first,
 * then one endpoint after the other:
 *
 *   wait → bring → look → check → install → (measure → drain → idle → load → ready → canary → resume)*
 *
 * Whatever fails while an endpoint is drained leads over `release`, which gives it back to the
 * daemon, to the end; the endpoints behind it keep what they have.
 */
export type StepName =
  /** A random time, so that many machines do not begin at once. */
  | 'wait'
  /** Runs freshclam, or sets apart what was delivered. */
  | 'bring'
  /** Which signatures each clamd has, and whether there are others now. */
  | 'look'
  /** Loads the new signatures in a process of its own. */
  | 'check'
  /** Puts what was delivered into clamd's directory. */
  | 'install'
  /** Whether memory allows this endpoint to load. */
  | 'measure'
  | 'drain'
  /** Until the daemon has no stream there any more. */
  | 'idle'
  /** RELOAD, or a restart of the unit. */
  | 'load'
  /** Until it has the new signatures. */
  | 'ready'
  | 'canary'
  /** Back to the daemon, until that gives it mail again. */
  | 'resume'
  /** Back to the daemon after something failed. */
  | 'release';

export type Outcome =
  | 'done'
  /** There was nothing to be done, or no way to do it; the text says which. */
  | 'none'
  /** This endpoint is left as it is. */
  | 'passed-over'
  | 'failed'
  /** What was found forbids going on. */
  | 'refused';

export type End =
  | 'updated'
  | 'nothing-new'
  | 'not-brought'
  /** The new signatures do not load, or do not know EICAR. */
  | 'not-loadable'
  /** `check = "yes"`, and they could not be tried. */
  | 'not-checked'
  | 'not-installed'
  | 'no-memory'
  | 'not-drained'
  /** Its streams did not end in time. */
  | 'not-idle'
  /** It could not be told to load. */
  | 'not-told'
  | 'not-back'
  /** It is back, and calls EICAR clean or a harmless file infected. */
  | 'lying'
  /** The daemon does not give it mail again. */
  | 'not-accepted'
  | 'interrupted';

type Next = StepName | 'next endpoint' | { readonly end: End };

const end = (name: End): Next => ({ end: name });

/** What follows each outcome that a step can have. */
export const table: Readonly<Record<StepName, Readonly<Partial<Record<Outcome, Next>>>>> = {
  wait: { done: 'bring', none: 'bring' },
  bring: { done: 'look', none: 'look', failed: end('not-brought') },
  look: { done: 'check', none: end('nothing-new') },
  check: {
    done: 'install',
    none: 'install',
    failed: end('not-checked'),
    refused: end('not-loadable'),
  },
  install: { done: 'measure', none: 'measure', failed: end('not-installed') },
  measure: { done: 'drain', 'passed-over': 'next endpoint', refused: end('no-memory') },
  drain: { done: 'idle', none: 'load', failed: end('not-drained') },
  idle: { done: 'load', none: 'load', failed: end('not-idle') },
  load: { done: 'ready', failed: end('not-told') },
  ready: { done: 'canary', failed: end('not-back') },
  canary: { done: 'resume', failed: end('not-back'), refused: end('lying') },
  resume: { done: 'next endpoint', none: 'next endpoint', failed: end('not-accepted') },
  release: {},
};

/** Between these the daemon may hold the endpoint back for us. */
const drained: ReadonlySet<StepName> = new Set<StepName>([
  'drain',
  'idle',
  'load',
  'ready',
  'canary',
  'resume',
]);

export interface PlanState {
  readonly step: StepName;
  /** Which endpoint it is about, counted from 0; undefined before the first one. */
  readonly endpoint: number | undefined;
  /** How many there are. */
  readonly endpoints: number;
  /** Set when this step is the last one. */
  readonly ending?: End;
}

export type Plan = PlanState | { readonly ended: End };

/** @param endpoints at least one. */
export function begin(endpoints: number): PlanState {
  return { step: 'wait', endpoint: undefined, endpoints };
}

/** What follows when `step` came to `outcome`; one that the table does not have has failed. */
export function after(state: PlanState, outcome: Outcome): Plan {
  if (state.ending !== undefined) return { ended: state.ending };
  const next = table[state.step][outcome] ?? table[state.step].failed ?? end('interrupted');
  if (typeof next !== 'string') return ending(state, next.end);
  const at = state.endpoint ?? 0;
  if (next === 'measure') return { ...state, step: next, endpoint: at };
  if (next !== 'next endpoint') return { ...state, step: next };
  if (at + 1 >= state.endpoints) return { ended: 'updated' };
  return { ...state, step: 'measure', endpoint: at + 1 };
}

/** When it is called off at `state`. */
export function interrupt(state: PlanState): Plan {
  return ending(state, state.ending ?? 'interrupted');
}

function ending(state: PlanState, name: End): Plan {
  const isHeld = state.ending === undefined && drained.has(state.step);
  return isHeld ? { ...state, step: 'release', ending: name } : { ended: name };
}
