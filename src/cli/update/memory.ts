/** Whether memory allows a clamd to load its signatures anew, and what to do where it does not. Pure. */

/** How a clamd takes new signatures, as far as its memory is concerned. */
export type Way =
  /** Loads them beside the old ones: twice the memory for a while. */
  | 'concurrent'
  /** Drops the old ones first; answers nothing meanwhile. */
  | 'blocking'
  /** Its unit is restarted: the old process ends first. */
  | 'restart'
  /** A process of its own beside all clamds. */
  | 'trial';

export interface Room {
  /** MemAvailable of the machine. */
  readonly availableBytes: number;
  /** What the control group of the clamd still allows it; undefined where there is no ceiling. */
  readonly groupBytes?: number;
}

export type Judgement =
  | { readonly kind: 'fits'; readonly needBytes: number; readonly availableBytes: number }
  | {
      readonly kind: 'short';
      readonly needBytes: number;
      readonly availableBytes: number;
      /** Which of the two is short. */
      readonly where: 'machine' | 'control group';
    };

/**
 * @param sizeBytes what the clamd has in memory and swap now: a second load takes as much (1.68 GB
 *   became 3.35 GB with clamd 1.4 and 6.4 million signatures).
 * @param reserveBytes what has to stay available beside it.
 */
export function judge(way: Way, sizeBytes: number, room: Room, reserveBytes: number): Judgement {
  if (way === 'blocking' || way === 'restart') {
    return { kind: 'fits', needBytes: 0, availableBytes: room.availableBytes };
  }
  const { availableBytes, groupBytes } = room;
  // A trial is not in the clamd's control group.
  if (way === 'concurrent' && groupBytes !== undefined && groupBytes < sizeBytes) {
    const short = { needBytes: sizeBytes, availableBytes: groupBytes };
    return { kind: 'short', ...short, where: 'control group' };
  }
  const needBytes = sizeBytes + reserveBytes;
  if (availableBytes < needBytes) {
    return { kind: 'short', needBytes, availableBytes, where: 'machine' };
  }
  return { kind: 'fits', needBytes, availableBytes };
}

export interface LargeProcess {
  readonly pid: number;
  readonly name: string;
  readonly residentBytes: number;
}

export interface Shortage {
  readonly endpoint: string;
  /** Its clamd.conf; undefined where it is not known. */
  readonly confFile: string | undefined;
  readonly judgement: Judgement;
  readonly largest: readonly LargeProcess[];
}

/** What an operator can do, a line each. */
export function shortageAdvice(shortage: Shortage): string[] {
  const { endpoint, confFile, judgement, largest } = shortage;
  const conf = confFile ?? 'its clamd.conf';
  const lines = [
    `set "ConcurrentDatabaseReload no" in ${conf} and restart that clamd: it then loads without ` +
      'needing its memory twice, and the others carry the mail meanwhile',
    `or have its unit restarted instead: [update] restart = { "${endpoint}" = "UNIT" }`,
  ];
  if (judgement.kind === 'short' && judgement.where === 'control group') {
    return [...lines, 'or raise MemoryMax= of its unit to twice what it has now'];
  }
  const processes = largest.map(
    ({ pid, name, residentBytes }) => `${name} (${pid}) ${showMemory(residentBytes)}`,
  );
  return [...lines, `or free memory; the largest processes are ${processes.join(', ')}`];
}

export function judgementText(judgement: Judgement): string {
  const { needBytes, availableBytes } = judgement;
  if (judgement.kind === 'fits') {
    const need = needBytes === 0 ? 'no more memory than now' : `${showMemory(needBytes)} more`;
    return `needs ${need}, ${showMemory(availableBytes)} are available`;
  }
  const whose = judgement.where === 'machine' ? '' : ' to its control group';
  const have = `${showMemory(availableBytes)} are available${whose}`;
  return `needs ${showMemory(needBytes)} more, and only ${have}`;
}

/** Whole MiB: nobody compares the bytes. */
export function showMemory(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}M`;
}
