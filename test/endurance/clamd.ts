import { once } from 'node:events';
import { connect } from 'node:net';

/** Says a command to clamd (clamd(8)), and waits for its whole answer. */
export async function askClamd(path: string, command: string): Promise<void> {
  const socket = connect({ path });
  socket.write(`n${command}\n`);
  socket.resume();
  await once(socket, 'close');
}
