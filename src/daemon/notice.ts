import type { Clock } from '../clock.ts';
import { recipientOutcomes, type TransactionRecord } from '../engine/record.ts';
import { messageOf } from '../errors.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import type { Config } from './config.ts';
import type { Log } from './log.ts';

/** At most so many notices in an hour: a wave of malware must not become a wave of mail. */
const hourlyMax = 20;
const hourMs = 3_600_000;

/**
 * A short notice to the postmaster for each message that goes into quarantine, past the filter to
 * the next hop. It says where to look, and shows nothing of the message but its envelope. A notice
 * that cannot be sent is logged and not sent again: the message itself is safe.
 */
export class Notices {
  readonly #log: Log;
  readonly #clock: Clock;
  #hourBegan = -Infinity;
  #sent = 0;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @returns when the notice is out, or will not go out. Never rejects. */
  async observe(record: TransactionRecord, config: Config): Promise<void> {
    const { noticeTo } = config.quarantine;
    if (!recipientOutcomes(record).includes('quarantined') || noticeTo === undefined) return;
    if (!this.#hasRoom()) {
      this.#log.warn('notice-suppressed', { quarantine_id: record.quarantineId });
      return;
    }
    const listener = config.listeners.find(({ address }) => address === record.listener);
    // What a Milter has held is with Postfix, which has its own ways to tell.
    if (!listener || !('nextHop' in listener)) return;
    try {
      await send(record, listener.nextHop, noticeTo, config.hostname);
    } catch (error) {
      const detail = messageOf(error);
      this.#log.error('notice-failed', { quarantine_id: record.quarantineId, detail });
    }
  }

  #hasRoom(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#hourBegan >= hourMs) {
      this.#hourBegan = now;
      this.#sent = 0;
    }
    this.#sent++;
    return this.#sent <= hourlyMax;
  }
}

async function send(
  record: TransactionRecord,
  nextHop: string,
  to: string,
  hostname: string,
): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const { connect: createConnection } = await import('node:net');
  const { flavour, connect } = parseNextHopAddress(nextHop);
  const transport = createTransport({
    name: hostname,
    lmtp: flavour === 'lmtp',
    ignoreTLS: true,
    // A Unix socket is not among nodemailer's settings, but an open socket is.
    getSocket: (_options, callback) => {
      const connection = createConnection(connect, () => {
        connection.off('error', callback);
        callback(null, { connection });
      });
      connection.once('error', callback);
    },
  });
  await transport.sendMail({
    envelope: { from: '', to },
    from: { name: 'clamgate', address: `postmaster@${hostname}` },
    to,
    subject: `Quarantined: ${record.verdict ?? 'message'} (${record.quarantineId ?? ''})`,
    headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834 §5
    text: noticeText(record),
  });
}

/** The sender chose addresses and Message-ID: only their printable ASCII is shown. */
function noticeText(record: TransactionRecord): string {
  const recipients = record.recipients
    .filter(({ outcome = record.outcome }) => outcome === 'quarantined')
    .slice(0, 20)
    .map(({ address }) => `<${address}>`);
  const findings = record.findings
    .slice(0, 20)
    .map(({ kind, stream, detail }) => `${kind} in ${stream}: ${detail}`);
  const lines = [
    `quarantine id: ${record.quarantineId ?? ''}`,
    `verdict:       ${record.verdict ?? ''}`,
    ...findings.map((finding) => `finding:       ${finding}`),
    `from:          <${record.sender}>`,
    `to:            ${recipients.join(', ')}`,
    `queue id:      ${record.queueId ?? 'unknown'}`,
    `message-id:    ${record.messageId ?? 'none'}`,
    '',
    `clamgate quarantine show ${record.quarantineId ?? ''}`,
  ];
  return lines.map((line) => line.replace(/[^\x20-\x7e]/g, '?')).join('\n');
}
