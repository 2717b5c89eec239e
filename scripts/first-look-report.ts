/** The words of the first look: where everything listens, and what became of a message. */
import { dirname } from 'node:path';
import type { PrivateDaemon } from '../test/support/private-daemon.ts';
import type { PrivatePostfix } from '../test/support/private-postfix.ts';
import type { TransactionRecord } from '../src/engine/record.ts';

export interface Running {
  /** As in the configuration. */
  readonly clamd: string;
  readonly listenPort: number;
  readonly postfix: PrivatePostfix;
  readonly daemon: PrivateDaemon;
}

/** What is read of the result of `clamgate --json inject`. */
export interface Injected {
  readonly fate: string;
  readonly problem?: string;
  /** Whether this is what such a message should come to. */
  readonly expected: boolean;
  readonly reply: string;
  readonly queueId?: string;
  readonly transactions: readonly TransactionRecord[];
}

export function addresses({ clamd, listenPort, postfix, daemon }: Running): string {
  const inject = `inject --eicar --server 127.0.0.1:${postfix.submitPort} --to you@example.test`;
  return table([
    ['Postfix takes mail at', `127.0.0.1:${postfix.submitPort}`],
    ['clamgate filters it at', `127.0.0.1:${listenPort}`],
    ['and hands it on to', `127.0.0.1:${postfix.reinjectPort} (Postfix again)`],
    ['clamd', clamd],
    ['configuration', daemon.configFile],
    ['quarantine, log', dirname(daemon.configFile)],
    ['try it from a shell', `bin/clamgate.js -c ${daemon.configFile} ${inject}`],
  ]);
}

export function fate(what: string, injected: Injected, postfix: PrivatePostfix): string {
  const rows = [
    ['Postfix', injected.queueId ? `queued it as ${injected.queueId}` : injected.reply],
    ...injected.transactions.map((record) => ['clamgate', handling(record)]),
    ...(injected.transactions.length === 0 ? [['clamgate', injected.problem ?? '-']] : []),
    ['the recipient', arrival(injected, postfix)],
    ...(injected.expected ? [] : [['', 'This is not what such a message should come to.']]),
  ];
  return `${what}\n${table(rows)}`;
}

function handling(record: TransactionRecord): string {
  const ms = `in ${Math.round(record.ms.total)} ms`;
  if (record.outcome === 'relayed') {
    return `scanned it clean ${ms}, handed it back: queued as ${record.nextHopQueueId ?? '?'}`;
  }
  if (record.outcome === 'quarantined') {
    return `found ${names(record)} ${ms}, quarantined it as ${record.quarantineId ?? '?'}`;
  }
  return `${record.outcome} it: ${record.detail ?? record.situation ?? ''}`;
}

function names({ findings }: TransactionRecord): string {
  return [...new Set(findings.map(({ detail }) => detail))].join(', ');
}

function arrival({ transactions }: Injected, { sink }: PrivatePostfix): string {
  const ids = transactions.flatMap(({ nextHopQueueId }) => nextHopQueueId ?? []);
  const got = sink.messages.find(({ data }) => ids.some((id) => data.includes(`id ${id}`)));
  return got === undefined ? 'got nothing' : `got it (${got.data.length} bytes)`;
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map(([name = '', text = '']) => `  ${name.padEnd(24)}${text}`).join('\n');
}
