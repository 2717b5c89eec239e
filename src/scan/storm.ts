/**
 * Tells when there is too much to do: many streams wait, or wait long, clamd is slow, or the kernel
 * says that tasks wait for memory, disk or processor. Pure; storm-watch.ts measures.
 */

/** What is too much; 0 is never. */
export interface StormLevels {
  /** Streams in the line. */
  readonly waiting: number;
  /** How long the first one in the line has waited. */
  readonly waitMs: number;
  /** What clamd takes for 95 of 100 streams. */
  readonly latencyMs: number;
  /** Per cent of the last ten seconds in which some task waited (PSI `some avg10`). */
  readonly memory: number;
  readonly io: number;
  readonly cpu: number;
}

export const defaultStormLevels: StormLevels = {
  waiting: 50,
  waitMs: 30_000,
  latencyMs: 20_000,
  memory: 30,
  io: 60,
  // A machine that scans has nothing better to do with its processors.
  cpu: 0,
};

/** Undefined where it cannot be known. */
export type StormSample = { readonly [Key in keyof StormLevels]: number | undefined };

/** Fewer streams at once end these; a long line, on the contrary, would only grow. */
const eased: ReadonlySet<keyof StormLevels> = new Set<keyof StormLevels>([
  'latencyMs',
  'memory',
  'io',
  'cpu',
]);

/** So many samples in a row that are too much begin it, so many that are not end it. */
const begins = 3;
const ends = 5;
/** What has been too much is still so down to this part of its level. */
const stillPart = 0.8;

export interface Storm {
  readonly on: boolean;
  /** What was too much when it was last looked at; kept until it ends. */
  readonly causes: readonly (keyof StormLevels)[];
  /** Samples in a row that speak for a change. */
  readonly row: number;
}

export const noStorm: Storm = { on: false, causes: [], row: 0 };

export function afterSample(storm: Storm, sample: StormSample, levels: StormLevels): Storm {
  const part = storm.on ? stillPart : 1;
  const names = Object.keys(levels) as (keyof StormLevels)[];
  const causes = names.filter((name) => {
    const level = levels[name];
    return level > 0 && (sample[name] ?? 0) >= level * part;
  });
  const isOver = causes.length > 0;
  if (isOver === storm.on) return { ...storm, causes: isOver ? causes : [], row: 0 };
  const row = storm.row + 1;
  if (row < (storm.on ? ends : begins)) return { ...storm, row };
  return { on: !storm.on, causes, row: 0 };
}

/** Whether fewer streams at once would help. */
export function isEased({ on, causes, row }: Storm): boolean {
  return on && row === 0 && causes.some((name) => eased.has(name));
}

const units: Readonly<Record<keyof StormLevels, string>> = {
  waiting: '',
  waitMs: ' ms',
  latencyMs: ' ms',
  memory: ' %',
  io: ' %',
  cpu: ' %',
};

const words: Readonly<Record<keyof StormLevels, string>> = {
  waiting: 'streams wait',
  waitMs: 'longest wait',
  latencyMs: 'clamd takes (p95)',
  memory: 'memory pressure',
  io: 'disk pressure',
  cpu: 'processor pressure',
};

/** 'disk pressure 71 % (level 60 %)'. */
export function stormWords({ causes }: Storm, sample: StormSample, levels: StormLevels): string {
  const one = (name: keyof StormLevels): string => {
    const unit = units[name];
    return `${words[name]} ${Math.round(sample[name] ?? 0)}${unit} (level ${levels[name]}${unit})`;
  };
  return causes.map(one).join(', ');
}
