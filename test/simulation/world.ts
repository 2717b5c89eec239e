/** A run: one world from the first message to the last event, under one sequence of decisions. */
import type { Ledger } from '../../src/store/ledger.ts';
import { SeededChoices } from './choices.ts';
import { SimulatedDaemon } from './daemon.ts';
import { Disk } from './disk.ts';
import { Downstream } from './downstream.ts';
import { type Broken, Invariants } from './invariants.ts';
import { Knowledge, Told } from './knowledge.ts';
import { LedgerDisk } from './ledger.ts';
import { type Mutation, unbroken } from './mutation.ts';
import { Network } from './network.ts';
import { operate } from './operator.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import { type Event, Timeline } from './timeline.ts';
import { Trace } from './trace.ts';
import { Upstream } from './upstream.ts';
import { Witness } from './witness.ts';

export interface RunOptions {
  readonly mutation?: Mutation;
  /** Records every event; slower. */
  readonly recording?: boolean;
}

export interface Result {
  readonly broken: readonly Broken[];
  readonly steps: number;
  readonly trace: Trace;
  /** How often a transaction ended in each way, and what an operator was told. */
  readonly seen: ReadonlyMap<string, number>;
}

/** Faults end after this many events too, or a run with many would never be over. */
const stormyStepsMax = 3000;
/** A run that is not over by then never will be. */
const stepsMax = 40_000;

/** The world of this seed. */
export function runSeed(seed: number, options: RunOptions = {}): Promise<Result> {
  const choices = new SeededChoices(seed);
  return run(drawScenario(choices, options.mutation?.prone ?? []), options);
}

export async function run(scenario: Scenario, options: RunOptions): Promise<Result> {
  const { weather } = scenario;
  const timeline = new Timeline();
  const trace = new Trace(timeline, options.recording ?? false);
  const network = new Network(timeline, weather);
  const disk = new Disk(timeline, weather);
  const ledgerDisk = new LedgerDisk(timeline, weather);
  const invariants = new Invariants();
  const told = new Told(trace);
  const downstream: Downstream = new Downstream(
    { flavour: scenario.nextHopFlavour, asks: scenario.asks },
    { network, trace, ask: (question) => daemon.asked(question) },
  );
  const witness = new Witness(timeline, weather, (queueId) => downstream.fileOf(queueId));
  const daemon = new SimulatedDaemon(
    {
      flavour: scenario.upstream.flavour,
      nextHopFlavour: scenario.nextHopFlavour,
      infected: scenario.infected,
      mutation: options.mutation ?? unbroken,
      once: scenario.once,
    },
    {
      network,
      disk,
      ledgerDisk,
      witness,
      trace,
      connectNextHop: (end) => downstream.accept(end),
      watchRelay: (end) => {
        invariants.watchRelay(end);
      },
      ...told.ears,
      onFault: (error) => {
        invariants.breaks('impossible', error instanceof Error ? String(error.stack) : 'fault');
      },
    },
  );
  const upstream = new Upstream(scenario.mails, scenario.upstream, {
    network,
    accept: (end) => daemon.accept(end),
    promises: invariants,
    trace,
  });
  const knowledge = new Knowledge({ ...scenario, ledgerDisk, witness, told });
  invariants.observe({
    network,
    disk,
    ledgerDisk,
    upstream,
    downstream,
    infected: scenario.infected,
    mayRepeat: (mail, recipient) => knowledge.mayRepeat(mail, recipient),
    isSettled: (mail, recipient) => knowledge.isSettled(mail, recipient),
    isTaken: (mail, recipient) => knowledge.isTaken(mail, recipient),
    comeApart: (mail) => knowledge.comeApart(mail),
  });
  daemon.start();
  upstream.start();
  if (scenario.once.inDoubt === 'hold') {
    const ledger = (): Ledger | undefined => daemon.running?.once.ledger;
    const done = (): boolean => upstream.done;
    void operate({ timeline, downstream, mails: scenario.mails, ledger, done });
  }

  const before = (event: Event): void => {
    weather.calm ||= timeline.elapsed > scenario.calmAfterMs || timeline.steps > stormyStepsMax;
    if (daemon.running && weather.happens(isNamedPoint(event) ? namedCrash : 'crash')) {
      daemon.crash(weather.happens('power loss'));
    }
    trace.note('event', () => event.what);
  };
  while (timeline.steps < stepsMax && (await timeline.step(before)));
  if (timeline.pending.length > 0) invariants.breaks('lost', 'the run does not come to its end');
  await invariants.atTheEnd(daemon.running);
  return { broken: invariants.broken, steps: timeline.steps, trace, seen: told.counts };
}

const namedCrash = 'crash at a named point';

/** Around every durable write, every question and every answer of the next hop. */
function isNamedPoint({ what }: Event): boolean {
  return /^(?:disk|ledger|witness|question|answer|commit|net relay\S* from server)/.test(what);
}
