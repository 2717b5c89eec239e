/**
 * One Postfix with a port for each way through it: without a filter, with clamgate at each of its
 * doors, and with its peers where they are installed. What comes through is thrown away.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { amavisdFilter } from '../../test/chaos/amavisd-filter.ts';
import { eicarFile, message, withAttachment } from '../../test/support/messages.ts';
import { freePort } from '../../test/support/ports.ts';
import { type PrivatePostfix, startPostfix } from '../../test/support/private-postfix.ts';
import { missing } from '../../test/support/programs.ts';
import { submit } from '../../test/support/submit.ts';
import { makeWorkdir, type Workdir } from '../../test/support/workdir.ts';
import { startClamavMilter, startRspamd } from './milter-peers.ts';
import { type Stage, startDaemon } from '../stage/stage.ts';

export const ways = [
  'no filter',
  'clamgate, Milter',
  'clamav-milter',
  'rspamd',
  'clamgate, before the queue',
  'amavisd-new, before the queue',
  'clamgate, after the queue',
] as const;
export type Way = (typeof ways)[number];

export interface DoorsStage {
  readonly postfix: PrivatePostfix;
  /** Of those that are there. */
  readonly ports: ReadonlyMap<Way, number>;
  /** Of clamgate, which has one daemon for all its doors. */
  readonly clamgatePid: number;
  readonly policySocket: string;
  close(): Promise<void>;
}

const processes = 100;

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
  const peers = await peerOptions(stage, { workdir, nextHopPort: reinjectPort, closing });
  const options = new Map<Way, readonly string[]>([
    ['no filter', []],
    ['clamgate, Milter', [`smtpd_milters=inet:127.0.0.1:${milter}`]],
    ['clamgate, before the queue', [`smtpd_proxy_filter=127.0.0.1:${before}`]],
    ['clamgate, after the queue', [`content_filter=scan:[127.0.0.1]:${after}`]],
    ...peers,
  ]);
  const ports = new Map<Way, number>();
  for (const way of options.keys()) ports.set(way, await freePort());
  const postfix = await startPostfix({
    reinjectPort,
    processes,
    mainCf: ['default_transport = discard:', 'milter_default_action = tempfail'],
    masterCf: [...entries(options, ports), scanTransport()],
  });
  closing.unshift(() => postfix.stop());
  const doors = { postfix, ports, policySocket, clamgatePid: daemon.pid, close };
  await checkThatTheyScan(doors);
  return doors;
}

/** Starts those that are installed; what Postfix is told of them. */
async function peerOptions(
  { clamdSocket }: Stage,
  around: {
    readonly workdir: Workdir;
    readonly nextHopPort: number;
    readonly closing: (() => Promise<void>)[];
  },
): Promise<[Way, string[]][]> {
  const { workdir, nextHopPort, closing } = around;
  const options: [Way, string[]][] = [];
  if (missing(['root', 'clamav-milter']).length === 0) {
    const peer = await startClamavMilter(workdir, clamdSocket);
    options.push(['clamav-milter', [`smtpd_milters=inet:127.0.0.1:${peer.port}`]]);
    closing.unshift(() => peer.close());
  }
  if (missing(['root', 'rspamd']).length === 0) {
    const peer = await startRspamd(workdir, clamdSocket);
    options.push(['rspamd', [`smtpd_milters=inet:127.0.0.1:${peer.port}`]]);
    closing.unshift(() => peer.close());
  }
  if (missing(['root', 'amavisd']).length === 0) {
    const port = await freePort();
    const settings = { port, nextHopPort, clamdSocket, ledger: 'off', header: true } as const;
    const peer = amavisdFilter({ ...settings, nextHopQueue: '' });
    await peer.start();
    options.push(['amavisd-new, before the queue', [`smtpd_proxy_filter=127.0.0.1:${port}`]]);
    closing.unshift(() => peer.close());
  }
  return options;
}

function entries(
  options: ReadonlyMap<Way, readonly string[]>,
  ports: ReadonlyMap<Way, number>,
): string[] {
  return [...options].flatMap(([way, own]) => [
    `127.0.0.1:${ports.get(way) ?? 0} inet n - n - ${processes} smtpd`,
    ...own.map((option) => `    -o { ${option} }`),
  ]);
}

function scanTransport(): string {
  const path = join(import.meta.dirname, '../../fixtures/postfix/scan-smtp.master.cf');
  return readFileSync(path, 'utf8').trimEnd();
}

/** That each of them asks clamd is not believed: EICAR has to be stopped. */
async function checkThatTheyScan({ ports, postfix }: DoorsStage): Promise<void> {
  for (const [way, port] of ports) {
    if (way === 'no filter' || way === 'clamgate, after the queue') continue;
    const data = message(withAttachment('eicar.com', eicarFile));
    const [reply = ''] = await submit(port, {
      from: '<a@client.test>',
      to: ['<b@sink.test>'],
      data,
    });
    // amavisd-new is told to drop it, and says 250.
    const stopped =
      /^[45]/.test(reply) ||
      (way.startsWith('amavisd') && /DISCARD|infected|INFECTED|BOUNCE/i.test(reply));
    if (!stopped) throw new Error(`${way} lets EICAR through: ${reply}`);
  }
  await postfix.drained();
}
