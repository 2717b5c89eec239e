/** Time as people and sidecar files read it. It reads no clock, and Intl would take 6 MB for it. */

const dayMs = 86_400_000;
const daysOf400Years = 146_097;
const daysOf100Years = 36_524;
const daysOf4Years = 1461;
/** From 0000-03-01, where years begin that end with their leap day, to 1970-01-01. */
const daysBefore1970 = 719_468;

/**
 * ISO 8601 in UTC with milliseconds, '2025-01-31T09:05:07.042Z'; such texts sort by time.
 *
 * @param ms since 1970-01-01T00:00Z, up to the year 9999.
 */
export function isoTime(ms: number): string {
  const { year, month, day } = dateOf(Math.floor(ms / dayMs));
  const inDay = ms % dayMs;
  const seconds = Math.floor(inDay / 1000);
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${padded(year, 4)}-${padded(month)}-${padded(day)}T${time.map((one) => padded(one)).join(':')}.${padded(inDay % 1000, 3)}Z`;
}

/** The Gregorian date of a day since 1970. */
function dateOf(days: number): { year: number; month: number; day: number } {
  const since = days + daysBefore1970;
  const cycle = Math.floor(since / daysOf400Years);
  const inCycle = since % daysOf400Years;
  // Days that no leap day is due for are taken out, so that all years have 365.
  const leaps =
    Math.floor(inCycle / (daysOf4Years - 1)) -
    Math.floor(inCycle / daysOf100Years) +
    Math.floor(inCycle / (daysOf400Years - 1));
  const yearOfCycle = Math.floor((inCycle - leaps) / 365);
  const firstDay = 365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100);
  const inYear = inCycle - firstDay;
  // Five months from March on have 153 days, and so have the next five.
  const monthFromMarch = Math.floor((5 * inYear + 2) / 153);
  const day = inYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: 400 * cycle + yearOfCycle + (month <= 2 ? 1 : 0), month, day };
}

function padded(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}
