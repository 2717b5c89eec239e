/** What came of the scenarios, as tables in Markdown that can be read as they stand. */
import type { FilterName } from './filter.ts';
import type { Options } from './options.ts';
import type { Result } from './play.ts';

export function reportOf(results: readonly Result[], options: Options): string {
  const ours = results.filter(({ filter }) => filter === 'clamgate');
  const parts = [
    preamble(options),
    table([
      [
        'scenario',
        ...columns.map(([title]) => title),
        'delay p50, s',
        'max, s',
        'deferrals',
        'other client',
        'promise',
        'seconds',
      ],
      ...ours.map(ownRow),
    ]),
  ];
  if (options.peers)
    parts.push('Delivered twice / lost / infected and delivered:', comparison(results));
  return `${parts.join('\n\n')}\n`;
}

/** Of messages; those that do not get into the table are in the promise. */
const columns = [
  ['sent', 'sent'],
  ['once', 'once'],
  ['stopped', 'stopped'],
  ['lost', 'lost'],
  ['twice', 'twice'],
  ['of it in doubt', 'listed'],
  ['infected delivered', 'unscanned'],
  ['repeated by Postfix', 'repeated'],
  ['quarantined twice', 'keptTwice'],
] as const;

function preamble({ seed, short, ledger, workers }: Options): string {
  return `${short ? 'Short' : 'Long'} form, clamgate with ledger: ${ledger}, workers: ${workers}. SEED=${seed}`;
}

function ownRow(result: Result): string[] {
  const { scenario, kind } = result;
  if (kind !== 'played') {
    const blank = columns.map(() => '');
    const word = kind === 'failed' ? 'FAILED' : 'not available';
    return [scenario.name, ...blank, '', '', '', '', `${word}: ${firstLine(result.why)}`, ''];
  }
  const { tally, bystander, delays, broken, deferrals, seconds } = result;
  return [
    scenario.name,
    ...columns.map(([, key]) => String(tally[key])),
    inSeconds(delays.p50Ms),
    inSeconds(delays.maxMs),
    String(deferrals),
    `${bystander.once} of ${bystander.sent}`,
    broken.length === 0 ? 'kept' : `BROKEN: ${broken.join(', ')}`,
    seconds.toFixed(0),
  ];
}

/** Empty where nothing arrived. */
function inSeconds(ms: number | undefined): string {
  return ms === undefined ? '' : (ms / 1000).toFixed(1);
}

function comparison(results: readonly Result[]): string {
  const names = [...new Set(results.map(({ filter }) => filter))];
  const byScenario = Map.groupBy(results, ({ scenario }) => scenario);
  const rows = [...byScenario].map(([{ name }, own]) => [
    name,
    String(sentIn(own)),
    ...names.map((filter) => cellOf(own, filter)),
  ]);
  return table([['scenario', 'sent', ...names], ...rows]);
}

function sentIn(results: readonly Result[]): number {
  return Math.max(0, ...results.map((one) => (one.kind === 'played' ? one.tally.sent : 0)));
}

function cellOf(results: readonly Result[], filter: FilterName): string {
  const result = results.find((one) => one.filter === filter);
  if (result?.kind === 'failed') return 'failed';
  if (result?.kind !== 'played') return '–';
  const { twice, lost, unscanned, queued } = result.tally;
  const rest = queued > 0 ? `, ${queued} still queued` : '';
  return `${twice} / ${lost} / ${unscanned}${rest}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
