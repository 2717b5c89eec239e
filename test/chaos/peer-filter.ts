/** What the other filters have in common: they drop what is infected, and keep and tell nothing. */
import type { Workdir } from '../support/workdir.ts';
import type { DaemonProcess } from './daemon-process.ts';
import type { Filter } from './filter.ts';

export interface PeerFilter extends Filter {
  /** Of its first process, once it is started. */
  pid(): number;
}

/** @param daemon lives in `workdir`. */
export function peerFilter(
  own: Pick<Filter, 'name' | 'port' | 'start'>,
  daemon: DaemonProcess,
  workdir: Workdir,
): PeerFilter {
  return {
    ...own,
    pid: () => daemon.pid,
    discards: true,
    kill: () => daemon.kill(),
    kept: () => Promise.resolve([]),
    inDoubt: () => [],
    log: daemon.log,
    struck: () => false,
    close: async () => {
      await daemon.kill();
      await workdir.remove();
    },
  };
}
