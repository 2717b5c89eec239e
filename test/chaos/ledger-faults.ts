/** How a ledger is spoiled, and how an administrator mends it as its error message says. */
import { chmod, cp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import type { Filter, LedgerOfFilter } from './filter.ts';

type Act = (filter: Filter, ledger: LedgerOfFilter) => Promise<void>;

export interface LedgerFault {
  readonly name: string;
  /** Resolves when the filter works with the spoiled ledger. */
  readonly spoil: Act;
  /** Resolves when the filter works again. */
  readonly mend: Act;
  /** Whether it may go on for a while before it finds out. */
  readonly late?: true;
}

const MiB = 1024 * 1024;
const day = 86_400_000;

export const ledgerFaults: readonly LedgerFault[] = [
  {
    name: 'full',
    late: true,
    spoil: async (filter, ledger) => {
      await filter.kill();
      await fill(ledger.file);
      ledger.limit('1M');
      await filter.start();
    },
    mend: async (filter, ledger) => {
      ledger.limit(undefined);
      await restart(filter);
    },
  },
  {
    name: 'read-only',
    spoil: (filter, { file }) => whileAway(filter, () => chmod(file, 0o400)),
    mend: (filter, { file }) => whileAway(filter, () => chmod(file, 0o600)),
  },
  {
    name: 'missing',
    spoil: (filter, { file }) => whileAway(filter, () => rename(file, `${file}.away`)),
    mend: (filter, { file }) => whileAway(filter, () => rename(`${file}.away`, file)),
  },
  {
    name: 'corrupt',
    spoil: (filter, { file }) =>
      whileAway(filter, async () => {
        await keepCopy(file);
        await corrupt(file);
      }),
    mend: restore,
  },
  {
    name: 'deleted while in use',
    spoil: async (_, { file }) => {
      for (const path of [file, `${file}-wal`, `${file}-shm`]) await rm(path);
    },
    mend: (filter, { file }) =>
      whileAway(filter, async () => {
        for (const path of ['marker', 'open', 'journal']) await rm(`${file}.${path}`);
      }),
  },
  {
    name: 'corrupted while in use',
    late: true,
    spoil: async (_, { file }) => {
      await keepCopy(file);
      await corrupt(file);
    },
    mend: restore,
  },
];

async function restart(filter: Filter): Promise<void> {
  await filter.kill();
  await filter.start();
}

async function whileAway(filter: Filter, act: () => Promise<void>): Promise<void> {
  await filter.kill();
  await act();
  await filter.start();
}

/** Leaves room for less than a hundred entries. */
async function fill(file: string): Promise<void> {
  const ledger = await SqliteLedger.open({
    ...{ file, clock: systemClock, bytesMax: MiB, retentionMs: 7 * day, commitMsMax: 15_000 },
    warn: () => undefined,
  });
  const now = Date.now();
  const entry = { queueId: 'full', digest: 'd'.repeat(64), orcpt: '', state: 'aborted' } as const;
  const more = { ...entry, recipient: 'ben@sink.test', nextHop: 'none', began: now, changed: now };
  try {
    for (let batch = 0; ; batch++) {
      const entries = Array.from({ length: 100 }, (_, at) => ({
        ...more,
        attempt: `${batch}.${at}`,
      }));
      await ledger.commit([{ kind: 'begin', entries }]);
    }
  } catch {
    await ledger.close();
  }
}

async function keepCopy(file: string): Promise<void> {
  await cp(dirname(file), `${dirname(file)}.copy`, { recursive: true });
}

async function restore(filter: Filter, { file }: LedgerOfFilter): Promise<void> {
  await whileAway(filter, async () => {
    await rm(dirname(file), { recursive: true });
    await rename(`${dirname(file)}.copy`, dirname(file));
  });
}

/** All but the first page; nothing is left of it in the -wal file either. */
async function corrupt(file: string): Promise<void> {
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(0x5a, 4096), { flag: 'r+' });
  await truncate(`${file}-wal`, 0);
}
