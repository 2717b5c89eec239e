/** Who is examined: clamd alone, clamgate's scan and its default rules, amavisd-new with clamd. */
import { systemClock } from '../../src/clock.ts';
import { defaultLimits } from '../../src/limits.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import { defaultRules, type Rules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';
import { amavisdFilter, type AmavisdScanning } from '../chaos/amavisd-filter.ts';
import { MemoryContent } from '../support/memory-content.ts';
import { newPool } from '../support/pool.ts';
import { freePort } from '../support/ports.ts';
import type { PrivateClamd } from '../support/private-clamd.ts';
import { startSink } from '../support/sink.ts';
import { submit } from '../support/submit.ts';
import { crlf, type Specimen } from './message.ts';

/**
 * found: malware was seen. stopped: it was not, and the message is held back all the same. passed:
 * it goes to its recipient. untried: the subject cannot be given such a message.
 */
export type Outcome = 'found' | 'stopped' | 'passed' | 'untried';

export interface Subject {
  readonly name: string;
  examine(specimen: Specimen): Promise<Outcome>;
  close(): Promise<void>;
}

const { signal } = new AbortController();
const nothing = (): Promise<void> => Promise.resolve();

/** The message as it is, in one stream. */
export function clamdAlone(clamd: PrivateClamd): Subject {
  const pool = newPool([clamd.unix]);
  return {
    name: 'clamd alone',
    examine: async ({ bytes }) => {
      const { reply } = await pool.scan({ open: () => [bytes], repeatable: true }, signal);
      if (reply.kind === 'found') return 'found';
      return reply.kind === 'ok' ? 'passed' : 'stopped';
    },
    close: nothing,
  };
}

export function clamgateScan(clamd: PrivateClamd, rules: Rules = defaultRules): Subject {
  const scan = new MessageScan({
    endpoints: [clamd.unix],
    clock: systemClock,
    limits: defaultLimits,
    clamd: defaultClamdSettings,
  });
  return {
    name: 'clamgate',
    examine: async ({ bytes }) => {
      const { findings } = await scan.scan(MemoryContent.of(bytes), signal);
      if (findings.some(({ kind }) => kind === 'infected')) return 'found';
      const { action } = decide(findings, rules);
      return action === 'pass' || action === 'tag' ? 'passed' : 'stopped';
    },
    close: nothing,
  };
}

/** It says in its reply what it found; what it passes goes to a sink. */
export async function amavisd(
  clamd: PrivateClamd,
  name: string,
  scanning: AmavisdScanning,
): Promise<Subject> {
  const sink = await startSink();
  const port = await freePort();
  const clamdSocket = clamd.unix.name.replace(/^unix:/, '');
  const hop = { port, nextHopPort: sink.port, clamdSocket, nextHopQueue: '' };
  const filter = amavisdFilter({ ...hop, ledger: 'off', header: true }, scanning);
  await filter.start();
  return {
    name,
    examine: async ({ bytes, bareLf }) => {
      if (bareLf) return 'untried';
      // On the wire every message ends with a line end (RFC 5321 §4.1.1.4).
      const ended = bytes.subarray(-2).toString('latin1') === crlf;
      const data = ended ? bytes : Buffer.concat([bytes, Buffer.from(crlf)]);
      const envelope = { from: '<anna@example.net>', to: ['<ben@example.org>'] };
      const [reply = ''] = await submit(port, { ...envelope, data });
      if (reply.includes('INFECTED')) return 'found';
      return reply.startsWith('250') ? 'passed' : 'stopped';
    },
    close: async () => {
      await filter.close();
      await sink.stop();
    },
  };
}
