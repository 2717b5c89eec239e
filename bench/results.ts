/** What a run has found so far: for standard output, and for bench/results. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Options, speedParts } from './options.ts';
import { reachOf } from './speed/reach.ts';
import { speedChartOf } from './speed/speed-chart.ts';
import { reachTable, speedTableOf } from './speed/speed-table.ts';
import type { Speed, SpeedRun } from './speed/speed.ts';

const directory = join(import.meta.dirname, 'results');

export class Results {
  readonly #stores: boolean;
  readonly #storesSpeed: boolean;
  readonly #texts = new Map<string, string>();
  readonly #all = new Map<string, unknown>();
  #speed: SpeedRun;

  constructor(begun: Pick<SpeedRun, 'time' | 'machine'>, { quick, standIn, parts }: Options) {
    this.#stores = !quick && !standIn;
    // One table is of one run, with all that makes it up.
    this.#storesSpeed = this.#stores && speedParts.every((part) => parts.includes(part));
    this.#speed = begun;
  }

  /** A part of what makes up the table and the chart. */
  speed(part: Speed): void {
    this.#speed = { ...this.#speed, ...part };
    const reach = reachOf(this.#speed).map(({ goal, came, reached }) => {
      const { what, bound, asked, unit } = goal;
      return { what, bound, asked, unit, came, reached };
    });
    this.#keep('speed', { ...this.#speed, reach }, speedTableOf(this.#speed), this.#storesSpeed);
    const chart = speedChartOf(this.#speed);
    if (chart !== undefined && this.#storesSpeed) write('speed.svg', chart);
  }

  /** A part with a table of its own. */
  other(name: string, found: unknown, table: string): void {
    this.#keep(name, found, table, this.#stores);
  }

  json(): string {
    return `${JSON.stringify(Object.fromEntries(this.#all), null, 2)}\n`;
  }

  /** What was asked for and reached comes last, where it is seen. */
  text(): string {
    const tables = [...this.#texts.values()];
    const reach = this.#texts.has('speed') ? reachTable(this.#speed) : [];
    return `\n${[...tables, ...reach].join('\n')}\n`;
  }

  #keep(name: string, found: unknown, table: string, stores: boolean): void {
    this.#texts.set(name, table);
    this.#all.set(name, found);
    if (!stores) return;
    write(`${name}.json`, `${JSON.stringify(found, null, 2)}\n`);
    write(`${name}.md`, table);
  }
}

function write(name: string, text: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), text);
}
