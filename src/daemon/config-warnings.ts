/** What a configuration allows and is unwise: for check-config, and for the log at start. */
import { availableParallelism } from 'node:os';
import { parseNextHopAddress } from '../relay/address.ts';
import { defaultRules, type RuleName, type Rules } from '../verdict/rules.ts';
import { parseSocketAddress } from '../socket-address.ts';
import { isWildcard } from './config-address.ts';
import type { Config } from './config.ts';
import { type ListenerConfig, type SmtpListenerConfig, smtpListeners } from './config-listener.ts';
import { showDuration, showSize } from './config-units.ts';

export interface Advice {
  /** A warning is worth a change; a note is worth knowing. */
  readonly severity: 'warning' | 'note';
  /** As the file writes it: '[rules] infected'. */
  readonly key: string;
  readonly text: string;
}

const ruleNames = Object.keys(defaultRules) as readonly RuleName[];

/** What is meant to be held back: to deliver it is worth a word. */
const held: ReadonlySet<RuleName> = new Set<RuleName>([
  'infected',
  'oversize',
  'limits',
  'partial',
  'smuggling',
]);

/** @param processors of this machine. */
export function warnings(config: Config, processors = availableParallelism()): Advice[] {
  return [
    ...config.listeners.flatMap(openAdvice),
    ...smtpListeners(config).flatMap(listenerAdvice),
    ...ruleNames.flatMap((name) => ruleAdvice(name, config)),
    ...sizeAdvice(config),
    ...timeAdvice(config),
    ...capacityAdvice(config),
    ...workersAdvice(config, processors),
    ...ledgerAdvice(config),
  ];
}

function openAdvice({ address }: ListenerConfig): Advice[] {
  const parsed = parseSocketAddress(address);
  if (!parsed.ok || 'path' in parsed.address || !isWildcard(parsed.address.host)) return [];
  const text = `${address} is open to all: whoever reaches this machine can send mail through it`;
  return [warning('[[listener]] address', text)];
}

function listenerAdvice({ protocol, address, nextHop }: SmtpListenerConfig): Advice[] {
  if (protocol !== 'smtp' || parseNextHopAddress(nextHop).flavour !== 'lmtp') return [];
  return [
    warning(
      '[[listener]] next_hop',
      `the SMTP listener ${address} hands on to LMTP, which answers for each recipient, so it takes ` +
        'one recipient at a time: set TRANSPORT_destination_recipient_limit = 1 for the transport ' +
        'in main.cf, or make the listener lmtp',
    ),
  ];
}

function ruleAdvice(name: RuleName, config: Config): Advice[] {
  const action = config.rules[name];
  const key = `[rules] ${name.replace('-', '_')}`;
  if (action === 'reject' && smtpListeners(config).some(isAfterQueue)) {
    const text =
      'after the queue a reject makes Postfix bounce to the sender, who is often forged ' +
      '(backscatter): quarantine or discard instead';
    return [warning(key, text)];
  }
  if (held.has(name) && (action === 'pass' || action === 'tag')) {
    return [warning(key, `such mail is delivered ("${action}")`)];
  }
  if (name !== 'infected' && action === 'discard') {
    return [warning(key, 'such mail vanishes without a trace but the log: quarantine keeps it')];
  }
  if (action === 'defer') {
    return [warning(key, 'such mail stays in the queue until it bounces (maximal_queue_lifetime)')];
  }
  return [];
}

function isAfterQueue({ position }: SmtpListenerConfig): boolean {
  return position === 'after-queue';
}

/** The first thing that clamd does not look at is what the message size should stay below. */
function sizeAdvice({ limits, clamd, rules }: Config): Advice[] {
  const advice: Advice[] = [];
  const seen = Math.min(clamd.streamMaxLengthBytes, clamd.maxFileSizeBytes);
  if (limits.messageBytesMax > seen) {
    const which =
      clamd.streamMaxLengthBytes <= clamd.maxFileSizeBytes ? 'StreamMaxLength' : 'MaxFileSize';
    const text =
      `messages above ${showSize(seen)} (clamd's ${which}) are taken up to ` +
      `${showSize(limits.messageBytesMax)}, but cannot be scanned whole: [rules] oversize ` +
      `("${rules.oversize}") decides`;
    advice.push({
      severity: isLenient(rules) ? 'warning' : 'note',
      key: '[limits] message_bytes_max',
      text,
    });
  }
  if (clamd.maxFileSizeBytes > clamd.streamMaxLengthBytes) {
    const text =
      `no stream reaches it: clamd refuses those above stream_max_length ` +
      `(${showSize(clamd.streamMaxLengthBytes)})`;
    advice.push({ severity: 'note', key: '[clamd] max_file_size', text });
  }
  return advice;
}

