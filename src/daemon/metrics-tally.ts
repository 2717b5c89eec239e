/** Numbers that are counted as mail passes: cheap to raise, put into words only when asked for. */

export type Labels = Readonly<Record<string, string>>;

/** Stands in no label: they are words of ours, and addresses of the configuration. */
const separator = '\n';

/** A counter for each combination of labels that was seen. */
export class Tally {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #counts = new Map<string, number>();

  constructor(name: string, help: string, labelNames: readonly string[] = []) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  /** @param labels values in the order of `labelNames`. */
  add(amount: number, ...labels: readonly string[]): void {
    const key = labels.join(separator);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + amount);
  }

  /** One for each combination; without labels always one. */
  counts(): { readonly labels: Labels; readonly value: number }[] {
    if (this.labelNames.length === 0) return [{ labels: {}, value: this.#counts.get('') ?? 0 }];
    return [...this.#counts].map(([key, value]) => ({ labels: this.#labels(key), value }));
  }

  #labels(key: string): Labels {
    const values = key.split(separator);
    return Object.fromEntries(this.labelNames.map((name, at) => [name, values[at] ?? '']));
  }
}

/** How often a value lay at or below each bound; one row for each value of one label. */
export class Spread {
  readonly name: string;
  readonly help: string;
  readonly labelName: string;
  readonly bounds: readonly number[];
  readonly #rows = new Map<string, Row>();

  constructor(name: string, help: string, labelName: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.labelName = labelName;
    this.bounds = bounds;
  }

  observe(label: string, value: number): void {
    let row = this.#rows.get(label);
    if (!row) this.#rows.set(label, (row = { within: this.bounds.map(() => 0), count: 0, sum: 0 }));
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) row.within[at] = (row.within[at] ?? 0) + 1;
    row.count++;
    row.sum += value;
  }

  /** Each row with its buckets cumulated, as Prometheus counts them. */
  rows(): SpreadRow[] {
    return [...this.#rows].map(([label, { within, count, sum }]) => {
      let below = 0;
      const buckets = this.bounds.map((bound, at) => ({
        bound,
        count: (below += within[at] ?? 0),
      }));
      return { label, buckets, count, sum };
    });
  }
}

export interface SpreadRow {
  readonly label: string;
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

interface Row {
  /** How many lay within each bound and above the one before it. */
  readonly within: number[];
  count: number;
  sum: number;
}
