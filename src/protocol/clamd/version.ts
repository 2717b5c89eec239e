/** clamd's answer to VERSION: which engine, and which of ClamAV's own signatures. */

export interface ClamdVersion {
  /** '1.4.6'. */
  readonly engine: string;
  /** The number of the database; undefined where clamd has none that has one. */
  readonly database: number | undefined;
  /**
   * When the database was made, in milliseconds since the epoch. clamd writes its own local time and
   * not which that is: taken for UTC, this is right to within a day.
   */
  readonly made: number | undefined;
  /**
   * It has no signatures at all any more. clamd 1.4 with ConcurrentDatabaseReload no is left so by
   * a database that does not load: it answers, scans nothing, and no RELOAD helps.
   */
  readonly isHollow: boolean;
}

/** (uint32_t)-1, which is what clamd says of signatures that are not there (clamd 1.4.6, tried). */
const noSignatures = 4_294_967_295;

/** Reads 'ClamAV 1.4.6/27000/Thu Nov 20 08:50:33 2025', or 'ClamAV 1.4.6'; undefined for all else. */
export function parseVersion(words: string): ClamdVersion | undefined {
  const [, engine, database, made] = /^ClamAV ([^/\s]+)(?:\/(\d+)\/(.+))?$/.exec(words) ?? [];
  if (engine === undefined) return undefined;
  const isHollow = Number(database) === noSignatures;
  if (database === undefined || isHollow) {
    return { engine, database: undefined, made: undefined, isHollow };
  }
  return { engine, database: Number(database), made: parseTime(made ?? ''), isHollow };
}

/** Where each month begins, in days, in a year without a leap day. */
const months: ReadonlyMap<string, number> = new Map([
  ['Jan', 0],
  ['Feb', 31],
  ['Mar', 59],
  ['Apr', 90],
  ['May', 120],
  ['Jun', 151],
  ['Jul', 181],
  ['Aug', 212],
  ['Sep', 243],
  ['Oct', 273],
  ['Nov', 304],
  ['Dec', 334],
]);

/** ctime(3), with or without the time of day. */
const time = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (?:(\d\d):(\d\d):(\d\d) )?(\d{4})$/;

function parseTime(text: string): number | undefined {
  const [, month = '', day, hours = 0, minutes = 0, seconds = 0, year] = time.exec(text) ?? [];
  const before = months.get(month);
  if (before === undefined || day === undefined || year === undefined) return undefined;
  const days = daysBefore(Number(year), before) + Number(day) - 1;
  const inDay = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (days * 86_400 + inDay) * 1000;
}

/** @param before days of the year that lie before its month. */
function daysBefore(year: number, before: number): number {
  const leapDays = (to: number): number =>
    Math.floor(to / 4) - Math.floor(to / 100) + Math.floor(to / 400);
  // The leap day of the year itself counts from March on.
  const last = before >= 59 ? year : year - 1;
  return 365 * (year - 1970) + leapDays(last) - leapDays(1969) + before;
}
