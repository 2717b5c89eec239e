/**
 * A gate of real parts (listener, engine, scan, relay, spool and quarantine on disk) between a fake
 * clamd and a fake next hop, in time that only the test moves.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ListenOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Admission } from '../../src/engine/admission.ts';
import { Engine, type EngineParts } from '../../src/engine/engine.ts';
import { MilterEngine } from '../../src/engine/milter-engine.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { Scans } from '../../src/engine/scans.ts';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { Listener } from '../../src/listener/listener.ts';
import { MilterListener } from '../../src/listener/milter-listener.ts';
import { PolicyListener, type PolicyListenerSettings } from '../../src/listener/policy-listener.ts';
import type { ListenerSurroundings, SocketListener } from '../../src/listener/socket-listener.ts';
import { SmtpNextHop } from '../../src/relay/smtp-next-hop.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import type { MessageScanner } from '../../src/scan/scanner.ts';
import { type Files, nodeFiles } from '../../src/store/files.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import { Quarantine, type QuarantineItem } from '../../src/store/quarantine.ts';
import { prepareSpoolDirectory, Spool } from '../../src/store/spool.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeNextHop } from '../support/fake-next-hop.ts';
import { someHandovers } from '../support/handovers.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { type Patience, until } from '../support/memory-content.ts';
import type { Arrangement } from './arrangement.ts';
import type { Column, SmtpColumn } from './case.ts';

/** As the daemon has it by default. */
const waitingLevel = 100;

export class World {
  readonly arrangement: Arrangement;
  readonly clock = new FakeClock();
  readonly records: TransactionRecord[] = [];
  readonly faults: unknown[] = [];
  /** Where other programs take part. */
  patience: Patience | undefined;
  readonly directory: string;
  readonly clamds: readonly FakeClamd[];
  readonly nextHop: FakeNextHop;
  readonly quarantine: Quarantine;
  /** The door; its settings are those of its protocol. */
  readonly listener: SocketListener & { settings: unknown };
  readonly #files: Files;
  readonly #stopping = new AbortController();
  readonly #line: WaitingLine;
  readonly #sessions: WaitingLine;
  readonly #scan: MessageScan;
  readonly #scans: Scans;
  readonly #relay: SmtpNextHop;

