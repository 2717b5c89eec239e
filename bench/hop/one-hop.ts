/**
 * The part 'one-hop': the same load to smtp-sink alone, to clamd alone, and through filters with both;
 * measured in turn, again and again.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Kind, kindBytes, makerOf } from '../load/content.ts';
import { SmtpLoad } from '../load/smtp-load.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { type Comparison, comparisonsOf } from '../report/comparisons.ts';
import { type Cell, type Figures, figuresOf, type Measurement } from '../report/figures.ts';
import { measure } from '../stage/measure.ts';
import { type Peer, type SmtpPeerName, startSmtpPeer } from '../stage/peers.ts';
import type { Place, Stage } from '../stage/stage.ts';
import { stopsEicar } from '../stage/stops-eicar.ts';
import { hopCells, hopPairs, type HopVariant, hopVariants, isForFloor } from './hop-plan.ts';

export interface HopFigures {
  readonly options: Pick<
    Options,
    'repeats' | 'seconds' | 'signatures' | 'standIn' | 'steadySeconds'
  >;
  readonly figures: readonly Figures[];
  readonly comparisons: readonly Comparison[];
}

const peerNames: readonly SmtpPeerName[] = ['clamsmtp', 'amavisd-new'];
/** Of each kind so much is compared with what clamgate had scanned of it, but at least one message. */
const checkedBytes = 4 * 1024 * 1024;
const checkedMax = 16;

type Places = ReadonlyMap<HopVariant, Place>;

export async function measureHop(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<HopFigures> {
  const peers = options.standIn ? new Map<SmtpPeerName, Peer>() : await startPeers(stage, tell);
  try {
    const places = placesOf(stage, peers);
    for (const kind of options.kinds) {
      await checkStreams(stage, kind);
      tell(`warming up: ${kind}`);
      await warmUp(stage, kind, options);
    }
    const { repeats, seconds, signatures, standIn, steadySeconds } = options;
    const there = hopVariants.filter((variant) => places.has(variant));
    const cells = hopCells(options, there);
    const measurements = await measureAll(stage, places, { cells, options, tell });
    return {
      options: { repeats, seconds, signatures, standIn, steadySeconds },
      figures: cells.map((cell) => figuresOf(cell, measurements)),
      comparisons: comparisonsOf(cells, hopPairs, measurements),
    };
  } finally {
    for (const peer of peers.values()) await peer.close();
  }
}

async function startPeers(
  { sinkPort, clamdSocket }: Stage,
  tell: (what: string) => void,
): Promise<ReadonlyMap<SmtpPeerName, Peer>> {
  const peers = new Map<SmtpPeerName, Peer>();
  for (const name of peerNames) {
    const peer = await startSmtpPeer(name, sinkPort, clamdSocket);
    if (peer) peers.set(name, peer);
    else tell(`${name} is not here, and is left out (PEERS=1, as root)`);
    if (peer) await stopsEicar(name, peer.port);
  }
  return peers;
}

function placesOf(stage: Stage, peers: ReadonlyMap<SmtpPeerName, Peer>): Places {
  const { clamd, sink, load } = stage.pids;
  const ofPeers = [...peers].map(([name, { port, pid }]): [HopVariant, Place] => [
    name,
    { target: { protocol: 'smtp', port }, pids: { filter: pid, clamd, sink, load } },
  ]);
  return new Map<HopVariant, Place>([
    ...(Object.entries(stage.places) as [HopVariant, Place][]),
    ...ofPeers,
  ]);
}

async function measureAll(
  stage: Stage,
  places: Places,
  work: {
    readonly cells: readonly Cell[];
    readonly options: Options;
    readonly tell: (what: string) => void;
  },
): Promise<Measurement[]> {
  const { cells, options, tell } = work;
  const progress = new Progress(cells.length * options.repeats, tell);
  const measurements: Measurement[] = [];
  for (let repeat = 1; repeat <= options.repeats; repeat++) {
    for (const cell of cells) {
      const place = places.get(cell.variant as HopVariant);
      assert(place, cell.variant);
      const measurement = await measure(stage, place, cell, { ...options, repeat });
      measurements.push(measurement);
      progress.done(measurementText(measurement));
    }
  }
  return measurements;
}

export function measurementText({ kind, variant, sessions, ...done }: Measurement): string {
  const rate = (done.messages / done.seconds).toFixed(done.messages < 100 ? 1 : 0);
  return `${kind}, ${sessions} at once, ${variant}: ${rate} messages/s`;
}

/**
 * A daemon is measured as it is after its first tens of thousands of messages: until then Node.js
 * compiles what runs often, and a message costs up to twice as much.
 */
async function warmUp(stage: Stage, kind: Kind, options: Options): Promise<void> {
  const { steadySeconds: seconds } = options;
  const ports = [stage.clamgatePort, ...(isForFloor(kind) ? [stage.floorPort] : [])];
  const perConnection = Math.max(...options.perConnection);
  for (const port of ports) {
    const target = { protocol: 'smtp', port } as const;
    await stage.load({ target, kind, sessions: 8, seconds, perConnection });
  }
}

/** That clamd alone gets what it gets from clamgate is not believed but looked up. */
async function checkStreams({ clamgatePort, daemon }: Stage, kind: Kind): Promise<void> {
  const make = makerOf(kind);
  const count = Math.min(checkedMax, Math.ceil(checkedBytes / kindBytes[kind]));
  for (let serial = 0; serial < count; serial++) {
    const { message, parts } = make(serial);
    const connection = await SmtpLoad.open(clamgatePort);
    await connection.send(message);
    connection.quit();
    const [record] = await daemon.transactions();
    const scanned = record?.streams.map(({ digest }) => digest);
    assert.deepEqual(scanned, [message, ...parts].map(digestOf), `the streams of ${kind}`);
    // What is held back has its 250, too.
    assert.deepEqual(record?.findings, [], `the findings of ${kind}`);
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
