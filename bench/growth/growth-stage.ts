/** Beside the stage: a daemon with an empty ledger, and one whose ledger has had much mail. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LedgerEntry } from '../../src/store/ledger.ts';
import { writeLedger } from '../../test/support/ledgers.ts';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { randomness } from '../stage/signatures.ts';
import { listenerOf, startDaemon } from '../stage/daemon.ts';
import type { Place, Stage } from '../stage/stage.ts';

export interface GrowthStage {
  readonly empty: Place;
  readonly full: Place;
  close(): Promise<void>;
}

/** Room for a million entries and their indexes, and what is added. */
const ledgerMaxSize = '4G';
/** Of the attempt, in the queue id, and of the digest. */
const entryBytes = 16 + 4 + 32;

export async function startGrowthStage(stage: Stage, entries: number): Promise<GrowthStage> {
  const daemons: PrivateDaemon[] = [];
  const close = async (): Promise<void> => {
    for (const daemon of daemons) await daemon.close();
  };
  const start = async (count: number): Promise<Place> => {
    const port = await freePort();
    const listeners = [listenerOf(port, stage.sinkPort)];
    const options = { listeners, clamd: [`unix:${stage.clamdSocket}`], ledgerMaxSize };
    const daemon = await startDaemon(options, undefined, '', ({ ledgerFile }) => {
      if (count > 0) writeDelivered(ledgerFile, count);
    });
    daemons.push(daemon);
    return { target: { protocol: 'smtp', port }, pids: { clamgate: daemon.pid } };
  };
  try {
    return { empty: await start(0), full: await start(entries), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function writeDelivered(file: string, count: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeLedger(file, delivered(count));
}

/** As many messages that were delivered not long ago. */
function* delivered(count: number): Generator<LedgerEntry> {
  const random = randomness('ledger');
  const now = Date.now();
  for (let number = 0; number < count; number++) {
    const digits = random(entryBytes).toString('hex');
    yield {
      attempt: digits.slice(0, 32),
      queueId: `4X${digits.slice(32, 40)}z${number}`,
      digest: digits.slice(40),
      recipient: `user${number % 1000}@example.org`,
      orcpt: `rfc822;user${number % 1000}@example.org`,
      state: 'delivered',
      nextHop: '127.0.0.1:10025',
      reply: { code: 250, enhanced: '2.0.0', lines: ['Ok: queued as 4Xz0000000z1'] },
      began: now,
      changed: now,
    };
  }
}
