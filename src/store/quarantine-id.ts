/**
 * The names of quarantined messages: the time they were stored and a random part, so that they sort
 * by age, stay unique over processes, and are safe as file names.
 */
import { randomBytes } from 'node:crypto';

const pattern = /^(\d{4})(\d\d)(\d\d)T\d{9}Z-[0-9a-f]{12}$/;

/** Whether `text` is the name of a quarantined message; what people type is checked with it. */
export function isQuarantineId(text: string): boolean {
  return pattern.test(text);
}

/** @param time as `isoTime` writes it. */
export function newQuarantineId(time: string): string {
  return `${time.replaceAll(/[-:.]/g, '')}-${randomBytes(6).toString('hex')}`;
}

/** The folder that a message lies in, below the quarantine's directory: YYYY/MM/DD. */
export function folderOf(id: string): string {
  const [, year, month, day] = pattern.exec(id) ?? [];
  return [year, month, day].join('/');
}

/** When the message was stored, as `isoTime` writes it. */
export function timeOf(id: string): string {
  return id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z.*$/, '$1-$2-$3T$4:$5:$6.$7Z');
}
