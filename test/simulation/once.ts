/**
 * What makes each message be handed over once, as daemon/once.ts puts it together: the real
 * handovers, with the simulated ledger and witness.
 */
import type { CommitAnswer, CommitQuestion } from '../../src/engine/commit-gate.ts';
import type { HandoverEvent, InDoubt } from '../../src/engine/earlier-attempts.ts';
import { Handovers, type HandoversOptions } from '../../src/engine/handovers.ts';
import { defaultCommitLimits } from '../../src/listener/commit-listener.ts';
import { noEvidence } from '../../src/relay/evidence.ts';
import type { Ledger } from '../../src/store/ledger.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import type { LedgerDisk } from './ledger.ts';
import type { Mutation } from './mutation.ts';
import type { Life, Timeline } from './timeline.ts';
import type { Witness } from './witness.ts';

export interface OnceSettings {
  /** Without one, every retry is a new message. */
  readonly ledger: boolean;
  /** Whether the next hop is told to ask before it commits, and a witness looks into its queue. */
  readonly commitQuestion: boolean;
  readonly inDoubt: InDoubt;
}

export interface OnceSurroundings {
  readonly timeline: Timeline;
  readonly disk: LedgerDisk;
  readonly witness: Witness;
  /** Unique over all lives. */
  readonly newAttempt: () => string;
  readonly tell: (event: HandoverEvent) => void;
}

/** The daemon's end of it, for one life. */
export class Once {
  readonly ledger: Ledger;
  readonly handovers: Handovers;
  readonly #timeline: Timeline;
  readonly #life: Life;

  constructor(
    settings: OnceSettings,
    { timeline, disk, witness, newAttempt, tell }: OnceSurroundings,
    life: Life,
    { options = (same) => same, handovers }: Mutation,
  ) {
    this.ledger = settings.ledger ? disk.mount(life) : noLedger;
    this.#timeline = timeline;
    this.#life = life;
    const given: HandoversOptions = {
      ledger: this.ledger,
      evidence: settings.commitQuestion ? witness.mount(life) : noEvidence,
      clock: timeline.clock(life),
      inDoubt: settings.inDoubt,
      suffix: settings.commitQuestion ? 'filter.example.org' : undefined,
      newAttempt,
      tell,
    };
    this.handovers = new Handovers(options(given));
    handovers?.(this.handovers);
    this.handovers.recover().catch(() => undefined);
  }

  /** As listener/commit.ts: what fails, and what is late, is refused. */
  asked(question: CommitQuestion): Promise<CommitAnswer> {
    const { promise, resolve } = Promise.withResolvers<CommitAnswer>();
    const { answerMs } = defaultCommitLimits;
    const refuse = (): void => {
      resolve('stale');
    };
    const late = this.#timeline.after(answerMs, 'question is late', refuse, this.#life);
    this.handovers.asked(question).then(resolve, refuse);
    return promise.finally(() => {
      late.cancel();
    });
  }
}
