/** The chart of a run: each filter beside what it stands between. Pure. */
import { type Kind, kindNames, kinds } from '../load/content.ts';
import { type Bar, type Chart, type Panel, svgOf } from '../report/chart.ts';
import type { Comparison } from '../report/comparisons.ts';
import type { Figures } from '../report/figures.ts';
import { machineText } from '../stage/machine.ts';
import type { SpeedRun } from './speed.ts';
import { wayName } from './way-names.ts';

const sessions = 8;

/** Undefined where the run has nothing to show. */
export function speedChartOf(run: SpeedRun): string | undefined {
  const { hop, doors, time, machine } = run;
  const panels = [
    ...kinds.flatMap((kind) => panelOf(hop ?? none, { kind, against: 'clamd', through: '' })),
    ...kinds.flatMap((kind) =>
      panelOf(doors ?? none, { kind, against: 'no filter', through: ' through Postfix' }),
    ),
  ];
  if (panels.length === 0) return undefined;
  const chart: Chart = {
    title: `Messages a second, ${sessions} sessions`,
    words: [
      'As a share of clamd alone with the same streams, or of Postfix alone: median, and least to most.',
      'On the right that share, and messages a second.',
      `${time.slice(0, 10)}; ${machineText(machine)}; load average before ${machine.loadBefore.toFixed(1)}`,
    ],
    axis: '1 = clamd alone, or Postfix alone',
    panels,
  };
  return svgOf(chart);
}

interface Figured {
  readonly figures: readonly Figures[];
  readonly comparisons: readonly Comparison[];
}

const none: Figured = { figures: [], comparisons: [] };

function panelOf(
  { figures, comparisons }: Figured,
  about: { readonly kind: Kind; readonly against: string; readonly through: string },
): Panel[] {
  const { kind, against, through } = about;
  const rows = comparisons
    .filter((one) => one.kind === kind && one.sessions === sessions)
    .filter((one) => one.against === against && one.measure === 'rate');
  const fewest = Math.min(...rows.map(({ perConnection }) => perConnection || Infinity));
  const shown = rows.filter(({ perConnection }) => perConnection <= fewest);
  if (shown.length === 0) return [];
  return [{ title: `${kindNames[kind]}${through}`, bars: shown.map((row) => barOf(row, figures)) }];
}

function barOf(row: Comparison, figures: readonly Figures[]): Bar {
  const own = figures.find(
    ({ variant, kind, sessions: count, perConnection }) =>
      variant === row.variant &&
      kind === row.kind &&
      count === row.sessions &&
      perConnection === row.perConnection,
  );
  const rate = own?.rate.median ?? NaN;
  return {
    label: wayName(row.variant),
    value: row.value,
    note: `${row.value.median.toFixed(2)} · ${rate.toFixed(rate < 100 ? 1 : 0)}/s`,
    accent: row.variant.startsWith('clamgate'),
  };
}
