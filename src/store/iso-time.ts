/** Time as people and sidecar files read it. It reads no clock. */

const format = new Intl.DateTimeFormat('en-GB-u-ca-iso8601', {
  timeZone: 'UTC',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

/**
 * ISO 8601 in UTC with milliseconds, '2025-01-31T09:05:07.042Z'; such texts sort by time.
 *
 * @param ms since 1970-01-01T00:00Z, up to the year 9999.
 */
export function isoTime(ms: number): string {
  const parts = format.formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((each) => each.type === type)?.value ?? '';
  const date = `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
  const time = `${part('hour')}:${part('minute')}:${part('second')}`;
  return `${date}T${time}.${part('fractionalSecond')}Z`;
}
