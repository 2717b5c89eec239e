/**
 * What is known of a quarantined message: its sidecar, NAME.json beside NAME.eml. Nothing of the
 * message's content stands in it but its Message-ID.
 */
import { z } from 'zod';
import type { EsmtpParameter } from '../envelope.ts';
import { messageOf } from '../errors.ts';

const parameter: z.ZodType<EsmtpParameter> = z.object({
  keyword: z.string(),
  value: z.string().exactOptional(),
});

const path = z.object({ address: z.string(), parameters: z.array(parameter).readonly() });

const text = z.string().exactOptional();

const envelope = z.object({
  client: z.object({
    name: text,
    addr: text,
    port: text,
    proto: text,
    helo: text,
    ident: text,
    source: text,
  }),
  reversePath: path,
  recipients: z.array(path).readonly(),
});

/** As verdict/finding.ts has them; a kind that a later version adds is still shown. */
const finding = z.object({
  kind: z.string(),
  reason: text,
  stream: z.string(),
  detail: z.string(),
});

const releaseResult = z.object({
  recipient: z.string(),
  /** 'unknown': it may have been sent, or its end was not seen. */
  outcome: z.enum(['accepted', 'refused', 'unreachable', 'unknown']),
  /** The next hop's words, or why there are none. */
  reply: z.string(),
});

const release = z.object({
  /** When it began, ISO 8601. */
  time: z.string(),
  results: z.array(releaseResult).readonly(),
});

const sidecar = z.object({
  version: z.literal(1),
  id: z.string(),
  /** When it was stored, ISO 8601. */
  time: z.string(),
  /** The listener's address, as configured. */
  listener: z.string(),
  verdict: z.string(),
  coverage: z.string(),
  findings: z.array(finding).readonly(),
  envelope,
  /** In bytes. */
  size: z.number(),
  sha256: z.string(),
  queueId: text,
  messageId: text,
  releases: z.array(release).readonly(),
});

export type QuarantineRecord = z.output<typeof sidecar>;

/** An attempt to send the message on to its recipients. */
export type Release = z.output<typeof release>;

export type ReleaseResult = z.output<typeof releaseResult>;

export function formatRecord(record: QuarantineRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/** @returns the record, or what is wrong with it. */
export function parseRecord(bytes: Buffer): QuarantineRecord | string {
  try {
    const parsed = sidecar.safeParse(JSON.parse(bytes.toString('utf8')));
    return parsed.success ? parsed.data : z.prettifyError(parsed.error);
  } catch (error) {
    return messageOf(error);
  }
}
