/** An engine between stand-ins, for the tests that need one whole. */
import type { Door, EngineParts } from '../../src/engine/engine.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { Scans } from '../../src/engine/scans.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { Violations } from '../../src/protocol/smtp/data.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import { Quarantine } from '../../src/store/quarantine.ts';
import { Spool } from '../../src/store/spool.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { someHandovers } from '../support/handovers.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { StandInNextHop, StandInScanner } from '../support/stand-ins.ts';

export const door: Door = { listener: 'test', flavour: 'smtp', position: 'after-queue' };

export const noViolations: Violations = {
  bareLf: false,
  bareCr: false,
  lineEnd: false,
  crDot: false,
  tooLarge: false,
};

/** The stand-ins, and what the engine told of. */
export class Parts {
  readonly clock = new FakeClock();
  readonly files = new MemoryFiles();
  readonly scanner = new StandInScanner();
  readonly nextHop: StandInNextHop;
  readonly stopping = new AbortController();
  readonly records: TransactionRecord[] = [];
  readonly quarantine: Quarantine;

  constructor(flavour: 'smtp' | 'lmtp' = 'smtp') {
    const { clock, files } = this;
    this.nextHop = new StandInNextHop(flavour);
    this.quarantine = new Quarantine({ files, directory: '/q', clock, removed: () => undefined });
  }

  engineParts(over: Partial<EngineParts> = {}): EngineParts {
    const { clock, files, scanner, nextHop, quarantine } = this;
    return {
      clock,
      limits: defaultLimits,
      rules: defaultRules,
      banned: [],
      stamp: { enabled: true, text: 'clamgate' },
      line: new WaitingLine({ places: 10, waiting: 10, waitMs: 1000 }, clock),
      hostname: 'filter.example.org',
      scans: new Scans({ scanner, ledger: noLedger, clock }),
      handovers: someHandovers(clock),
      nextHop,
      quarantine,
      openSpool: () => new Spool({ files, directory: '/s', memoryBytes: 1000 }),
      newId: () => `id${this.records.length}`,
      stopping: this.stopping.signal,
      observe: (record) => this.records.push(record),
      ...over,
    };
  }
}
