/** `clamgate inject`: sends a test message, and reports what became of it. */
import type { Config } from '../daemon/config.ts';
import { smtpListeners } from '../daemon/config-listener.ts';
import { parseDuration } from '../daemon/config-units.ts';
import type { OutcomeKind, TransactionRecord } from '../engine/record.ts';
import { messageOf } from '../errors.ts';
import { runProgram } from '../run-program.ts';
import type { CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { fateOf, fateText, worst } from './inject-fate.ts';
import {
  cleanMessage,
  eicarMessage,
  messageFromFile,
  type Addresses,
  type TestMessage,
} from './inject-message.ts';
import { placedConfig } from './listen-places.ts';
import { submit, type SubmitReply } from './inject-send.ts';
import { submitUnchanged } from './inject-unchanged.ts';

export interface InjectOptions {
  readonly to: readonly string[];
  readonly from?: string;
  readonly clean?: true;
  readonly eicar?: true;
  readonly file?: string;
  readonly server: string;
  /** true is the first listener of the configuration. */
  readonly listener?: string | true;
  readonly wait: string;
}

/** The result with --json. */
interface InjectReport extends SubmitReply {
  readonly server: string;
  readonly to: readonly string[];
  readonly messageId?: string;
  /** 'refused' by the server before the daemon saw it; 'unknown' when the daemon did not say. */
  readonly fate: OutcomeKind | 'refused' | 'unknown';
  /** Why the fate is unknown. */
  readonly problem?: string;
  /** Whether this is what such a message should come to. */
  readonly expected: boolean;
  readonly transactions: readonly TransactionRecord[];
}

/** @throws {CliFailure} when the message cannot be read or nobody takes it. */
export async function inject(context: CliContext, options: InjectOptions): Promise<void> {
  const waitMs = parseDuration(options.wait);
  if (waitMs === undefined) {
    throw new CliFailure(exitCodes.usage, `--wait must be a duration such as "30s"`);
  }
  const config = await context.config();
  const server = await serverOf(options, config);
  const addresses = { from: options.from ?? options.to[0] ?? '', to: options.to };
  const message = await messageOfKind(options, addresses);
  const since = context.clock.now();
  const { clock } = context;
  const submitted =
    options.file === undefined
      ? await submit(message.raw, addresses, server)
      : await submitUnchanged(message.raw, addresses, server, { clock, hostname: config.hostname });
  const fate = await learnFate({ options, config, message, submitted, since, waitMs }, context);
  const report: InjectReport = {
    ...submitted,
    server,
    to: options.to,
    ...(message.messageId !== undefined && { messageId: message.messageId }),
    ...fate,
    expected: isExpected(options, fate.fate),
  };
  context.result(report, () => reportText(report));
  context.exitCode = exitCodeOf(report);
}

async function serverOf({ listener, server }: InjectOptions, config: Config): Promise<string> {
  if (listener === undefined) return server;
  const listeners = smtpListeners(config);
  const found =
    listener === true ? listeners[0] : listeners.find(({ address }) => address === listener);
  if (!found) {
    const known = listeners.map(({ address }) => address).join(', ');
    const why =
      known === ''
        ? 'there is no smtp or lmtp listener; without --listener it goes through Postfix'
        : `no listener ${String(listener)}; there is ${known}`;
    throw new CliFailure(exitCodes.usage, why);
  }
  const { listeners: placed } = await placedConfig({ ...config, listeners: [found] }, runProgram);
  const address = placed[0]?.address ?? found.address;
  return found.protocol === 'lmtp' ? `lmtp:${address}` : address;
}

function messageOfKind(options: InjectOptions, addresses: Addresses): Promise<TestMessage> {
  if (options.file !== undefined) return messageFromFile(options.file);
  return options.eicar ? eicarMessage(addresses) : cleanMessage(addresses);
}

interface Injected {
  readonly options: InjectOptions;
  readonly config: Config;
  readonly message: TestMessage;
  readonly submitted: SubmitReply;
  readonly since: number;
  readonly waitMs: number;
}

type Fate = Pick<InjectReport, 'fate' | 'problem' | 'transactions'>;

async function learnFate(injected: Injected, context: CliContext): Promise<Fate> {
  const { options, config, message, submitted, since, waitMs } = injected;
  const straight = options.listener !== undefined;
  if (!submitted.accepted && !straight) return { fate: 'refused', transactions: [] };
  const { messageId } = message;
  // A queue id in a listener's own reply is the next hop's; it finds the transaction as well.
  const { queueId } = submitted;
  if (messageId === undefined && queueId === undefined) {
    const problem = 'the message has no Message-ID, and the server named no queue id';
    return { fate: 'unknown', problem, transactions: [] };
  }
  const query = {
    control: config.control.address,
    ...(messageId !== undefined && { messageId }),
    ...(queueId !== undefined && { queueId }),
    recipients: options.to.length,
    since,
    waitMs,
  };
  try {
    const transactions = await fateOf(query, context.clock, progress(context));
    const fate = worst(transactions);
    const seconds = Math.round(waitMs / 1000);
    const problem = fate === 'unknown' ? { problem: `not seen within ${seconds} s` } : {};
    return { fate, ...problem, transactions };
  } catch (error) {
    return { fate: 'unknown', problem: messageOf(error), transactions: [] };
  } finally {
    clearProgress(context);
  }
}

/** A line that is written over, where somebody looks on. */
function progress(context: CliContext): (ms: number) => void {
  if (!isWatched(context)) return () => undefined;
  return (ms) => context.stderr.write(`\rwaiting for its fate: ${Math.round(ms / 1000)} s `);
}

function clearProgress(context: CliContext): void {
  if (isWatched(context)) context.stderr.write('\r\u001b[K');
}

function isWatched({ stderr, json }: CliContext): boolean {
  return stderr.isTTY === true && !json;
}

/** EICAR must not get through, a clean message must; of a file nothing is known. */
function isExpected(options: InjectOptions, fate: InjectReport['fate']): boolean {
  const stopped = ['quarantined', 'rejected', 'discarded', 'refused'].includes(fate);
  if (options.file !== undefined) return stopped || fate === 'relayed';
  return options.eicar ? stopped : fate === 'relayed';
}

function exitCodeOf({ expected, fate }: InjectReport): ExitCode {
  if (expected) return exitCodes.ok;
  return fate === 'deferred' || fate === 'unknown' ? exitCodes.temporary : exitCodes.negative;
}

function reportText(report: InjectReport): string {
  const { messageId, server, to, reply, fate, problem } = report;
  const fates = report.transactions.map(fateText);
  const unseen = problem === undefined ? fate : `${fate}: ${problem}`;
  const rows = [
    ['message', messageId ?? '(no Message-ID)'],
    ['sent to', `${server}, for ${to.join(', ')}`],
    ['reply', reply],
    ...(fates.length > 0 ? fates : [unseen]).map((text) => ['fate', text]),
    ...(report.expected ? [] : [['', 'this is not what such a message should come to']]),
  ];
  return rows.map(([name = '', text = '']) => `${name.padEnd(10)}${text}`).join('\n');
}
