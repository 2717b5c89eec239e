/**
 * Beside the stage: a daemon with a clamd that reads and says OK, for what clamd itself makes of
 * such messages is not clamgate's, and with a probe in it that watches its event loop.
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { makeWorkdir } from '../../test/support/workdir.ts';
import type { Hold } from './bounds-probe.ts';
import { listenerOf, type Stage, startDaemon } from '../stage/stage.ts';

export interface BoundsStage {
  readonly daemon: PrivateDaemon;
  readonly port: number;
  /** How long its event loop was held at the most since this was called last. */
  readonly hold: () => Promise<Hold>;
  close(): Promise<void>;
}

const pollMs = 20;

export async function startBoundsStage({ sinkPort }: Stage): Promise<BoundsStage> {
  const workdir = makeWorkdir();
  const clamdSocket = join(workdir.path, 'clamd.sock');
  const probeSocket = join(workdir.path, 'probe.sock');
  const clamd = fork(join(import.meta.dirname, '../stage/stand-in-clamd.ts'), [clamdSocket]);
  while (!existsSync(clamdSocket)) await delay(pollMs);
  const port = await freePort();
  process.env['CLAMGATE_BENCH_PROBE'] = probeSocket;
  const daemon = await startDaemon(
    { listeners: [listenerOf(port, sinkPort)], clamd: [`unix:${clamdSocket}`], ledger: false },
    undefined,
    `--import=${join(import.meta.dirname, 'bounds-probe.ts')}`,
  );
  delete process.env['CLAMGATE_BENCH_PROBE'];
  return {
    daemon,
    port,
    hold: async () => JSON.parse(await text(connect({ path: probeSocket }))) as Hold,
    close: async () => {
      await daemon.close();
      clamd.disconnect();
      await workdir.remove();
    },
  };
}
