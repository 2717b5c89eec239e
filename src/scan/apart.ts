/**
 * Takes a message apart: its decoded parts first, then what else a lenient client takes from it; and
 * holds all of it to the administrator's rules. What is found goes to who scans the streams.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Content } from '../content.ts';
import type { Limits } from '../limits.ts';
import { defaultReadingLimits } from '../reading/plan.ts';
import type { BannedRule } from '../verdict/banned.ts';
import { Inspections } from './inspections.ts';
import { inSlices, Pace } from './pace.ts';
import { PartScan } from './part-scan.ts';
import { ReadingScan } from './reading-scan.ts';
import type { MimePart, ScanReport } from './scanner.ts';
import type { StreamScans } from './stream-scans.ts';

export interface ApartSettings {
  readonly limits: Pick<Limits, 'partsMax' | 'partDepthMax' | 'readingsMax'>;
  readonly banned: readonly BannedRule[];
  /** Whether what was seen is kept, to be shown. */
  readonly show: boolean;
}

/** What there was in a message, besides what was found in it. */
export type Apart = Pick<ScanReport, 'parts' | 'readings' | 'contents'>;

/**
 * @param content all of which is there.
 * @throws {Cancelled} when the signal is aborted.
 * @throws {OperationalError} STORE, when the content cannot be read back.
 */
export async function takeApart(
  content: Content,
  scans: StreamScans,
  settings: ApartSettings,
  { clock, signal }: { readonly clock: Clock; readonly signal: CancelSignal },
): Promise<Apart> {
  const { limits, show } = settings;
  const pace = new Pace(clock);
  const inspections = inspectionsOf(scans, settings, pace);
  const partScan = new PartScan(scans, limits, signal);
  await partScan.message(inSlices(content.chunks(signal, 0, 1)), '');
  const { parts } = partScan;
  await inspectNames(parts, inspections);
  const { readingsMax } = limits;
  const readings = new ReadingScan(
    scans,
    { limits: { ...defaultReadingLimits, readingsMax }, show, inspections, pace },
    signal,
  );
  if (!scans.decided) await readings.message(content);
  return { parts, ...(show && { readings: readings.shown, contents: inspections.shown }) };
}

/** The same for a message of which the only part is its text, and was scanned with it. */
export async function takePlain(
  part: MimePart,
  scans: StreamScans,
  settings: ApartSettings,
  clock: Clock,
): Promise<Apart> {
  const inspections = inspectionsOf(scans, settings, new Pace(clock));
  await inspectNames([part], inspections);
  return { parts: [part], ...(settings.show && { readings: [], contents: inspections.shown }) };
}

function inspectionsOf(
  { findings }: StreamScans,
  { banned, show }: ApartSettings,
  pace: Pace,
): Inspections {
  return new Inspections(findings, { banned, show, pace });
}

/** Holds what the parts are called to the rules. */
async function inspectNames(parts: readonly MimePart[], inspections: Inspections): Promise<void> {
  for (const { number, filename, contentType } of parts) {
    const names = filename === undefined ? [] : [filename];
    const stream = number === '' ? 'message' : number;
    await inspections.named({ stream, names, types: [contentType] });
  }
}
