/** A scenario: what befalls the filter and its neighbours while mail goes through, and what is promised. */
import type { LedgerSetting } from './options.ts';
import type { Load } from './load.ts';
import type { Random } from './random.ts';
import type { Stage, StageSettings } from './stage.ts';

export interface Play {
  readonly stage: Stage;
  readonly load: Load;
  readonly random: Random;
  /** The short form: fewer messages, fewer faults. */
  readonly short: boolean;
  /** Says how far it is. */
  readonly tell: (progress: string) => void;
}

/**
 * 'once': nothing lost, nothing twice, whatever the configuration. 'once-if-asked': nothing lost,
 * and nothing twice where the next hop asks before it commits; where it does not, only what the
 * ledger lists as in doubt. 'once-or-listed': the latter even where it asks. 'never-lost': nothing
 * lost; that Postfix queues anew by hand may come twice.
 */
export type Promised = 'once' | 'once-if-asked' | 'once-or-listed' | 'never-lost';

export interface Scenario {
  readonly name: string;
  /** What is done, for the reader of the table. */
  readonly faults: string;
  readonly settings: StageSettings;
  readonly promise: Promised;
  /**
   * For scenarios that need what only clamgate has, so that other filters are left out: what is
   * missing for it, or undefined when it can be played.
   */
  readonly lacking?: (ledger: LedgerSetting) => string | undefined;
  /** Postfix itself leads some of this mail past the filter, so that infected mail may arrive. */
  readonly bypass?: true;
  /** It is promised as well that Postfix never has to try again. */
  readonly undeferred?: true;
  /** Left out of the short form. */
  readonly longOnly?: true;
  /** Resolves when the last fault is over and everything works again. */
  readonly run: (play: Play) => Promise<void>;
}

/** What may come twice. */
export function mayComeTwice(
  promise: Promised,
  ledger: LedgerSetting,
): 'nothing' | 'listed' | 'anything' {
  if (promise === 'once') return 'nothing';
  if (promise === 'never-lost' || ledger === 'off') return 'anything';
  return promise === 'once-if-asked' && ledger === 'commit' ? 'nothing' : 'listed';
}
