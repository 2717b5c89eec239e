import type { TransactionRecord } from '../../src/engine/record.ts';

/** A clean message that was relayed, but for what `change` says. */
export function aRecord(change: Partial<TransactionRecord>): TransactionRecord {
  return {
    id: 'T1',
    time: 1_000_000,
    listener: '127.0.0.1:10024',
    client: {},
    sender: 'sender@example.org',
    recipients: [{ address: 'rcpt@example.org' }],
    size: 1234,
    findings: [],
    coverage: 'full',
    streams: [],
    verdict: 'clean',
    outcome: 'relayed',
    reply: { code: 250, enhanced: '2.0.0', lines: ['Ok'] },
    ms: { wait: 0, receive: 1, scan: 2, handover: 3, total: 6 },
    ...change,
  };
}
