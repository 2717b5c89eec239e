/**
 * Releases messages from the quarantine: to the recipients of the original envelope, past the
 * filter. The sidecar remembers each attempt, from before it began, so that nobody gets a message
 * twice because somebody typed a command twice or the command was interrupted.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Path } from '../envelope.ts';
import { messageOf } from '../errors.ts';
import type { NextHop } from '../relay/next-hop.ts';
import { isoTime } from '../store/iso-time.ts';
import type { QuarantineRecord, ReleaseResult } from '../store/quarantine-record.ts';
import type { Quarantine } from '../store/quarantine.ts';
import { sendDisarmed } from './quarantine-sender.ts';
import { sendUnchanged, type Outgoing } from './unchanged-sender.ts';

export interface ReleaseOptions {
  /** Instead of the original recipients. */
  readonly to?: readonly string[] | undefined;
  /** Also to those who have it already, or perhaps have it. */
  readonly again?: boolean | undefined;
  /** Remove the message once everybody it was sent to has it. */
  readonly delete?: boolean | undefined;
}

export interface ReleaseParts {
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  /** The name for EHLO. */
  readonly hostname: string;
  readonly nextHop: NextHop;
  readonly signal: AbortSignal;
}

/** What became of one message. */
export interface ReleaseReport {
  readonly id: string;
  readonly results: readonly ReleaseResult[];
  /** Why it was not sent to anybody. */
  readonly refused?: string;
  /** Recipients that were passed over because they have it, or perhaps have it. */
  readonly skipped: readonly string[];
  readonly deleted: boolean;
}

/** @throws {OperationalError} STORE, when the sidecar cannot be rewritten. */
export async function releaseMessage(
  id: string,
  options: ReleaseOptions,
  parts: ReleaseParts,
): Promise<ReleaseReport> {
  const nothing = { id, results: [], skipped: [], deleted: false };
  const item = await parts.quarantine.show(id);
  if (!item) return { ...nothing, refused: 'there is no such message in quarantine' };
  if (item.kind === 'damaged') return { ...nothing, refused: item.problem };
  const { record } = item;
  const { paths, skipped } = recipientsOf(record, options);
  if (paths.length === 0) {
    return { ...nothing, skipped, refused: 'released already; --again sends it once more' };
  }
  if (!(await isIntact(record, parts.quarantine))) {
    return { ...nothing, refused: 'its bytes are not those that were stored' };
  }
  const results = await attempt(record, paths, parts);
  const isDone = results.every(({ outcome }) => outcome === 'accepted');
  const deleted =
    options.delete === true && isDone && (await parts.quarantine.remove(id, 'released'));
  return { id, results, skipped, deleted };
}

/** The attempt is on disk before the first byte leaves, as one whose end nobody has seen. */
async function attempt(
  record: QuarantineRecord,
  recipients: readonly Path[],
  parts: ReleaseParts,
): Promise<ReleaseResult[]> {
  const time = isoTime(parts.clock.now());
  const unfinished = recipients.map(({ address }) => ({
    recipient: address,
    outcome: 'unknown' as const,
    reply: 'the release was interrupted',
  }));
  await parts.quarantine.noteRelease(record.id, { time, results: unfinished });
  const results = await send(record, recipients, parts);
  await parts.quarantine.noteRelease(record.id, { time, results });
  return results;
}

async function send(
  record: QuarantineRecord,
  recipients: readonly Path[],
  { quarantine, nextHop, hostname, signal }: ReleaseParts,
): Promise<ReleaseResult[]> {
  const message: Outgoing = {
    envelope: { ...record.envelope, recipients },
    size: record.size,
    content: () => quarantine.open(record.id),
    helloName: hostname,
  };
  const isSmuggling = record.findings.some(({ kind }) => kind === 'smuggling');
  try {
    if (isSmuggling) return await sendDisarmed(message, nextHop.address);
    return await sendUnchanged(message, nextHop, signal);
  } catch (error) {
    // Both drop the connection without the final dot when the content cannot be read.
    const reply = messageOf(error);
    return recipients.map(({ address }) => ({ recipient: address, outcome: 'unreachable', reply }));
  }
}

/** Whom it goes to. With other recipients than the original ones, their parameters mean nothing. */
function recipientsOf(
  record: QuarantineRecord,
  { to, again }: ReleaseOptions,
): { paths: readonly Path[]; skipped: readonly string[] } {
  const wanted = to
    ? to.map((address) => ({ address, parameters: [] }))
    : record.envelope.recipients;
  const served = new Set(
    record.releases
      .flatMap(({ results }) => results)
      .filter(({ outcome }) => outcome === 'accepted' || outcome === 'unknown')
      .map(({ recipient }) => recipient),
  );
  const paths = wanted.filter(({ address }) => again === true || !served.has(address));
  const skipped = wanted.filter((path) => !paths.includes(path)).map(({ address }) => address);
  return { paths, skipped };
}

async function isIntact(
  { id, sha256 }: QuarantineRecord,
  quarantine: Quarantine,
): Promise<boolean> {
  const hash = createHash('sha256');
  for await (const piece of quarantine.open(id)) hash.update(piece);
  return hash.digest('hex') === sha256;
}
