/** The program of a worker (apart-workers.ts): each message comes as a port. */
import { setDefaultHighWaterMark } from 'node:stream';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { assert } from '../assert.ts';
import { systemClock } from '../clock.ts';
import { streamBytes } from '../limits.ts';
import { serveApart } from './apart-worker.ts';
import { loadLeafParser } from './load-leaf-parser.ts';

assert(parentPort, 'this file is started as a thread');
setDefaultHighWaterMark(false, streamBytes);
parentPort.on('message', (port: MessagePort) => {
  serveApart(port, systemClock);
});
// The first message finds it there.
await loadLeafParser();
