/** Tables in Markdown, readable as they stand, and figures in words. Pure. */
import type { Spread } from './figures.ts';

const MiB = 1024 * 1024;

/** The median, and the least and the most where they differ. */
export function spread(figure: Spread | undefined, decimals: number): string {
  if (figure === undefined) return '';
  const [median, min, max] = [figure.median, figure.min, figure.max].map((each) =>
    each.toFixed(decimals),
  );
  return min === max ? `${median}` : `${median} (${min} to ${max})`;
}

/** The most, in MiB. */
export function peak(figure: Spread | undefined): string {
  return figure === undefined ? '' : (figure.max / MiB).toFixed(0);
}

/** Columns as wide as their widest cell, so that it can be read without a renderer. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}
