/** clamgate as it is built, with a configuration of its own; the ledger and the commit question as told. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { askControl } from '../../src/cli/control-client.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import { openLedgerReader } from '../../src/store/ledger-reader.ts';
import { type DaemonListener, PrivateDaemon } from '../support/private-daemon.ts';
import { makeWorkdir } from '../support/workdir.ts';
import type { Filter, FilterSettings, KillAt } from './filter.ts';
import type { LedgerSetting } from './options.ts';
import type { InDoubt } from './tally.ts';
import { Witness, witnessSocket } from './witness.ts';

const root = join(import.meta.dirname, '../..');
const script = join(root, 'bin/clamgate.js');

/** Where the re-injection smtpd asks, below the queue directory of its Postfix. */
export const commitSocket = 'clamgate/commit.sock';

/** And where the smtpd asks that takes mail from clients, below the queue directory of its own. */
export const policySocket = 'clamgate/policy.sock';

/** What the build lacks for it, or undefined when it can do it. */
export function missingInBuild(what: 'checkpoints' | LedgerSetting): string | undefined {
  if (what === 'checkpoints') {
    const module = join(root, 'dist/engine/handover.js');
    return existsSync(module) ? undefined : 'there is no build with checkpoints';
  }
  if (what !== 'commit') return undefined;
  const help = spawnSync(execPath, [script, '--help'], { encoding: 'utf8' }).stdout;
  return /^ +witness\b/m.test(help) ? undefined : 'the build has no commit question';
}

export async function clamgateFilter(settings: FilterSettings): Promise<Filter> {
  const workdir = makeWorkdir();
  const struckFile = join(workdir.path, 'struck');
  const witness =
    settings.ledger === 'commit' ? new Witness(workdir, settings.nextHopQueue) : undefined;
  await witness?.start();
  const options = {
    listeners: listenersOf(settings),
    clamd: [settings.clamdSocket, ...(settings.moreClamdSockets ?? [])].map(
      (path) => `unix:${path}`,
    ),
    ledger: settings.ledger !== 'off',
    ...(settings.workers !== undefined && { workers: settings.workers }),
    more: tables(settings, workdir.path),
    ...(settings.stateDirectory === undefined ? {} : { stateDirectory: settings.stateDirectory }),
  } as const;
  const daemon = PrivateDaemon.prepare(options);
  return {
    name: 'clamgate',
    discards: false,
    port: settings.port,
    start: async (killAt) => {
      rmSync(struckFile, { force: true });
      await daemon.restart(killAt === undefined ? {} : armed(killAt, struckFile));
    },
    kill: async () => {
      daemon.signal('SIGKILL');
      await daemon.exited();
    },
    kept: () => keptBy(daemon),
    inDoubt: () => (settings.ledger === 'off' ? [] : inDoubtIn(daemon.ledgerFile)),
    ...(settings.ledger !== 'off' && {
      ledger: {
        file: daemon.ledgerFile,
        limit: (ledgerMaxSize) => {
          daemon.configure({ ...options, ...(ledgerMaxSize !== undefined && { ledgerMaxSize }) });
        },
      },
    }),
    ...(witness && { witness }),
    clamdStatus: async () => ((await askControl(daemon.control, '/status')) as Status).clamd,
    log: daemon.log,
    struck: () => existsSync(struckFile),
    close: async () => {
      await daemon.close();
      await witness?.kill();
      await workdir.remove();
    },
  };
}

/** Its disk may be small, for what can fill it. */
const policyLines = 'mode = "0666"\nmin_free = "1M"\n';

function listenersOf(settings: FilterSettings): DaemonListener[] {
  const { door, port, nextHopPort, frontQueue } = settings;
  const address = `127.0.0.1:${port}`;
  if (door === 'milter') return [{ protocol: 'milter', address }];
  const nextHop = `127.0.0.1:${nextHopPort}`;
  const position = door === 'before-queue' ? door : 'after-queue';
  const relaying: DaemonListener = { protocol: 'smtp', address, nextHop, position };
  if (door !== 'policy' || frontQueue === undefined) return [relaying];
  mkdirSync(join(frontQueue, 'clamgate'), { recursive: true });
  const asked = `unix:${join(frontQueue, policySocket)}`;
  return [relaying, { protocol: 'policy', address: asked, more: policyLines }];
}

async function keptBy(daemon: PrivateDaemon): Promise<readonly string[]> {
  const items = await daemon.quarantine.list();
  return items.flatMap((item) =>
    item.kind === 'whole' ? [item.record.messageId?.replace(/^<|>$/g, '') ?? ''] : [],
  );
}

/** As `clamgate ledger list` reads it. */
function inDoubtIn(ledgerFile: string): readonly InDoubt[] {
  const reader = openLedgerReader(ledgerFile);
  try {
    return [...reader.entries({ states: ['in-doubt'] })];
  } finally {
    reader.close();
  }
}

function armed(killAt: KillAt, struckFile: string): Parameters<PrivateDaemon['restart']>[0] {
  return {
    script: join(import.meta.dirname, 'checkpoint-entry.ts'),
    env: { CHAOS_KILL_AT: JSON.stringify(killAt), CHAOS_STRUCK: struckFile },
  };
}

function tables(settings: FilterSettings, own: string): string {
  const { ledger, header, nextHopQueue, door, deadline, spoolMemory } = settings;
  const lines = [`[header]\nvirus_scanned = ${String(header)}\n`];
  const limits: string[] = [];
  // So that a message of this size needs the disk.
  if (spoolMemory !== undefined) limits.push(`spool_memory_bytes = "${spoolMemory}"\n`);
  if (deadline !== undefined && door === 'before-queue') {
    lines.push(`[before_queue]\ndeadline_ms = "${deadline}"\n`);
  } else if (deadline !== undefined) {
    // What is allowed for the scan alone has to be below it.
    limits.push(`deadline_ms = "${deadline}"\nscan_ms = "1900ms"\n`);
  }
  if (limits.length > 0) lines.push(`[limits]\n${limits.join('')}`);
  if (ledger === 'commit') {
    mkdirSync(join(nextHopQueue, 'clamgate'), { recursive: true });
    lines.push(`[commit]\naddress = "unix:${join(nextHopQueue, commitSocket)}"\n`);
    lines.push(`witness = "unix:${witnessSocket(own)}"\n`);
  }
  return lines.join('');
}
