/**
 * A filter with everything around it: Postfix A, whose content_filter it is, Postfix B, to which it
 * hands mail back, the sink behind B, and a clamd.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/ports.ts';
import type { PrivateClamd } from '../support/private-clamd.ts';
import type { PrivatePostfix } from '../support/private-postfix.ts';
import type { SinkMessage } from '../support/sink.ts';
import { type Clamds, type ClamdSettings, socketOf, startClamds } from './clamds.ts';
import { type Disk, mountDisk } from './disk.ts';
import type { Filter, FilterName } from './filter.ts';
import { prepareFilter } from './filters.ts';
import { messageIds, queueIdsOf } from './message.ts';
import type { LedgerSetting } from './options.ts';
import { queuedIn } from './postfix-faults.ts';
import { type Pair, type PairSettings, startPair } from './postfix-pair.ts';
import type { Arrival, Fates } from './tally.ts';

export interface StageSettings extends PairSettings {
  /** Whether the filter adds a header of its own; it does unless told otherwise. */
  readonly header?: boolean;
  /** What is special about each clamd; one, with nothing special, unless told otherwise. */
  readonly clamds?: readonly ClamdSettings[];
  /** How long the filter may take for a message, where not as by default. */
  readonly deadline?: string;
  /** How much of a message the filter keeps in memory, where not as by default. */
  readonly spoolMemory?: string;
  /** The size of a disk for all that the filter writes, as mount(8) has it. */
  readonly disk?: string;
}

/** Nothing in a queue and nothing new for so long: all is over. */
const quietMs = 3000;
const lookMs = 250;

export class Stage {
  readonly a: PrivatePostfix;
  readonly b: PrivatePostfix;
  /** The first of them, and for most scenarios the only one. */
  readonly clamd: PrivateClamd;
  readonly clamds: readonly PrivateClamd[];
  readonly filter: Filter;
  readonly disk: Disk | undefined;
  readonly #gate: Pair['gate'];

  private constructor(pair: Pair, clamds: Clamds, filter: Filter, disk: Disk | undefined) {
    this.a = pair.a;
    this.b = pair.b;
    this.#gate = pair.gate;
    [this.clamd] = clamds;
    this.clamds = clamds;
    this.filter = filter;
    this.disk = disk;
  }

  /** Resolves when mail can be sent. @param closing gets what is to be closed, also when it rejects. */
  static async start(
    what: { filter: FilterName; settings: StageSettings; ledger: LedgerSetting; workers: number },
    closing: (() => Promise<void>)[],
  ): Promise<Stage> {
    const { settings } = what;
    const ledger = what.filter === 'clamgate' ? what.ledger : 'off';
    const clamds = await startClamds(settings.clamds, closing);
    const [clamdSocket, ...moreClamdSockets] = clamds.map(socketOf) as [string, ...string[]];
    const disk = settings.disk === undefined ? undefined : await mountDisk(settings.disk);
    if (disk) closing.unshift(() => disk.close());
    const port = await freePort();
    const pair = await startPair(settings, port, ledger === 'commit');
    closing.unshift(() => pair.b.stop());
    if (pair.a !== pair.b) closing.unshift(() => pair.a.stop());
    const filter = await prepareFilter(what.filter, {
      port,
      nextHopPort: pair.b.reinjectPort,
      clamdSocket,
      moreClamdSockets,
      frontQueue: pair.a.queueDirectory,
      nextHopQueue: pair.b.queueDirectory,
      ...(disk && { stateDirectory: disk.path }),
      ...(settings.door !== undefined && { door: settings.door }),
      ...(settings.spoolMemory !== undefined && { spoolMemory: settings.spoolMemory }),
      ...(settings.deadline !== undefined && { deadline: settings.deadline }),
      ledger,
      workers: what.workers,
      header: settings.header ?? true,
    });
    closing.unshift(() => filter.close());
    await filter.start();
    return new Stage(pair, clamds, filter, disk);
  }

  /** While it is closed, what is delivered waits in B. */
  set sinkOpen(open: boolean) {
    this.#gate.open = open;
  }

  /** Resolves when both queues are empty and stay so, or after `seconds`. */
  async settled(seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000;
    let last = { arrived: -1, since: performance.now() };
    while (performance.now() < end) {
      const arrived = this.b.sink.messages.length;
      const busy = this.queued().length > 0 || arrived !== last.arrived;
      if (busy) last = { arrived, since: performance.now() };
      else if (performance.now() - last.since > quietMs) return;
      await delay(lookMs);
    }
  }

  async fates(): Promise<Fates> {
    const ended = [...new Set([this.a, this.b])].flatMap(({ sink }) => sink.messages);
    const isBounce = ({ from }: SinkMessage): boolean => from.startsWith('<>');
    return {
      arrivals: ended.filter((message) => !isBounce(message)).flatMap(arrivalsOf),
      kept: await this.filter.kept(),
      inDoubt: this.filter.inDoubt(),
      bounced: ended.filter(isBounce).flatMap(({ data }) => messageIds(data)),
      queued: this.queued(),
    };
  }

  /** How often A has put a message off. */
  async deferrals(): Promise<number> {
    return (await this.a.logLines()).filter((line) => line.includes('status=deferred')).length;
  }

  /** Resolves to the directory where the logs now are, below .run, for whoever wants to know why. */
  async saveLogs(scenario: string): Promise<string> {
    const directory = join('.run/chaos', scenario.replace(/\W+/g, '-'));
    mkdirSync(directory, { recursive: true });
    for (const name of ['a', 'b'] as const) {
      writeFileSync(
        join(directory, `postfix-${name}.log`),
        (await this[name].logLines()).join('\n'),
      );
    }
    copyFileSync(this.filter.log, join(directory, 'filter.log'));
    return directory;
  }

  /** The Message-IDs of what is in a queue. */
  queued(): readonly string[] {
    return [this.a, this.b].flatMap((postfix) => [...queuedIn(postfix).values()]);
  }
}

function arrivalsOf({ to, data, at }: SinkMessage): Arrival[] {
  const [id = ''] = messageIds(data);
  const [queueId = '', ...before] = queueIdsOf(data);
  const recipients = to.map((path) => /<([^>]*)>/.exec(path)?.[1] ?? '');
  return recipients.map((recipient) => ({ id, queueId, before, recipient, at }));
}
