/** The other filters that stand in clamgate's place, where they are installed. */
import { amavisdFilter } from '../../test/chaos/amavisd-filter.ts';
import { clamsmtpFilter } from '../../test/chaos/clamsmtp-filter.ts';
import type { PeerFilter } from '../../test/chaos/peer-filter.ts';
import { freePort } from '../../test/support/ports.ts';
import { missing } from '../../test/support/programs.ts';

/** What of a filter the bench needs. */
export interface Peer {
  readonly port: number;
  /** Of its first process. */
  readonly pid: number;
  close(): Promise<void>;
}

const programs = { 'amavisd-new': 'amavisd', clamsmtp: 'clamsmtpd' } as const;
export type SmtpPeerName = keyof typeof programs;

/** Undefined where it is not installed, or may not be started: both give up the rights of root. */
export async function startSmtpPeer(
  name: SmtpPeerName,
  nextHopPort: number,
  clamdSocket: string,
): Promise<Peer | undefined> {
  if (missing(['root', programs[name]]).length > 0) return undefined;
  const port = await freePort();
  const settings = { port, nextHopPort, clamdSocket, nextHopQueue: '', ledger: 'off' } as const;
  const prepare = name === 'clamsmtp' ? clamsmtpFilter : amavisdFilter;
  const filter: PeerFilter = prepare({ ...settings, header: true });
  await filter.start();
  return { port, pid: filter.pid(), close: () => filter.close() };
}