  static async start(arrangement: Arrangement, column: Column): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
    await prepareSpoolDirectory(nodeFiles, join(directory, 'spool'));
    const clamds = await Promise.all(arrangement.clamds.map(() => FakeClamd.start()));
    const nextHop = await FakeNextHop.start(arrangement.nextHop);
    const world = new World(arrangement, column, { directory, clamds, nextHop });
    await world.#arrange();
    if (column === 'policy') await world.#look();
    return world;
  }

  private constructor(
    arrangement: Arrangement,
    column: Column,
    around: Pick<World, 'directory' | 'clamds' | 'nextHop'>,
  ) {
    const { clock } = this;
    const { limits, set } = arrangement;
    this.arrangement = arrangement;
    this.directory = around.directory;
    this.clamds = around.clamds;
    this.nextHop = around.nextHop;
    this.#files = set.has('disk full') ? fullDisk : nodeFiles;
    const files = this.#files;
    const directory = join(this.directory, 'quarantine');
    this.quarantine = new Quarantine({ files, directory, clock, removed: () => undefined });
    this.#line = new WaitingLine(
      {
        places: set.has('line full') ? 0 : limits.transactionsMax,
        waiting: limits.transactionsWaitingMax,
        waitMs: limits.transactionWaitMs,
      },
      clock,
    );
    const sessions = { places: limits.sessionsMax, waiting: limits.sessionsWaitingMax };
    this.#sessions = new WaitingLine({ ...sessions, waitMs: 240_000 }, clock);
    this.#scan = new MessageScan({
      endpoints: this.clamds.map(({ address }) => address),
      clock,
      limits,
      clamd: arrangement.clamd,
      banned: arrangement.banned,
    });
    const scanner = set.has('scanner bug') ? buggyScanner : this.#scan;
    this.#scans = new Scans({ scanner, ledger: noLedger, clock });
    this.#relay = new SmtpNextHop({
      address: this.nextHop.address,
      clock,
      limits: { ...limits, idleMs: 5000, idleConnectionsMax: 2 },
    });
    this.listener = this.#newListener(column, {
      clock,
      sessions: this.#sessions,
      stopping: this.#stopping.signal,
      onFault: (error) => this.faults.push(error),
    });
  }

  /** Whether clamd, the next hop or the line will not move before time has passed. */
  get stuck(): boolean {
    const { nextHop } = this.arrangement;
    const stalls = nextHop.failures.some(
      ({ failure }) => failure === 'stall' || failure === 'choke',
    );
    return (
      this.#line.waiting > 0 ||
      this.#scan.load.waiting > 0 ||
      this.clamds.some(({ held }) => held > 0) ||
      (this.#hangs && this.#atClamd > 0) ||
      (stalls && this.nextHop.failed > 0)
    );
  }

  /** A clamd that reads nothing does not see that its client has gone. */
  get #hangs(): boolean {
    return this.arrangement.clamds.some(
      (conduct) => conduct !== 'refuse' && conduct.step === 'hang',
    );
  }

  get #atClamd(): number {
    return this.clamds.reduce((sum, { open }) => sum + open, 0);
  }

  /** Waits for `condition`; time passes while the gate is stuck. */
  async until(condition: () => boolean, what: string): Promise<void> {
    await until(
      () => {
        if (!condition() && this.stuck) this.clock.advance(500);
        return condition();
      },
      what,
      this.patience,
    );
  }

  open(listen: ListenOptions): Promise<void> {
    return this.listener.open(listen);
  }

  /** SIGTERM. */
  stop(): void {
    this.#stopping.abort(new Cancelled('shutdown'));
  }

  async quarantined(): Promise<QuarantineItem[]> {
    return this.quarantine.list();
  }

  /** Once all clients have gone, nothing may be left of their messages. */
  async expectNothingHeld(): Promise<void> {
    await this.until(() => this.listener.sessions === 0, 'all sockets are closed');
    await this.until(() => this.#sessions.inside === 0, 'all sessions have left');
    await this.until(() => this.#line.inside === 0, 'all transactions have ended');
    expect([this.#line.waiting, this.#sessions.waiting]).toEqual([0, 0]);
    this.#relay.close();
    await this.until(() => this.nextHop.open === 0, 'all connections to the next hop have ended');
    // A scan whose peer has gone goes on to its end, part by part.
    await this.until(() => {
      for (const clamd of this.clamds) clamd.release();
      return this.#scans.running === 0 && this.#scan.load.inflight === 0;
    }, 'all scans have ended');
    // Mail that waited has a clamd looked at soon, also when that mail is gone.
    this.#scan.close();
    await this.until(() => this.clock.pending === 0, 'all timers have ended');
    if (!this.#hangs) await this.until(() => this.#atClamd === 0, 'clamd is left alone');
    expect(this.#scan.load).toEqual({ inflight: 0, waiting: 0 });
    await this.until(() => this.#openFiles().length === 0, 'all descriptors are closed');
    expect(readdirSync(join(this.directory, 'spool'))).toEqual([]);
    expect(this.faults).toEqual([]);
  }

  async close(): Promise<void> {
    this.listener.destroy();
    await Promise.all([this.listener.close(), this.nextHop.stop()]);
    const { clamds } = this.arrangement;
    const listening = this.clamds.filter((_, at) => clamds[at] !== 'refuse');
    await Promise.all(listening.map((clamd) => clamd.stop()));
    await rm(this.directory, { recursive: true });
  }

  async #arrange(): Promise<void> {
    const { clamds, nextHop } = this.arrangement;
    await this.#look();
    for (const [at, clamd] of this.clamds.entries()) {
      const conduct = clamds[at];
      if (conduct === 'refuse') await clamd.stop();
      else if (conduct) clamd.usual = conduct;
    }
    for (const { step, failure, nth } of nextHop.failures) {
      this.nextHop.at(step, failure, nth === undefined ? {} : { skip: nth - 1, times: 1 });
    }
    if (nextHop.refuses) await this.nextHop.stop();
  }

  /** As the watch does every few seconds. */
  async #look(): Promise<void> {
    let looked = false;
    const look = this.#scan.look().then(() => (looked = true));
    await until(() => {
      if (!looked && this.#hangs) this.clock.advance(500);
      return looked;
    }, 'the clamds have been looked at');
    await look;
  }

  #newListener(
    column: Column,
    surroundings: ListenerSurroundings,
  ): SocketListener & { settings: unknown } {
    const { limits, bareCr, set } = this.arrangement;
    switch (column) {
      case 'milter':
        return new MilterListener({ engine: this.#milterEngine() }, surroundings);
      case 'policy':
        return new PolicyListener(this.#admission(), surroundings);
      case 'smtp':
      case 'lmtp':
      case 'before-queue':
        return new Listener(
          {
            hostname: 'filter.example.org',
            bareCr,
            limits,
            mayXforward: () => !set.has('stranger'),
            engine: this.#engine(column),
          },
          surroundings,
        );
    }
  }

  #engine(column: SmtpColumn): Engine {
    return new Engine(
      {
        listener: 'conformance',
        flavour: column === 'lmtp' ? 'lmtp' : 'smtp',
        position: column === 'before-queue' ? 'before-queue' : 'after-queue',
      },
      this.#parts(),
    );
  }

  #milterEngine(): MilterEngine {
    const holds = this.arrangement.set.has('hold');
    return new MilterEngine({ listener: 'conformance', holds }, this.#parts());
  }

  /** As the daemon puts it together (daemon/assemble). */
  #admission(): PolicyListenerSettings {
    const { set, limits } = this.arrangement;
    const admission = new Admission(limits.messageBytesMax, {
      canStore: () => !set.has('disk full'),
      canScan: () => this.#scan.status.some(({ state }) => /^(ready|busy)$/.test(state)),
      waiting: () => (set.has('line full') ? waitingLevel : this.#line.waiting),
      waitingLevel,
    });
    return { obstacle: () => admission.obstacle(), messageBytesMax: admission.messageBytesMax };
  }

  #parts(): EngineParts {
    const { limits, rules, banned, set } = this.arrangement;
    const spool = {
      files: this.#files,
      directory: join(this.directory, 'spool'),
      memoryBytes: limits.spoolMemoryBytes,
    };
    const ledger = new MemoryLedger((finish) => {
      queueMicrotask(finish);
    });
    return {
      clock: this.clock,
      limits,
      rules,
      banned,
      stamp: { enabled: !set.has('header off'), text: 'clamgate' },
      line: this.#line,
      hostname: 'filter.example.org',
      scans: this.#scans,
      handovers: someHandovers(this.clock, { ledger: set.has('ledger') ? ledger : noLedger }),
      nextHop: this.#relay,
      quarantine: this.quarantine,
      openSpool: () => new Spool(spool),
      newId: () => `id${this.records.length}`,
      stopping: this.#stopping.signal,
      observe: (record) => this.records.push(record),
    };
  }

  /** Descriptors of this process in our directory, unlinked files included. */
  #openFiles(): string[] {
    const targets = readdirSync('/proc/self/fd').map(targetOf);
    return targets.filter((target) => target.startsWith(this.directory));
  }
}

/** '' for a descriptor that has been closed meanwhile. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}

const buggyScanner: MessageScanner = {
  scan: () => Promise.reject(new TypeError('a bug of ours')),
};

/** Files can be made, and no byte fits into them. */
const fullDisk: Files = {
  ...nodeFiles,
  create: async (path) => {
    const file = await nodeFiles.create(path);
    return {
      append: () => Promise.reject(new OperationalError('STORE', 'ENOSPC')),
      readAt: (target, position) => file.readAt(target, position),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
};
