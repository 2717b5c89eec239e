/**
 * Sends a message byte for byte, by the daemon's own client (relay/): nodemailer makes CRLF of a
 * bare CR (docs/decisions/0002-release.md).
 */
import type { Envelope, Path } from '../envelope.ts';
import { isPositive, type Reply } from '../protocol/smtp/reply.ts';
import type { NextHop, RelayResult } from '../relay/next-hop.ts';
import type { ReleaseResult } from '../store/quarantine-record.ts';

/** A message on its way out. */
export interface Outgoing {
  readonly envelope: Envelope;
  /** In bytes. */
  readonly size: number;
  readonly content: () => AsyncIterable<Buffer>;
  /** The name for EHLO. */
  readonly helloName: string;
}

/**
 * Sends it in one transaction.
 *
 * @returns one result for each recipient, in order.
 * @throws what reading the content throws; then nobody has got the message.
 */
export async function sendUnchanged(
  message: Outgoing,
  nextHop: NextHop,
  signal: AbortSignal,
): Promise<ReleaseResult[]> {
  const { envelope, helloName } = message;
  const { client, reversePath, recipients } = envelope;
  const delivery = nextHop.begin({ client, reversePath, helloName }, signal);
  const asked = await Promise.all(recipients.map((path) => delivery.recipient(path)));
  if (!asked.some(isAccepted)) {
    delivery.abort();
    return recipients.map((path, index) => resultOf(path, asked[index]));
  }
  const answers = [...(await delivery.send(message.content, signal))];
  const common = nextHop.flavour === 'smtp' ? answers[0] : undefined;
  return recipients.map((path, index) => {
    const refusal = asked[index];
    if (refusal && !isAccepted(refusal)) return resultOf(path, refusal);
    return resultOf(path, common ?? answers.shift());
  });
}

function isAccepted(result: RelayResult): boolean {
  return result.kind === 'reply' && isPositive(result.reply);
}

function resultOf({ address: recipient }: Path, result: RelayResult | undefined): ReleaseResult {
  switch (result?.kind) {
    case 'reply':
      return {
        recipient,
        outcome: isPositive(result.reply) ? 'accepted' : 'refused',
        reply: textOf(result.reply),
      };
    case 'lacks':
      return { recipient, outcome: 'refused', reply: `the next hop lacks ${result.extension}` };
    case 'unreachable':
    case 'unknown':
      return { recipient, outcome: result.kind, reply: result.detail };
    case undefined:
      return { recipient, outcome: 'unknown', reply: 'the next hop gave no answer for it' };
  }
}

function textOf({ code, enhanced, lines }: Reply): string {
  return [code, enhanced, ...lines].filter((part) => part !== undefined).join(' ');
}
