/**
 * What must hold between keys for the daemon to keep its promises: the ladder of deadlines, and
 * that no address is used twice or leads back to us. What breaks it is an error.
 */
import type { Config } from './config.ts';
import type { KeyPath } from './config-lines.ts';
import { showDuration } from './config-units.ts';

export interface Unsound {
  readonly path: KeyPath;
  readonly message: string;
}

/** smtp_data_done_timeout, smtp_mail_timeout (postconf(5)): then Postfix gives up on us. */
const postfixDataDoneMs = 600_000;
const postfixMailMs = 300_000;
/** smtpd_proxy_timeout (postconf(5)), for each reply; then the sender hears 451 from Postfix. */
const postfixProxyMs = 100_000;

export function ladderProblems(config: Config): Unsound[] {
  return [
    ...deadlineProblems(config),
    ...beforeQueueProblems(config),
    ...weightProblems(config),
    ...addressProblems(config),
    ...loopProblems(config),
  ];
}

function weightProblems({ clamd: { endpoints, weights } }: Config): Unsound[] {
  if (weights.length <= endpoints.length) return [];
  const message = `has ${weights.length} numbers for ${endpoints.length} endpoints`;
  return [{ path: ['clamd', 'weights'], message }];
}

function deadlineProblems({ limits }: Config): Unsound[] {
  const { scanMs, deadlineMs, nextHopDotMs, transactionWaitMs } = limits;
  const problems: Unsound[] = [];
  const mustBeBelow = (key: string, bound: string): void => {
    problems.push({ path: ['limits', key], message: `must be below ${bound}` });
  };
  if (deadlineMs + nextHopDotMs >= postfixDataDoneMs) {
    // A reply that Postfix no longer waits for is a message delivered twice.
    const together = `together with next_hop_dot_ms (${showDuration(nextHopDotMs)})`;
    mustBeBelow('deadline_ms', `600s, Postfix's smtp_data_done_timeout, ${together}`);
  }
  if (scanMs >= deadlineMs) {
    const room = 'so that time to hand over is left';
    mustBeBelow('scan_ms', `deadline_ms (${showDuration(deadlineMs)}), ${room}`);
  }
  if (transactionWaitMs >= postfixMailMs) {
    mustBeBelow('transaction_wait_ms', "300s, Postfix's smtp_mail_timeout");
  }
  return problems;
}

function beforeQueueProblems({ beforeQueue }: Config): Unsound[] {
  const late = (key: string, ms: number, other: string, otherMs: number): Unsound[] => {
    const together = `together with ${other} (${showDuration(otherMs)})`;
    const message = `must be below 100s, Postfix's smtpd_proxy_timeout, ${together}`;
    return ms + otherMs >= postfixProxyMs ? [{ path: ['before_queue', key], message }] : [];
  };
  const { transactionWaitMs, nextHopReplyMs, deadlineMs, nextHopDotMs } = beforeQueue;
  return [
    ...late('transaction_wait_ms', transactionWaitMs, 'next_hop_reply_ms', nextHopReplyMs),
    ...late('deadline_ms', deadlineMs, 'next_hop_dot_ms', nextHopDotMs),
  ];
}

function addressProblems(config: Config): Unsound[] {
  const used: { address: string; path: KeyPath }[] = [
    ...config.listeners.map(({ address }, at) => ({ address, path: ['listener', at, 'address'] })),
    { address: config.control.address, path: ['control', 'address'] },
    ...commitAddresses(config),
    ...config.clamd.endpoints.map((address, at) => ({ address, path: ['clamd', 'endpoints', at] })),
  ];
  return used
    .filter(({ address }, at) => used.findIndex((other) => other.address === address) < at)
    .map(({ address, path }) => ({ path, message: `"${address}" is used before in this file` }));
}

function commitAddresses({ commit }: Config): { address: string; path: KeyPath }[] {
  const { address, witness } = commit;
  const asked = address === undefined ? [] : [{ address, path: ['commit', 'address'] }];
  return [...asked, { address: witness, path: ['commit', 'witness'] }];
}

function loopProblems({ listeners }: Config): Unsound[] {
  const ours = new Set(listeners.map(({ address }) => address));
  return listeners.flatMap((listener, at) => {
    if (!('nextHop' in listener)) return [];
    const { nextHop } = listener;
    const loops = ours.has(nextHop.replace(/^(smtp|lmtp):/, ''));
    const message = `"${nextHop}" is a listener of this file: mail would go round for ever`;
    return loops ? [{ path: ['listener', at, 'next_hop'], message }] : [];
  });
}
