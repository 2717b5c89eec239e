/**
 * Beside the stage: a daemon with a clamd that reads and says OK, for what clamd itself makes of
 * such messages is not clamgate's, and with a probe in it that watches its event loop.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { makeWorkdir } from '../../test/support/workdir.ts';
import type { Hold } from './bounds-probe.ts';
import { startStandIn } from '../stage/stand-in.ts';
import { listenerOf, startDaemon } from '../stage/daemon.ts';
import type { Stage } from '../stage/stage.ts';

export interface BoundsStage {
  readonly daemon: PrivateDaemon;
  readonly port: number;
  /** How long its event loop was held at the most since this was called last. */
  readonly hold: () => Promise<Hold>;
  close(): Promise<void>;
}

export async function startBoundsStage({ sinkPort }: Stage): Promise<BoundsStage> {
  const workdir = makeWorkdir();
  const probeSocket = join(workdir.path, 'probe.sock');
  const clamd = await startStandIn();
  const port = await freePort();
  process.env['CLAMGATE_BENCH_PROBE'] = probeSocket;
  const daemon = await startDaemon(
    { listeners: [listenerOf(port, sinkPort)], clamd: [`unix:${clamd.socket}`], ledger: false },
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
      await clamd.close();
      await workdir.remove();
    },
  };
}
