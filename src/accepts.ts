/** Whether somebody listens at an address: tried, by a connection that says nothing. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { SocketAddress } from './socket-address.ts';

/** @param withinMs who has not accepted by then does not. */
export async function accepts(address: SocketAddress, withinMs: number): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(withinMs) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
