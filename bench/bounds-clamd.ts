/**
 * In place of clamd where only clamgate is measured: reads each stream and says OK, but of a canary,
 * without which it would get none. Started as a process of its own with the path of its socket.
 */
import { createServer, type Socket } from 'node:net';
import { eicarTestFile } from '../src/scan/eicar.ts';

const question = /^z(PING|VERSION|STATS)\0/;
const answers: Readonly<Record<string, string>> = {
  PING: 'PONG\0',
  // Signatures of today, as 'Thu Nov 20 2025'.
  VERSION: `ClamAV 1.4.0/1/${new Date().toString().slice(0, 15)}\0`,
  STATS: 'THREADS: live 1  idle 0 max 12 idle-timeout 30\nQUEUE: 0 items\nEND\0',
};
const found = 'stream: Eicar-Test-Signature FOUND\0';
const instreamBytes = 'zINSTREAM\0'.length;
/** What comes at once of a stream that is a canary. */
const canaryBytesMax = 1024;

/** Follows the chunks of one INSTREAM: a length, so many bytes, and again; a length of 0 ends it. */
class Stream {
  #skip = instreamBytes;
  #length = 0;
  #lengthBytes = 0;

  /** @returns whether the stream has ended. */
  feed(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length;) {
      const skipped = Math.min(this.#skip, chunk.length - at);
      this.#skip -= skipped;
      at += skipped;
      if (at === chunk.length) break;
      this.#length = this.#length * 256 + (chunk[at++] ?? 0);
      if (++this.#lengthBytes < 4) continue;
      if (this.#length === 0) return true;
      this.#skip = this.#length;
      this.#length = this.#lengthBytes = 0;
    }
    return false;
  }
}

function serve(socket: Socket): void {
  const stream = new Stream();
  let answer = 'stream: OK\0';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    const asked = question.exec(chunk.toString('latin1', 0, 16))?.[1];
    if (asked !== undefined && chunk.length < 16) socket.end(answers[asked] ?? '');
    else {
      if (chunk.length < canaryBytesMax && chunk.includes(eicarTestFile)) answer = found;
      if (stream.feed(chunk)) socket.end(answer);
    }
  });
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('the path of a socket is needed');
createServer({ allowHalfOpen: true }, serve).listen({ path });
process.on('disconnect', () => process.exit());
