/** Sizes and durations as people write them, in bytes and milliseconds as the daemon counts. */

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 2 ** 10],
  ['m', 2 ** 20],
  ['g', 2 ** 30],
]);

const second = 1000;
const day = 24 * 60 * 60 * second;
const durationUnits: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', second],
  ['m', 60 * second],
  ['h', 60 * 60 * second],
  ['d', day],
  ['w', 7 * day],
]);

/** Bytes: a whole number, or as clamd.conf(5) writes it, "25M" with K, M and G as powers of 1024. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return wholeNumber(value);
  return typeof value === 'string' ? quantity(value, sizeUnits) : undefined;
}

/** Milliseconds, of a text with its unit: "500ms", "120s", "5m", "12h", "30d", "4w". */
export function parseDuration(value: unknown): number | undefined {
  return typeof value === 'string' ? quantity(value, durationUnits) : undefined;
}

/** As `parseDuration`, and a bare number is milliseconds: for keys whose name says so. */
export function parseMilliseconds(value: unknown): number | undefined {
  return typeof value === 'number' ? wholeNumber(value) : parseDuration(value);
}

/** A number that counts something. */
export function parseCount(value: unknown): number | undefined {
  return typeof value === 'number' ? wholeNumber(value) : undefined;
}

/** Bytes in the largest unit that divides them, as `parseSize` reads it. */
export function showSize(bytes: number): string {
  return shown(bytes, ['G', 'M', 'K', ''], (unit) => sizeUnits.get(unit.toLowerCase()));
}

/** Milliseconds in the larger of second and millisecond that divides them. */
export function showDuration(ms: number): string {
  return shown(ms, ['s', 'ms'], (unit) => durationUnits.get(unit));
}

function quantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^(\d+)([a-z]*)$/i.exec(text);
  const unit = units.get(match?.[2]?.toLowerCase() ?? 'none');
  return unit === undefined ? undefined : wholeNumber(Number(match?.[1]) * unit);
}

function wholeNumber(value: number): number | undefined {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function shown(
  value: number,
  units: readonly string[],
  sizeOf: (unit: string) => number | undefined,
): string {
  for (const unit of units) {
    const size = sizeOf(unit) ?? 1;
    if (value >= size && value % size === 0) return `${value / size}${unit}`;
  }
  return `${value}${units.at(-1) ?? ''}`;
}
