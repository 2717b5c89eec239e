/** The clamds of a stage. */
import { PrivateClamd, type PrivateClamdSettings } from '../support/private-clamd.ts';

export interface ClamdSettings {
  readonly conf?: PrivateClamdSettings;
  /** Signatures that it has beside those of EICAR; none unless told otherwise. */
  readonly signatures?: number;
  /** What VERSION tells of its database at first; without it, of none. */
  readonly database?: number;
}

export type Clamds = readonly [PrivateClamd, ...PrivateClamd[]];

const usual = { MaxThreads: '12', MaxConnectionQueueLength: '200', SelfCheck: '0' };
/** So that its database is of another content with each number. */
const known = Buffer.from('known to all of them');

/** @param closing gets what ends each of them, as soon as it is there. */
export async function startClamds(
  settings: readonly ClamdSettings[] = [{}],
  closing: (() => Promise<void>)[],
): Promise<Clamds> {
  const clamds: PrivateClamd[] = [];
  for (const { conf, signatures, database } of settings) {
    const clamd = await PrivateClamd.start({ ...usual, ...conf });
    closing.unshift(() => clamd.close());
    clamds.push(clamd);
    if (signatures !== undefined) clamd.writeMany(signatures);
    if (database !== undefined) renew(clamd, database);
    if (signatures !== undefined || database !== undefined) await clamd.restart();
  }
  return clamds as unknown as Clamds;
}

/** Gives it a database of that number, which it loads at the next start or RELOAD. */
export function renew(clamd: PrivateClamd, database: number): void {
  clamd.writeSignature(database, known);
}

export function socketOf({ unix }: PrivateClamd): string {
  return unix.name.replace(/^unix:/, '');
}
