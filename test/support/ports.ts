/**
 * Ports for daemons that must be told theirs before they start. Postfix listens with SO_REUSEPORT,
 * so that two instances on one port start without an error and share the connections: each process
 * therefore takes its ports from a block that no other process has. A block is taken by listening
 * on its first port; the kernel gives it back when the process ends, whatever ends it.
 */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Below the range from which kernels take ports for outgoing connections (32768 and above). */
const firstBlock = 20_000;
const blockSize = 50;
const blocks = 240;

let block: Promise<number> | undefined;
let used = 0;

/** A port of 127.0.0.1 on which nothing listens, and which no other caller is given. */
export async function freePort(): Promise<number> {
  for (;;) {
    if (block === undefined || ++used === blockSize) {
      block = takeBlock();
      used = 1;
    }
    const port = used + (await block);
    const server = await listen(port);
    if (server !== undefined) {
      server.close();
      await once(server, 'close');
      return port;
    }
  }
}

/** Resolves when something accepts connections on `port`; rejects after `seconds`. */
export async function portAnswers(port: number, seconds = 30): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await accepts(port))) {
    if (performance.now() > end) throw new Error(`nothing listens on port ${port}`);
    await delay(50);
  }
}

/** Whether something accepts connections on `port`. */
export async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function takeBlock(): Promise<number> {
  for (let tried = 0; tried < blocks; tried++) {
    const first = firstBlock + ((process.pid + tried) % blocks) * blockSize;
    const lock = await listen(first);
    if (lock !== undefined) {
      lock.unref();
      return first;
    }
  }
  throw new Error('every block of ports is taken');
}

/** Undefined when something listens there already. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  server.listen({ port, host: '127.0.0.1' });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}
