/** What came of it, by family, as a table in Markdown. */
import type { Examined } from './examine.ts';
import type { Specimen } from './message.ts';
import type { Outcome } from './subjects.ts';

export interface Column {
  readonly name: string;
  readonly examined: readonly Examined<Specimen>[];
}

/**
 * @param counted the outcomes that are right for these messages.
 * @param title what the messages are.
 */
export function reportOf(
  title: string,
  columns: readonly Column[],
  counted: readonly Outcome[],
): string {
  const families = new Set(columns.flatMap(({ examined }) => examined.map(familyOf)));
  const row = (family: string): string[] => [
    family,
    ...columns.map(({ examined }) => share(examined.filter(isOf(family)), counted)),
  ];
  const all = ['**all**', ...columns.map(({ examined }) => share(examined, counted))];
  return table([title, ...columns.map(({ name }) => name)], [...Array.from(families, row), all]);
}

const familyOf = ({ specimen }: Examined<Specimen>): string => specimen.family;
const isOf = (family: string) => (one: Examined<Specimen>) => familyOf(one) === family;

/** '39 of 42', and what was held back for another reason. */
function share(examined: readonly Examined<Specimen>[], counted: readonly Outcome[]): string {
  const tried = examined.filter(({ outcome }) => outcome !== 'untried');
  if (tried.length === 0) return '-';
  const right = tried.filter(({ outcome }) => counted.includes(outcome)).length;
  const stopped = tried.filter(({ outcome }) => outcome === 'stopped').length;
  const percent = ((100 * right) / tried.length).toFixed(1);
  const aside = stopped > 0 ? ` (${stopped} held back)` : '';
  return `${right} of ${tried.length}, ${percent} %${aside}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n') + '\n';
}
