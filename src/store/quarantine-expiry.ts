/** Which quarantined messages have been kept long enough. Pure. */
import { isoTime } from './iso-time.ts';
import type { QuarantineRecord } from './quarantine-record.ts';

export interface ExpiryLimits {
  /** Older messages go. */
  readonly ageMsMax: number;
  /** While all messages together are larger, the oldest go. */
  readonly bytesMax: number;
}

export interface Expiry {
  readonly record: QuarantineRecord;
  readonly why: 'expired-age' | 'expired-size';
}

/**
 * @param records oldest first.
 * @param now milliseconds since the epoch.
 */
export function expiriesOf(
  records: readonly QuarantineRecord[],
  limits: ExpiryLimits,
  now: number,
): readonly Expiry[] {
  const tooOld = isoTime(Math.max(0, now - limits.ageMsMax));
  let bytes = records.reduce((sum, { size }) => sum + size, 0);
  const expiries: Expiry[] = [];
  for (const record of records) {
    const isOld = record.time < tooOld;
    if (!isOld && bytes <= limits.bytesMax) continue;
    expiries.push({ record, why: isOld ? 'expired-age' : 'expired-size' });
    bytes -= record.size;
  }
  return expiries;
}