function isLenient({ oversize }: Rules): boolean {
  return oversize === 'pass' || oversize === 'tag';
}

function isBeforeQueue(listener: ListenerConfig): boolean {
  return 'position' in listener && listener.position === 'before-queue';
}

function timeAdvice({ limits, clamd, listeners, beforeQueue }: Config): Advice[] {
  const advice: Advice[] = [];
  if (clamd.maxScanTimeMs >= limits.scanMs) {
    const text =
      `clamd may take ${showDuration(clamd.maxScanTimeMs)} for one stream, but the scan of the ` +
      `whole message ends after scan_ms (${showDuration(limits.scanMs)}): slow messages are deferred for ever`;
    advice.push(warning('[clamd] max_scan_time', text));
  }
  if (listeners.some(isBeforeQueue) && clamd.waitMs >= beforeQueue.deadlineMs) {
    const text =
      `before the queue the sender waits no longer than [before_queue] deadline_ms ` +
      `(${showDuration(beforeQueue.deadlineMs)}): while no clamd is ready he hears only then that he ` +
      'has to come again (451 4.4.7); below it he hears so sooner, and why (451 4.7.1)';
    advice.push({ severity: 'note', key: '[clamd] wait_max', text });
  }
  if (limits.transactionWaitMs + limits.nextHopReplyMs >= 300_000) {
    const text =
      'together with transaction_wait_ms it reaches 300 s, when Postfix gives up on MAIL ' +
      '(smtp_mail_timeout)';
    advice.push(warning('[limits] next_hop_reply_ms', text));
  }
  return advice;
}

function capacityAdvice({ limits }: Config): Advice[] {
  const advice: Advice[] = [];
  if (limits.recipientsMax < 100) {
    const text = 'RFC 5321 §4.5.3.1.8 asks for at least 100';
    advice.push(warning('[limits] recipients_max', text));
  }
  if (limits.transactionsMax > limits.sessionsMax) {
    const text = `only sessions_max (${limits.sessionsMax}) can be reached: a session has one transaction`;
    advice.push(warning('[limits] transactions_max', text));
  }
  return advice;
}

function workersAdvice({ workers }: Config, processors: number): Advice[] {
  if (workers === 1 || workers < processors) return [];
  const text =
    `${workers} threads beside the daemon's own on ${processors} processors, which clamd needs as ` +
    'well: they take turns, and what goes between them is copied';
  return [{ severity: 'note', key: 'workers', text }];
}

/** Postfix tries for maximal_queue_lifetime, five days; then a retry can no longer come. */
const queueLifetimeMs = 5 * 24 * 3_600_000;

function ledgerAdvice({ ledger, commit }: Config): Advice[] {
  if (!ledger.enabled) {
    const text = 'without a ledger a message whose reply is lost is delivered again';
    return [warning('[ledger] enabled', text)];
  }
  const advice: Advice[] = [];
  if (ledger.retentionMs <= queueLifetimeMs) {
    const text =
      "shorter than Postfix's maximal_queue_lifetime (5d): a late retry is a new message";
    advice.push(warning('[ledger] retention', text));
  }
  if (commit.address === undefined) {
    const text =
      'not set: when the reply of the next hop is lost, nobody can tell whether it has the message, ' +
      `and it is ${ledger.inDoubt === 'retry' ? 'sent again' : 'held'}. Where the next hop is a ` +
      'Postfix on this machine, set it and see `clamgate postfix`';
    advice.push({ severity: 'note', key: '[commit] address', text });
  }
  return advice;
}

function warning(key: string, text: string): Advice {
  return { severity: 'warning', key, text };
}
