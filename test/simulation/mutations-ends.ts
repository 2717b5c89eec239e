/** What brings one message to different ends for different recipients, broken a step at a time. */
import type { Handover } from '../../src/engine/handover.ts';
import type { Handovers } from '../../src/engine/handovers.ts';
import type { Mutation } from './mutation.ts';

export const endMutations: Readonly<Record<string, Mutation>> = {
  /** The rules of one recipient are held against all. */
  'ask whose rule it is not': {
    seenAs: ['banned', 'falsified'],
    parts: (parts) => ({
      ...parts,
      banned: parts.banned.map((rule) => ({ ...rule, recipients: [] })),
    }),
  },
  /** What becomes of some is done for everybody who is due. */
  'do for all what is for some': {
    seenAs: ['banned', 'falsified', 'twice'],
    handovers: handovers((handover) => {
      handover.only = () => handover;
    }),
  },
  'forget who was kept': {
    seenAs: ['unsettled'],
    handovers: handovers((handover) => {
      withEnds(handover, () => Promise.resolve());
    }),
  },
  /** Quarantine takes it, and no one of the recipients is written down. */
  'keep it for nobody': {
    seenAs: ['lost'],
    parts: (parts) => {
      const { quarantine } = parts;
      const store = quarantine.store.bind(quarantine);
      quarantine.store = (content, entry, signal) => {
        const envelope = { ...entry.envelope, recipients: entry.envelope.recipients.slice(1) };
        return store(content, { ...entry, envelope }, signal);
      };
      return parts;
    },
  },
};

/**
 * Whoever has it is answered together with those who may yet be refused. It takes so much to come
 * together that only the small case is sure to show it.
 */
export const letAllComeTogether: Mutation = {
  seenAs: ['twice'],
  handovers: (all) => {
    all.hasAccepted = () => false;
  },
};

/** Changes each handover, and those that are made of it for some recipients. */
function handovers(change: (handover: Handover) => void): NonNullable<Mutation['handovers']> {
  return (all: Handovers) => {
    const claim = all.claim.bind(all);
    all.claim = async (...asked) => {
      const handover = await claim(...asked);
      change(handover);
      return handover;
    };
  };
}

function withEnds(handover: Handover, end: Handover['end']): void {
  handover.end = end;
  const only = handover.only.bind(handover);
  handover.only = (recipients) => {
    const part = only(recipients);
    part.end = end;
    return part;
  };
}
