/** One Postfix with an smtpd for each Milter, and one clamd that all of them ask. */
import { startClamavMilter, startRspamd } from '../../bench/doors/milter-peers.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import { makeWorkdir } from '../support/workdir.ts';

export interface Stand {
  readonly clamd: PrivateClamd;
  readonly postfix: PrivatePostfix;
  /** Of each Milter's smtpd, by its name. */
  readonly ports: ReadonlyMap<string, number>;
  /** Resolves when clamgate has a clamd to ask. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Without those peers that are not installed. */
export async function startStand(): Promise<Stand> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0)) await one();
  };
  try {
    return await start(closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(closing: (() => Promise<void>)[], close: () => Promise<void>): Promise<Stand> {
  const clamd = await PrivateClamd.start();
  closing.unshift(() => clamd.close());
  const clamdSocket = 'path' in clamd.unix.connect ? clamd.unix.connect.path : '';
  const port = await freePort();
  const daemon = await PrivateDaemon.start({
    listeners: [{ protocol: 'milter', address: `127.0.0.1:${port}` }],
    clamd: [`unix:${clamdSocket}`],
  });
  closing.unshift(() => daemon.close());
  const workdir = makeWorkdir();
  closing.push(() => workdir.remove());
  const milters = new Map([['clamgate', port]]);
  const clamavMilter = await startClamavMilter(workdir, clamdSocket);
  const rspamd = await startRspamd(workdir, clamdSocket);
  for (const [name, peer] of [
    ['clamav-milter', clamavMilter],
    ['rspamd', rspamd],
  ] as const) {
    if (peer === undefined) continue;
    closing.unshift(() => peer.close());
    milters.set(name, peer.port);
  }
  const ports = new Map<string, number>();
  for (const name of milters.keys()) ports.set(name, await freePort());
  const postfix = await startPostfix({
    mainCf: ['default_transport = discard:', 'milter_default_action = tempfail'],
    masterCf: [...milters].flatMap(([name, milter]) => [
      `127.0.0.1:${ports.get(name) ?? 0} inet n - n - 20 smtpd`,
      `    -o { smtpd_milters=inet:127.0.0.1:${milter} }`,
    ]),
  });
  closing.unshift(() => postfix.stop());
  return { clamd, postfix, ports, ready: () => daemon.ready(), close };
}
