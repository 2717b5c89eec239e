/** Two ends of one connection: ours, as a listener gets it, and the peer's. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SocketPair {
  readonly ours: Socket;
  readonly peer: Socket;
}

export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const peer = connect({ host: '127.0.0.1', port, noDelay: true });
  const [[ours]] = await Promise.all([accepted, once(peer, 'connect')]);
  server.close();
  for (const socket of [ours, peer]) socket.on('error', () => undefined);
  return { ours, peer };
}
