/**
 * The daemon under mixed mail for a long time, with reloads of its configuration and of clamd's
 * signatures in between: what it uses in the end, against what it used after its first minutes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Stage } from '../../bench/stage/stage.ts';
import { Random } from '../chaos/random.ts';
import { askClamd } from './clamd.ts';
import { growthOf, type Row } from './growth.ts';
import { runLane } from './lane.ts';
import { type MailKind, Mix } from './mix.ts';
import { type Usage, usageOf } from './watch.ts';

export interface EndureOptions {
  readonly seed: number;
  readonly seconds: number;
  /** When it has warmed up. */
  readonly settledSeconds: number;
  readonly messagesPerSecond: number;
  readonly tell: (what: string) => void;
}

export interface Endured {
  readonly sent: ReadonlyMap<MailKind, number>;
  /** Why mail was refused, and how often. */
  readonly refused: ReadonlyMap<string, number>;
  readonly rows: readonly Row[];
  /** When the load was over, and all that was under way. */
  readonly afterwards: Usage;
  /** The daemon's exit status when it was told to stop. */
  readonly exit: number | null;
}

const lanes = 6;
/** Fewer signatures than a real database, so that a reload takes no second. */
const signatures = 20_000;
const looks = 240;
const reloads = 24;
/** What is under way when the last mail has its reply: what the ledger and the pool do by themselves. */
const settleMs = 5000;

export async function endure(options: EndureOptions): Promise<Endured> {
  const { seed, seconds, settledSeconds, messagesPerSecond, tell } = options;
  const stage = await Stage.start({ signatures }, tell);
  try {
    const mix = new Mix(new Random(seed));
    const sent = new Map<MailKind, number>();
    const refused = new Map<string, number>();
    const begun = performance.now();
    const passed = (): number => (performance.now() - begun) / 1000;
    const isOver = (): boolean => passed() >= seconds;
    const seen: Usage[] = [];
    const load = Array.from({ length: lanes }, () =>
      runLane({
        port: stage.clamgatePort,
        mix,
        everyMs: (lanes * 1000) / messagesPerSecond,
        isOver,
        sent: (kind, refusal) => {
          count(sent, kind);
          if (refusal !== undefined) count(refused, `${kind}: ${refusal}`);
        },
      }),
    );
    const watching = every(seconds / looks, isOver, async () => {
      const usage = await usageOf(stage.daemon, passed());
      seen.push(usage);
      if (seen.length % 12 === 0) tell(inWords(usage, sent));
    });
    const reloading = every(seconds / reloads, isOver, async () => {
      stage.daemon.signal('SIGHUP');
      await askClamd(stage.clamdSocket, 'RELOAD');
    });
    await Promise.all([...load, watching, reloading]);
    await delay(settleMs);
    const afterwards = await usageOf(stage.daemon, passed());
    const rows = growthOf(seen, settledSeconds);
    return { sent, refused, rows, afterwards, exit: await stage.daemon.stop() };
  } finally {
    await stage.close();
  }
}

async function every(
  seconds: number,
  isOver: () => boolean,
  act: () => Promise<void>,
): Promise<void> {
  while (!isOver()) {
    await delay(seconds * 1000);
    await act();
  }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function inWords(usage: Usage, sent: ReadonlyMap<MailKind, number>): string {
  const mails = [...sent.values()].reduce((sum, some) => sum + some, 0);
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  return (
    `${(usage.seconds / 60).toFixed(1)} min, ${mails} mails, ${mib(usage.residentBytes)} MiB resident, ` +
    `${mib(usage.heapBytes)} MiB heap, ${usage.descriptors} descriptors, ${usage.spooled} spooled`
  );
}

/** What is wrong; nothing when all is well. */
export function problemsOf({ sent, refused, rows, afterwards, exit }: Endured): readonly string[] {
  return [
    ...(sent.size === 0 ? ['nothing was sent'] : []),
    ...[...refused].map(([why, times]) => `refused ${times} times: ${why}`),
    ...rows
      .filter(({ late, bound }) => late > bound)
      .map(({ what, early, late }) => `${what} grew from ${early} to ${late}`),
    ...(afterwards.spooled > 0 ? [`${afterwards.spooled} files are left in the spool`] : []),
    ...(afterwards.atWork > 0 ? [`${afterwards.atWork} messages are left at work`] : []),
    ...(exit === 0 ? [] : [`it ended with ${String(exit)}`]),
  ];
}
