/**
 * Beside the stage: the same daemon with the ledger off, and before a Postfix that asks before it
 * commits and one that does not. The Postfix is one, with two doors, and throws away what it gets.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { commitSocket } from '../../test/chaos/clamgate-filter.ts';
import { Witness, witnessSocket } from '../../test/chaos/witness.ts';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { type PrivatePostfix, startPostfix } from '../../test/support/private-postfix.ts';
import { makeWorkdir } from '../../test/support/workdir.ts';
import { listenerOf, startDaemon } from '../stage/daemon.ts';
import type { Place, Stage } from '../stage/stage.ts';

export const onceVariants = ['sink-off', 'sink-on', 'postfix-off', 'postfix-on'] as const;
/** Through clamgate to smtp-sink or to a Postfix, its ledger off or on; that Postfix then asks. */
export type OnceVariant = (typeof onceVariants)[number];

export interface OnceStage {
  readonly places: Partial<Readonly<Record<OnceVariant, Place>>>;
  /** Of those that have one. */
  readonly ledgers: Partial<Readonly<Record<OnceVariant, string>>>;
  close(): Promise<void>;
}

/** smtpd processes at each door: more than any load has sessions. */
const processes = 100;

/** @param profileDirectory where the daemons' CPU profiles go. */
export async function startOnceStage(
  stage: Stage,
  profileDirectory: string | undefined,
): Promise<OnceStage> {
  const start = async (nextHopPort: number, ledger: boolean, more = ''): Promise<Door> => {
    const port = await freePort();
    const clamd = [`unix:${stage.clamdSocket}`];
    const listeners = [listenerOf(port, nextHopPort)];
    const daemon = await startDaemon({ listeners, clamd, ledger, more }, profileDirectory);
    return { port, daemon };
  };
  const off = await start(stage.sinkPort, false);
  const sinks: OnceStage = {
    places: {
      'sink-off': placeOf(stage, off, { sink: stage.pids.sink }),
      'sink-on': stage.places.clamgate,
    },
    ledgers: { 'sink-on': ledgerOf(stage.daemon) },
    close: () => off.daemon.close(),
  };
  return getuid?.() === 0 ? withPostfix(sinks, stage, start) : sinks;
}

interface Door {
  readonly port: number;
  readonly daemon: PrivateDaemon;
}

async function withPostfix(
  sinks: OnceStage,
  stage: Stage,
  start: (nextHopPort: number, ledger: boolean, more?: string) => Promise<Door>,
): Promise<OnceStage> {
  const asking = await freePort();
  const postfix = await startNextHop(asking);
  const workdir = makeWorkdir();
  const witness = new Witness(workdir, postfix.queueDirectory);
  await witness.start();
  const off = await start(postfix.reinjectPort, false);
  const commit = `[commit]
address = "unix:${join(postfix.queueDirectory, commitSocket)}"
witness = "unix:${witnessSocket(workdir.path)}"
`;
  const on = await start(asking, true, commit);
  return {
    places: {
      ...sinks.places,
      'postfix-off': placeOf(stage, off, {}),
      'postfix-on': placeOf(stage, on, { witness: witness.pid }),
    },
    ledgers: { ...sinks.ledgers, 'postfix-on': ledgerOf(on.daemon) },
    close: async () => {
      await Promise.all([on.daemon.close(), off.daemon.close(), sinks.close()]);
      await Promise.all([witness.kill(), postfix.stop()]);
      await workdir.remove();
    },
  };
}

function startNextHop(asking: number): Promise<PrivatePostfix> {
  const question = `smtpd_end_of_data_restrictions=check_policy_service unix:${commitSocket}`;
  const door = readFileSync(
    join(import.meta.dirname, '../../fixtures/postfix/reinject.master.cf'),
    'utf8',
  ).replace(/^127\S* inet .*$/m, `127.0.0.1:${asking} inet n - y - ${processes} smtpd`);
  return startPostfix({
    processes,
    chrooted: true,
    // A queue id is never used again, so that each is one hand-over.
    mainCf: ['enable_long_queue_ids = yes', 'default_transport = discard:'],
    masterCf: [door.trimEnd(), `    -o { ${question} }`],
  });
}

function placeOf({ pids }: Stage, { port, daemon }: Door, more: Place['pids']): Place {
  const { clamd, load } = pids;
  return {
    target: { protocol: 'smtp', port },
    pids: { clamgate: daemon.pid, clamd, load, ...more },
  };
}

function ledgerOf({ configFile }: PrivateDaemon): string {
  return join(dirname(configFile), 'ledger/ledger.db');
}
