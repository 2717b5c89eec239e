/** What clamd's answer about one stream means as findings (pure). */
import { classify } from '../protocol/clamd/signature.ts';
import type { Finding, PartialReason } from '../verdict/finding.ts';
import type { ClamdAnswer } from './stream-attempts.ts';

/**
 * Whether more scanning would change nothing that is done with the message: malware was found, or
 * clamd cannot be asked.
 *
 * @param pastMalware malware ends nothing: for an explanation, or where no rule stops it.
 */
export function isDecided(findings: readonly Finding[], pastMalware = false): boolean {
  return findings.some(
    ({ kind }) => kind === 'unavailable' || (kind === 'infected' && !pastMalware),
  );
}

/** @param bytes of the stream as clamd got it. */
export function findingsOf(stream: string, bytes: number, answer: ClamdAnswer): readonly Finding[] {
  const { reply, words } = answer;
  const partial = (reason: PartialReason, detail: string): Finding => ({
    kind: 'partial',
    reason,
    stream,
    detail,
  });
  switch (reply.kind) {
    case 'failed':
      return [
        { kind: 'unavailable', stream, detail: words, ...(answer.broke && { broke: 'clamd' }) },
      ];
    case 'size-limit':
      return [partial('stream-length', words)];
    case 'ok':
      return unseen(bytes, answer).map(({ reason, detail }) => partial(reason, detail));
    case 'found': {
      const detail = reply.signature;
      const family = classify(detail);
      if (family === 'infected') return [{ kind: family, stream, detail }];
      const named: Finding =
        family === 'limits-exceeded' ? partial(family, detail) : { kind: family, stream, detail };
      const rest = unseen(bytes, answer);
      return [named, ...rest.map((one) => partial(one.reason, one.detail))];
    }
  }
}

/**
 * That clamd may have reached a limit inside a container without a word of it.
 *
 * @param container what the stream is to clamd (container.ts); undefined where it has nothing to open.
 */
export function silenceOf(
  stream: string,
  container: string | undefined,
  { reply, worth: { alerts } }: ClamdAnswer,
): readonly Finding[] {
  const hasLooked =
    reply.kind === 'ok' || (reply.kind === 'found' && classify(reply.signature) !== 'infected');
  if (container === undefined || alerts === 'on' || !hasLooked) return [];
  const why = alerts === 'silent' ? 'is off' : 'is not known to be on';
  const detail = `${container}: AlertExceedsMax ${why}`;
  return [{ kind: 'partial', reason: 'limits-silent', stream, detail }];
}

/** Why clamd may not have looked at all of the stream although it says nothing of it. */
function unseen(
  bytes: number,
  { scanMs, worth }: ClamdAnswer,
): { reason: PartialReason; detail: string }[] {
  const { streamBytesMax, fileBytesMax, scanMsMax } = worth.ceilings;
  const reasons: { reason: PartialReason; detail: string }[] = [];
  if (bytes > streamBytesMax) {
    reasons.push({ reason: 'stream-length', detail: `${bytes} bytes, at most ${streamBytesMax}` });
  }
  if (bytes > fileBytesMax) {
    reasons.push({ reason: 'file-size', detail: `${bytes} bytes, at most ${fileBytesMax}` });
  }
  if (scanMs >= scanMsMax) {
    reasons.push({ reason: 'scan-time', detail: `${Math.round(scanMs)} ms, limit ${scanMsMax}` });
  }
  return reasons;
}
