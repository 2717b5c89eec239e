/** An end of a simulated connection as the daemon sees it: a socket like any other. */
import { Socket } from 'node:net';
import type { End } from './network.ts';

type Done = (error?: Error | null) => void;

export class DaemonSocket extends Socket {
  readonly #end: End;

  constructor(end: End, options: { readonly allowHalfOpen: boolean }) {
    super(options);
    this.#end = end;
    end.receiver = {
      bytes: (chunk) => {
        if (!this.push(chunk)) end.pause();
      },
      end: () => {
        this.push(null);
      },
      reset: () => {
        this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
      },
    };
  }

  override _read(): void {
    this.#end.resume();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    this.#end.send(bytesOf(chunk, encoding), done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer | string; readonly encoding: BufferEncoding }[],
    done: Done,
  ): void {
    const all = chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding));
    this.#end.send(Buffer.concat(all), done);
  }

  override _final(done: Done): void {
    this.#end.finish();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#end.close();
    done(error);
    // net.Socket leaves this event to its handle, and there is none.
    process.nextTick(() => this.emit('close', error !== null));
  }
}

function bytesOf(chunk: Buffer | string, encoding: BufferEncoding): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}
