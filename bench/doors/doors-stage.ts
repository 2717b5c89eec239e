/**
 * One Postfix with a port for each way through it: without a filter, with clamgate at each of its
 * doors, and with its peers where they are installed. What comes through is thrown away.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/ports.ts';
import { type PrivatePostfix, startPostfix } from '../../test/support/private-postfix.ts';
import { makeWorkdir, type Workdir } from '../../test/support/workdir.ts';
import { startClamavMilter, startRspamd } from './milter-peers.ts';
import { type Peer, startSmtpPeer } from '../stage/peers.ts';
import { startDaemon } from '../stage/daemon.ts';
import type { Place, Stage } from '../stage/stage.ts';
import { stopsEicar } from '../stage/stops-eicar.ts';

export const ways = [
  'no filter',
  /** What any filter after the queue has to pay: Postfix hands the message to itself. */
  'no filter, twice',
  'clamgate, Milter',
  'clamav-milter',
  'rspamd',
  'clamgate, before the queue',
  'amavisd-new, before the queue',
  'clamgate, after the queue',
] as const;
export type Way = (typeof ways)[number];

export interface DoorsStage {
  /** Of those that are there. A message is through when it has left the queue. */
  readonly places: ReadonlyMap<Way, Place>;
  /** Of clamgate, which has one daemon for all its doors. */
  readonly clamgatePid: number;
  readonly policySocket: string;
  close(): Promise<void>;
}

/** A way, what Postfix is told to go it, and the peer that stands there. */
interface Door {
  readonly way: Way;
  readonly options: readonly string[];
  readonly peer?: Peer;
}

const processes = 100;
const drainedWithinSeconds = 120;

export async function startDoorsStage(stage: Stage): Promise<DoorsStage> {
  const workdir = makeWorkdir();
  const closing: (() => Promise<void>)[] = [() => workdir.remove()];
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0)) await one();
  };
  try {
    return await start(stage, workdir, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  stage: Stage,
  workdir: Workdir,
  closing: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<DoorsStage> {
  const [reinjectPort, after, before, milter] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const nextHop = `127.0.0.1:${reinjectPort}`;
  const policySocket = join(workdir.path, 'policy.sock');
  const daemon = await startDaemon(
    {
      listeners: [
        { protocol: 'smtp', address: `127.0.0.1:${after}`, nextHop },
        { protocol: 'smtp', position: 'before-queue', address: `127.0.0.1:${before}`, nextHop },
        { protocol: 'milter', address: `127.0.0.1:${milter}` },
        { protocol: 'policy', address: `unix:${policySocket}` },
      ],
      clamd: [`unix:${stage.clamdSocket}`],
    },
    undefined,
  );
  closing.unshift(() => daemon.close());
  const peers = await peerDoors(stage, { workdir, nextHopPort: reinjectPort, closing });
  const doors: readonly Door[] = [
    { way: 'no filter', options: [] },
    {
      way: 'no filter, twice',
      options: [`content_filter=scan:[127.0.0.1]:${reinjectPort}`],
    },
    { way: 'clamgate, Milter', options: [`smtpd_milters=inet:127.0.0.1:${milter}`] },
    { way: 'clamgate, before the queue', options: [`smtpd_proxy_filter=127.0.0.1:${before}`] },
    {
      way: 'clamgate, after the queue',
      options: [`content_filter=scan:[127.0.0.1]:${after}`],
    },
    ...peers,
  ];
  const ports = new Map<Way, number>();
  for (const { way } of doors) ports.set(way, await freePort());
  const postfix = await startPostfix({
    reinjectPort,
    processes,
    mainCf: ['default_transport = discard:', 'milter_default_action = tempfail'],
    masterCf: [...entries(doors, ports), scanTransport()],
  });
  closing.unshift(() => postfix.stop());
  const places = placesOf(stage, { doors, ports, postfix, clamgatePid: daemon.pid });
  for (const [way, port] of ports) {
    // Behind the queue nobody is told.
    if (way.startsWith('no filter') || way === 'clamgate, after the queue') continue;
    await stopsEicar(way, port);
  }
  await postfix.drained(drainedWithinSeconds);
  return { places, policySocket, clamgatePid: daemon.pid, close };
}

function placesOf(
  { pids: { clamd, load } }: Stage,
  around: {
    readonly doors: readonly Door[];
    readonly ports: ReadonlyMap<Way, number>;
    readonly postfix: PrivatePostfix;
    readonly clamgatePid: number;
  },
): ReadonlyMap<Way, Place> {
  const { doors, ports, postfix, clamgatePid } = around;
  const master = masterOf(postfix);
  return new Map(
    doors.map(({ way, peer }): [Way, Place] => [
      way,
      {
        target: { protocol: 'smtp', port: ports.get(way) ?? 0 },
        pids: {
          ...(way.startsWith('clamgate') && { clamgate: clamgatePid }),
          ...(peer && { filter: peer.pid }),
          ...(!way.startsWith('no filter') && { clamd }),
          ...{ postfix: master, load },
        },
        drained: () => postfix.drained(drainedWithinSeconds),
      },
    ]),
  );
}

/** master(8), from which all its processes come. */
function masterOf({ queueDirectory }: PrivatePostfix): number {
  return Number(readFileSync(join(queueDirectory, 'pid/master.pid'), 'utf8'));
}

/** Starts those that are installed. */
async function peerDoors(
  { clamdSocket }: Stage,
  around: {
    readonly workdir: Workdir;
    readonly nextHopPort: number;
    readonly closing: (() => Promise<void>)[];
  },
): Promise<Door[]> {
  const { workdir, nextHopPort, closing } = around;
  const doors: Door[] = [];
  const add = (way: Way, peer: Peer | undefined, option: string): void => {
    if (!peer) return;
    closing.unshift(() => peer.close());
    doors.push({ way, peer, options: [`${option}127.0.0.1:${peer.port}`] });
  };
  const clamavMilter = await startClamavMilter(workdir, clamdSocket);
  add('clamav-milter', clamavMilter, 'smtpd_milters=inet:');
  add('rspamd', await startRspamd(workdir, clamdSocket), 'smtpd_milters=inet:');
  const amavisd = await startSmtpPeer('amavisd-new', nextHopPort, clamdSocket);
  add('amavisd-new, before the queue', amavisd, 'smtpd_proxy_filter=');
  return doors;
}

function entries(doors: readonly Door[], ports: ReadonlyMap<Way, number>): string[] {
  return doors.flatMap(({ way, options }) => [
    `127.0.0.1:${ports.get(way) ?? 0} inet n - n - ${processes} smtpd`,
    ...options.map((option) => `    -o { ${option} }`),
  ]);
}

function scanTransport(): string {
  const path = join(import.meta.dirname, '../../fixtures/postfix/scan-smtp.master.cf');
  return readFileSync(path, 'utf8').trimEnd();
}
