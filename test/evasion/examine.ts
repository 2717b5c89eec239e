/** Lets a subject see every message of the set, some at once, and keeps what it made of each. */
import type { Specimen } from './message.ts';
import type { Outcome, Subject } from './subjects.ts';

export interface Examined<T extends Specimen> {
  readonly specimen: T;
  readonly outcome: Outcome;
}

/** In the order of `specimens`. @param atOnce how many messages at the same time. */
export async function examineAll<T extends Specimen>(
  subject: Pick<Subject, 'examine'>,
  specimens: readonly T[],
  atOnce = 4,
): Promise<readonly Examined<T>[]> {
  const examined: Examined<T>[] = [];
  const queue = specimens.entries();
  const work = async (): Promise<void> => {
    for (const [at, specimen] of queue) {
      examined[at] = { specimen, outcome: await subject.examine(specimen) };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return examined;
}
