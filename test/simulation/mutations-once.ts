/**
 * What makes each message be handed over once, broken a step at a time. A step that can be left out
 * unseen is needless, or the simulation is blind.
 */
import type { Path } from '../../src/envelope.ts';
import { type Answer, inSituation } from '../../src/engine/answer.ts';
import type { Handover } from '../../src/engine/handover.ts';
import type { Handovers, HandoversOptions } from '../../src/engine/handovers.ts';
import type { QueueEvidence } from '../../src/relay/evidence.ts';
import type { AttemptState, Ledger, LedgerChange } from '../../src/store/ledger.ts';
import type { Mutation } from './mutation.ts';

export const handoverMutations: Readonly<Record<string, Mutation>> = {
  /** The peer is told before `delivered` is durable. */
  'settle after answering': {
    seenAs: ['unsettled'],
    options: ledgers((ledger) => ({ commit: unawaited(ledger, settles('delivered')) })),
  },
  /** `sending` is written down once the next hop has answered. */
  'intend after the dot': { seenAs: ['twice'], options: ledgers(intendingLate) },
  'never intend': {
    seenAs: ['twice'],
    options: ledgers((ledger) => ({ commit: without(ledger, begins('sending')) })),
  },
  'never settle': {
    seenAs: ['unsettled'],
    options: ledgers((ledger) => ({ commit: without(ledger, settles('delivered')) })),
  },
  /** The next hop is told to go while `prepared` is still on its way to the disk. */
  'go without durable': {
    seenAs: ['twice', 'unsettled'],
    prone: ['ledger'],
    options: ledgers((ledger) => ({
      commit: unawaited(ledger, (one) => begins('prepared')(one) || settles('prepared')(one)),
    })),
  },
  'go to stale attempt': {
    seenAs: ['twice'],
    prone: ['next hop stalls', 'crash at a named point'],
    handovers: (handovers) => {
      const asked = handovers.asked.bind(handovers);
      handovers.asked = (question) =>
        asked(question).then((answer) => (answer === 'stale' ? 'go' : answer));
    },
  },
  /** Who asks after the reply was given up may still go. */
  'attempt does not end': {
    seenAs: ['twice'],
    prone: ['next hop stalls'],
    handovers: (handovers) => {
      const nameAttempt = handovers.nameAttempt.bind(handovers);
      handovers.nameAttempt = (hostname) => {
        const attempt = nameAttempt(hostname);
        attempt.end = () => undefined;
        return attempt;
      };
      handovers.forget = () => undefined;
    },
  },
  'suppress by queue id only': {
    seenAs: ['lost'],
    handovers: claims((claim, message, ...rest) =>
      claim(message && { ...message, digest: '' }, ...rest),
    ),
  },
  'ignore ORCPT': { seenAs: ['lost'], handovers: claims(withoutOrcpt) },
  /** What became of one recipient is said of all. */
  'repeat an answer of another recipient': {
    seenAs: ['lost'],
    handovers: claims(async (claim, ...asked) => {
      const handover = await claim(...asked);
      const answer = handover.earlier.find((one) => one !== undefined);
      return answer ? put(handover, { earlier: asked[1].map(() => answer), due: [] }) : handover;
    }),
  },
  'take what is not known for handed over': {
    seenAs: ['lost'],
    handovers: claims(async (claim, ...asked) => {
      const handover = await claim(...asked);
      const isUnknown = (one: Answer | undefined): boolean =>
        one?.kind === 'situation' && one.situation === 'earlier-unknown';
      const taken = inSituation('taken');
      return put(handover, {
        earlier: handover.earlier.map((one) => (isUnknown(one) ? taken : one)),
      });
    }),
  },
  /** Two transactions at work on one message. */
  'forget the claim': {
    seenAs: ['twice'],
    prone: ['next hop stalls'],
    handovers: claims(async (claim, ...asked) => {
      const handover = await claim(...asked);
      handover.release();
      return handover;
    }),
  },
  'never give the claim back': {
    seenAs: ['lost', 'leak'],
    handovers: claims(async (claim, ...asked) => {
      const handover = await claim(...asked);
      handover.release = () => undefined;
      return handover;
    }),
  },
  /** Whoever accepts one of the recipients has accepted all. */
  'settle all as the first': {
    seenAs: ['lost', 'twice'],
    handovers: claims(async (claim, ...asked) => {
      const handover = await claim(...asked);
      const settle = handover.settle.bind(handover);
      handover.settle = (results) => settle(results.map((result) => results[0] ?? result));
      return handover;
    }),
  },
  'ask no evidence': {
    seenAs: ['twice'],
    prone: ['smtpd killed after go'],
    options: evidences(() => ({ fate: () => Promise.resolve('not-committed') })),
  },
  'take undecided for not committed': {
    seenAs: ['twice'],
    prone: ['smtpd killed after go'],
    options: evidences((evidence) => ({
      fate: async (queueId) => {
        const fate = await evidence.fate(queueId);
        return fate === 'undecided' ? 'not-committed' : fate;
      },
    })),
  },
  'take undecided for committed': {
    seenAs: ['lost'],
    options: evidences((evidence) => ({
      fate: async (queueId) => {
        const fate = await evidence.fate(queueId);
        return fate === 'undecided' ? 'committed' : fate;
      },
    })),
  },
  'hold no evidence': {
    seenAs: ['twice'],
    prone: ['smtpd killed after go'],
    options: evidences(() => ({ hold: () => Promise.resolve(true) })),
  },
  'let go of evidence at once': {
    seenAs: ['twice'],
    prone: ['smtpd killed after go'],
    options: evidences((evidence) => ({
      hold: async (queueId) => {
        const held = await evidence.hold(queueId);
        evidence.release(queueId);
        return held;
      },
    })),
  },
  'trust a next hop to ask that does not': {
    seenAs: ['twice'],
    options: ledgers(() => ({ note: () => 'asks' })),
  },
  /** An attempt whose reply was lost is taken for refused. */
  'nothing is ever in doubt': {
    seenAs: ['twice'],
    options: ledgers((ledger) => ({
      commit: (changes) =>
        ledger.commit(changes.map((one) => (isDoubt(one) ? { ...one, state: 'aborted' } : one))),
    })),
  },
  'send again what is to be held': {
    seenAs: ['twice'],
    options: (options) => ({ ...options, inDoubt: 'retry' }),
  },
};

