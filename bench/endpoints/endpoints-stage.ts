/**
 * Beside the stage: daemons with one clamd, two, three. Once they are real ones, which share the cores
 * with all else; once stand-ins that only wait, as for clamds on machines of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { askControl } from '../../src/cli/control-client.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { makeWorkdir } from '../../test/support/workdir.ts';
import { startStandIn } from '../stage/stand-in.ts';
import { listenerOf, startDaemon } from '../stage/daemon.ts';
import { type Place, type Stage, startClamd } from '../stage/stage.ts';

export const clamdKinds = ['real', 'elsewhere'] as const;
/** 'elsewhere': it takes time and none of our cores. */
export type ClamdKind = (typeof clamdKinds)[number];

export interface EndpointsStage {
  /** By the kind of the clamds and their number. */
  place(kind: ClamdKind, count: number): Place;
  close(): Promise<void>;
}

interface StageOptions {
  readonly endpoints: readonly number[];
  readonly signatures: number;
  /** What a stream takes elsewhere. */
  readonly takesMs: number;
}

const pollMs = 20;

export async function startEndpointsStage(
  stage: Stage,
  { endpoints, signatures, takesMs }: StageOptions,
): Promise<EndpointsStage> {
  const most = Math.max(...endpoints);
  const closing: (() => Promise<void>)[] = [];
  const more = await Promise.all(
    Array.from({ length: most - 1 }, () => oneMore(signatures, closing)),
  );
  const clamds: Record<ClamdKind, readonly string[]> = {
    real: [stage.clamdSocket, ...more],
    elsewhere: await Promise.all(Array.from({ length: most }, () => standIn(takesMs, closing))),
  };
  const places = new Map<string, Place>();
  for (const kind of clamdKinds) {
    for (const count of endpoints) {
      const port = await freePort();
      const daemon = await startDaemon(
        {
          listeners: [listenerOf(port, stage.sinkPort)],
          clamd: clamds[kind].slice(0, count).map((path) => `unix:${path}`),
        },
        undefined,
      );
      closing.unshift(() => daemon.close());
      await allReady(daemon);
      const { sink, load } = stage.pids;
      const pids = { clamgate: daemon.pid, sink, load };
      places.set(`${kind} ${count}`, { target: { protocol: 'smtp', port }, pids });
    }
  }
  return {
    place: (kind, count) => {
      const place = places.get(`${kind} ${count}`);
      if (!place) throw new Error(`${kind} ${count} is not on the stage`);
      return place;
    },
    close: async () => {
      for (const close of closing) await close();
    },
  };
}

/** @returns the path of its socket. */
async function oneMore(signatures: number, closing: (() => Promise<void>)[]): Promise<string> {
  const workdir = makeWorkdir();
  closing.push(() => workdir.remove());
  const clamd = await startClamd(workdir, signatures);
  closing.unshift(() => clamd.close());
  return clamd.unix.name.replace(/^unix:/, '');
}

async function standIn(takesMs: number, closing: (() => Promise<void>)[]): Promise<string> {
  const clamd = await startStandIn(takesMs);
  closing.unshift(() => clamd.close());
  return clamd.socket;
}

/** Each has shown its canary. */
async function allReady({ control }: PrivateDaemon): Promise<void> {
  for (;;) {
    const { clamd } = (await askControl(control, '/status')) as Status;
    if (clamd.every(({ ok }) => ok)) return;
    await delay(pollMs);
  }
}
