/**
 * In place of clamd where only clamgate is measured: reads each stream and says OK, but of EICAR, or it
 * would be given no mail. Started as a process of its own with the path of its socket and, for a clamd
 * whose work is done on another machine, the milliseconds that each stream takes.
 */
import { createServer, type Socket } from 'node:net';
import { eicarTestFile } from '../../src/scan/eicar.ts';

const question = /^z(PING|VERSION|STATS)\0/;
const [weekday, month, day, year, time] = new Date().toString().split(' ');
const answers: Readonly<Record<string, string>> = {
  PING: 'PONG\0',
  // As ctime(3) has it; of today, or the signatures would be old.
  VERSION: `ClamAV 1.4.0/1/${weekday ?? ''} ${month ?? ''} ${day ?? ''} ${time ?? ''} ${year ?? ''}\0`,
  STATS: 'THREADS: live 1  idle 0 max 100 idle-timeout 30\nQUEUE: 0 items\nEND\0',
};
const instreamBytes = 'zINSTREAM\0'.length;
/** With the command and the length in front of it. */
const canaryBytes = 128;

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
  let begin = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (begin.length < canaryBytes) begin += chunk.toString('latin1', 0, canaryBytes);
    const asked = question.exec(begin)?.[1];
    if (asked !== undefined) socket.end(answers[asked] ?? '');
    else if (stream.feed(chunk)) answer(socket, begin.includes(eicarTestFile));
  });
}

function answer(socket: Socket, isEicar: boolean): void {
  const words = isEicar ? 'stream: Eicar-Test-Signature FOUND\0' : 'stream: OK\0';
  if (takesMs === 0) socket.end(words);
  else setTimeout(() => socket.end(words), takesMs);
}

const [path, ms = '0'] = process.argv.slice(2);
if (path === undefined) throw new Error('the path of a socket is needed');
const takesMs = Number(ms);
createServer({ allowHalfOpen: true }, serve).listen({ path });
process.on('disconnect', () => process.exit());
