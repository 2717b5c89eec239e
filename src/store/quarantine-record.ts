/**
 * What is known of a quarantined message: its sidecar, NAME.json beside NAME.eml. Nothing of the
 * message's content stands in it but its Message-ID.
 */
import { clientAttributes, type Envelope } from '../envelope.ts';
import { messageOf } from '../errors.ts';
import { list, number, object, oneOf, optional, text } from './shape.ts';

export interface QuarantineRecord {
  readonly version: 1;
  readonly id: string;
  /** When it was stored, ISO 8601. */
  readonly time: string;
  /** The listener's address, as configured. */
  readonly listener: string;
  readonly verdict: string;
  readonly coverage: string;
  readonly findings: readonly RecordedFinding[];
  readonly envelope: Envelope;
  /** In bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly queueId?: string;
  readonly messageId?: string;
  readonly releases: readonly Release[];
}

/** As verdict/finding.ts has them; a kind that a later version adds is still shown. */
export interface RecordedFinding {
  readonly kind: string;
  readonly reason?: string;
  readonly stream: string;
  readonly detail: string;
}

/** An attempt to send the message on to its recipients. */
export interface Release {
  /** When it began, ISO 8601. */
  readonly time: string;
  readonly results: readonly ReleaseResult[];
}

const releaseOutcomes = ['accepted', 'refused', 'unreachable', 'unknown'] as const;

export interface ReleaseResult {
  readonly recipient: string;
  /** 'unknown': it may have been sent, or its end was not seen. */
  readonly outcome: (typeof releaseOutcomes)[number];
  /** The next hop's words, or why there are none. */
  readonly reply: string;
}

const path = object({
  address: text,
  parameters: list(object({ keyword: text, value: optional(text) })),
});

const client = object(Object.fromEntries(clientAttributes.map((name) => [name, optional(text)])));

const release = object({
  time: text,
  results: list(object({ recipient: text, outcome: oneOf(...releaseOutcomes), reply: text })),
});

const sidecar = object({
  version: oneOf(1),
  id: text,
  time: text,
  listener: text,
  verdict: text,
  coverage: text,
  findings: list(object({ kind: text, reason: optional(text), stream: text, detail: text })),
  envelope: object({ client, reversePath: path, recipients: list(path) }),
  size: number,
  sha256: text,
  queueId: optional(text),
  messageId: optional(text),
  releases: list(release),
});

export function formatRecord(record: QuarantineRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}

/** @returns the record, or what is wrong with it. */
export function parseRecord(bytes: Buffer): QuarantineRecord | string {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    const problems = sidecar(parsed, 'it');
    return problems.length > 0 ? problems.join('\n') : (parsed as QuarantineRecord);
  } catch (error) {
    return messageOf(error);
  }
}
