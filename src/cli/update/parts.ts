/** What an update is made of: what was set, and where its facts come from. */
import type { CancelSignal } from '../../cancel-signal.ts';
import type { Clock } from '../../clock.ts';
import type { UpdateConfig } from '../../daemon/config-update.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import type { ClamdQuestions } from './clamd-questions.ts';
import type { DaemonControl } from './daemon-control.ts';
import type { UpdateLimits } from './limits.ts';
import type { LocalClamds } from './local-clamds.ts';
import type { Machine } from './machine.ts';
import type { Outcome } from './plan.ts';
import type { Programs } from './programs.ts';
import type { Trial } from './trial.ts';

export interface UpdateParts {
  readonly config: UpdateConfig;
  /** In the order in which they are updated; at least one. */
  readonly endpoints: readonly ClamdAddress[];
  readonly limits: UpdateLimits;
  readonly clock: Clock;
  /** From 0 up to and without 1. */
  readonly random: () => number;
  readonly control: DaemonControl;
  readonly questions: ClamdQuestions;
  readonly machine: Machine;
  readonly clamds: LocalClamds;
  readonly programs: Programs;
  readonly trial: Trial;
  /** Where freshclam's configuration may be. */
  readonly freshclamConfFiles: readonly string[];
  readonly signal: CancelSignal;
}

/** What one step came to. */
export interface StepResult {
  readonly outcome: Outcome;
  /** For people: what was found or done. */
  readonly text: string;
  /** What an operator can do about it, a line each. */
  readonly advice?: readonly string[];
}
