/**
 * Whether clamgate keeps to its bounds, whatever arrives: the same CPU time for each byte of a small
 * and of a large message, and an event loop that is never held for long. It gives figures and judges
 * nothing.
 */
import { boundKinds, boundMessage } from './bounds-content.ts';
import { type BoundsStage, startBoundsStage } from './bounds-stage.ts';
import type { Options } from '../options.ts';
import { preciseCpuSeconds } from '../stage/process-usage.ts';
import { SmtpLoad } from '../load/smtp-load.ts';
import type { Stage } from '../stage/stage.ts';

/** One size of one kind. */
export interface Cost {
  readonly kind: string;
  readonly bytes: number;
  /** Messages that the figures are of. */
  readonly messages: number;
  /** All threads of the daemon, for a byte of message. */
  readonly cpuNs: number;
  /** The longest the event loop was held, in milliseconds: its thread's CPU time, and by the clock. */
  readonly computingMs: number;
  readonly lateMs: number;
  /** What was found, by kind of finding; empty where all was clean. */
  readonly found: readonly string[];
}

/** The first message that a daemon gets, which makes it load and compile what it takes. */
export type First = Pick<Cost, 'kind' | 'bytes' | 'computingMs' | 'lateMs'>;

export interface BoundsFigures {
  readonly firsts: readonly First[];
  readonly costs: readonly Cost[];
}

const MB = 1_000_000;
const sizes = [0.01, 0.1, 1, 10, 25, 100].map((size) => size * MB);
/** So many bytes are sent of each size, in as many messages as that takes, but few of the small. */
const bytesOfEach = MB;
const messagesMax = 60;
const firstBytes = MB / 10;
/** A message that would take more CPU time is left out: on a busy machine it ends in our own time limit. */
const expectedMsMax = 60_000;

export async function measureBounds(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<BoundsFigures> {
  const firsts: First[] = [];
  for (const kind of options.boundsKinds) {
    const first = await onStage(stage, (bounds) => firstOf(bounds, kind));
    firsts.push(first);
    tell(`${kind}, ${first.bytes} bytes, as the first message: ${holdOf(first)}`);
  }
  const costs = await onStage(stage, async (bounds) => {
    await warmUp(bounds);
    const all: Cost[] = [];
    for (const kind of options.boundsKinds) {
      all.push(...(await costsOf(bounds, kind, options.boundsBytesMax, tell)));
    }
    return all;
  });
  return { firsts, costs };
}

async function onStage<T>(stage: Stage, use: (bounds: BoundsStage) => Promise<T>): Promise<T> {
  const bounds = await startBoundsStage(stage);
  try {
    return await use(bounds);
  } finally {
    await bounds.close();
  }
}

async function firstOf({ port, hold }: BoundsStage, kind: string): Promise<First> {
  await hold();
  await send(port, boundMessage(kind, firstBytes, ++serial));
  const { computing, late } = await hold();
  return { kind, bytes: firstBytes, computingMs: computing, lateMs: late };
}

async function costsOf(
  bounds: BoundsStage,
  kind: string,
  bytesMax: number,
  tell: (what: string) => void,
): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const bytes of sizes.filter((size) => size <= bytesMax)) {
    const expectedMs = ((costs.at(-1)?.cpuNs ?? 0) * bytes) / 1e6;
    if (expectedMs > expectedMsMax) break;
    const cost = await costOf(bounds, kind, bytes);
    costs.push(cost);
    tell(progressOf(cost));
  }
  return costs;
}

let serial = 0;

/** Until Node.js has compiled what each kind needs. */
async function warmUp({ port }: BoundsStage): Promise<void> {
  for (const kind of boundKinds) {
    for (let sent = 0; sent < 8; sent++) await send(port, boundMessage(kind, MB / 10, ++serial));
  }
}

async function costOf(stage: BoundsStage, kind: string, bytes: number): Promise<Cost> {
  const { daemon, port, hold } = stage;
  const count = Math.max(1, Math.min(messagesMax, Math.round(bytesOfEach / bytes)));
  const messages = Array.from({ length: count }, () => boundMessage(kind, bytes, ++serial));
  const size = messages.reduce((sum, { length }) => sum + length, 0);
  await hold();
  const before = preciseCpuSeconds(daemon.pid);
  for (const message of messages) await send(port, message);
  const cpuNs = ((preciseCpuSeconds(daemon.pid) - before) * 1e9) / size;
  const { computing, late } = await hold();
  const [record] = await daemon.transactions();
  const found = [...new Set(record?.findings.map((one) => one.kind) ?? [])];
  return { kind, bytes, messages: count, cpuNs, computingMs: computing, lateMs: late, found };
}

/** A message that is not accepted has its figures, too; what was found tells why. */
async function send(port: number, message: Buffer): Promise<void> {
  const connection = await SmtpLoad.open(port);
  await connection.send(message).catch(() => undefined);
  connection.quit();
}

function progressOf(cost: Cost): string {
  const { kind, bytes, cpuNs, found } = cost;
  return `${kind}, ${bytes} bytes: ${cpuNs.toFixed(0)} ns a byte, ${holdOf(cost)} ${found.join(' ')}`;
}

function holdOf({ computingMs, lateMs }: Pick<Cost, 'computingMs' | 'lateMs'>): string {
  return `held ${computingMs.toFixed(0)} ms (${lateMs.toFixed(0)} ms by the clock)`;
}
