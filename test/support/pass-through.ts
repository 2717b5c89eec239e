/** A filter that hands every byte on as it comes and knows nothing of SMTP. */
import { connect, createServer, type Server } from 'node:net';

/** @param seen what the client says is added to it. */
export function passThrough(port: number, to: number, seen: string[]): Server {
  const server = createServer((inward) => {
    const outward = connect({ port: to, host: '127.0.0.1' });
    inward.on('data', (chunk) => seen.push(chunk.toString('latin1')));
    inward.pipe(outward).pipe(inward);
    for (const socket of [inward, outward]) {
      socket.on('error', () => {
        inward.destroy();
        outward.destroy();
      });
    }
  });
  return server.listen(port, '127.0.0.1');
}