type Claim = Handovers['claim'];

function claims(
  change: (claim: Claim, ...asked: Parameters<Claim>) => Promise<Handover>,
): NonNullable<Mutation['handovers']> {
  return (handovers) => {
    const claim = handovers.claim.bind(handovers);
    handovers.claim = (...asked) => change(claim, ...asked);
  };
}

function put(handover: Handover, change: Partial<Pick<Handover, 'earlier' | 'due'>>): Handover {
  return Object.assign(handover, change);
}

async function withoutOrcpt(claim: Claim, ...asked: Parameters<Claim>): Promise<Handover> {
  const [message, paths, ...rest] = asked;
  const bare = new Map(paths.map((path): [Path, Path] => [{ ...path, parameters: [] }, path]));
  const handover = await claim(message, [...bare.keys()], ...rest);
  return put(handover, { due: handover.due.map((path) => bare.get(path) ?? path) });
}

type Test = (change: LedgerChange) => boolean;

function begins(state: AttemptState): Test {
  return (one) => one.kind === 'begin' && one.entries.some((entry) => entry.state === state);
}

function settles(state: AttemptState): Test {
  return (one) => one.kind === 'settle' && one.state === state;
}

function isDoubt(one: LedgerChange): one is Extract<LedgerChange, { kind: 'settle' }> {
  return one.kind === 'settle' && one.state === 'in-doubt';
}

/** Commits that hold such a change are not waited for. */
function unawaited(ledger: Ledger, isMeant: Test): Ledger['commit'] {
  return (changes) => {
    const committed = ledger.commit(changes);
    if (!changes.some(isMeant)) return committed;
    committed.catch(() => undefined);
    return Promise.resolve();
  };
}

/** Such changes are not made. */
function without(ledger: Ledger, isMeant: Test): Ledger['commit'] {
  return (changes) => ledger.commit(changes.filter((one) => !isMeant(one)));
}

/** What begins waits for what settles it. */
function intendingLate(ledger: Ledger): Partial<Ledger> {
  const late: LedgerChange[] = [];
  return {
    commit: (changes) => {
      if (changes.some(begins('sending'))) {
        late.push(...changes);
        return Promise.resolve();
      }
      return ledger.commit([...late.splice(0), ...changes]);
    },
  };
}

function ledgers(change: (ledger: Ledger) => Partial<Ledger>) {
  return (options: HandoversOptions): HandoversOptions => {
    return { ...options, ledger: { ...options.ledger, ...change(options.ledger) } };
  };
}

function evidences(change: (evidence: QueueEvidence) => Partial<QueueEvidence>) {
  return (options: HandoversOptions): HandoversOptions => {
    return { ...options, evidence: { ...options.evidence, ...change(options.evidence) } };
  };
}
