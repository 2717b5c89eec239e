/**
 * A clamd that answers, or fails, as the test says: a real server on a Unix or TCP socket with a
 * wrong step at each place where a real one can take one. What it got is recorded.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type ClamdAddress, parseClamdAddress } from '../../src/scan/clamd-address.ts';
import { cleanCanary } from '../../src/scan/canary.ts';
import { limitsCanary } from '../../src/scan/limits-canary.ts';
import { sizeCanaryName } from '../../src/scan/size-canary.ts';
import { eicar } from './eicar.ts';

/** What becomes of one connection. */
export type ClamdConduct =
  /** Reads the stream; FOUND when it holds EICAR as it stands, else OK. */
  | { readonly step: 'scan' }
  /** Reads the stream, and says these bytes. */
  | { readonly step: 'say'; readonly words: string }
  /** Reads the stream, and answers when `release` is called. */
  | { readonly step: 'hold' }
  /** Takes the connection and reads nothing. */
  | { readonly step: 'hang' }
  /** Says these bytes before the end of the stream and closes, or stays when `stay`. */
  | { readonly step: 'interrupt'; readonly words: string; readonly stay?: boolean }
  /** Resets the connection after this many bytes of it. */
  | { readonly step: 'reset'; readonly afterBytes: number }
  /** Reads the stream and closes without a word. */
  | { readonly step: 'close' }
  /** Refuses more than this many bytes of stream as clamd does, and closes with data unread. */
  | { readonly step: 'size-limit'; readonly streamBytesMax: number; readonly lost?: boolean };

/** One stream as it came. */
export interface FakeStream {
  readonly bytes: Buffer;
  /** The lengths of its chunks. */
  readonly chunks: readonly number[];
  readonly terminated: boolean;
  /** How many reads the stream took, to see how it was written. */
  readonly reads: number;
}

const command = 'zINSTREAM\0';

export class FakeClamd {
  /** What the next connections meet, in order; then `usual`. */
  readonly script: ClamdConduct[] = [];
  usual: ClamdConduct = { step: 'scan' };
  /** Streams whose connection met its end or its terminator, in that order. */
  readonly streams: FakeStream[] = [];
  /** All of them, and those that were opened for a stream of mail. */
  connected = 0;
  connections = 0;
  /** Those that asked a question (VERSION, PING, STATS), and canaries that were shown. */
  questions = 0;
  canaries = 0;
  /** What VERSION is answered; undefined closes without an answer. */
  version: string | undefined = `ClamAV 1.4.6/27000/${new Date().toDateString()}`;
  /** What STATS is answered; undefined leaves it without an answer. */
  stats: string | undefined =
    'POOLS: 1\n\nTHREADS: live 1  idle 0 max 10 idle-timeout 30\nQUEUE: 0 items\nEND\0';
  /** What PING is answered. */
  pong = 'PONG\0';
  /** Called before each answer to VERSION is made: a place for it to move. */
  beforeVersion: () => void = () => undefined;
  /** What is said of the limits canary, which is not recorded. */
  ofCanary = 'stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0';
  /** What is said of the two other canaries; undefined leaves them without an answer. */
  ofEicar: string | undefined = 'stream: Eicar-Test FOUND\0';
  ofClean: string | undefined = 'stream: OK\0';
  /** What is said of the size canary, by its size; each that was shown. */
  ofSize: (bytes: number) => string = () => 'stream: Eicar-Test FOUND\0';
  readonly sizes: number[] = [];
  /** Said of EICAR before its end has come. */
  early: string | undefined;
  readonly #server: Server;
  readonly #open = new Set<Connection>();
  readonly address: ClamdAddress;

  private constructor(server: Server, address: ClamdAddress) {
    this.#server = server;
    this.address = address;
    server.on('connection', (socket) => {
      this.#serve(socket);
    });
  }

  /** Listens on 127.0.0.1, on `port` where that is said, or on the Unix socket `path`. */
  static async start(path?: string, port = 0): Promise<FakeClamd> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(path === undefined ? { port, host: '127.0.0.1' } : { path });
    await once(server, 'listening');
    const name =
      path === undefined
        ? `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
        : `unix:${path}`;
    return new FakeClamd(server, addressOf(name));
  }

  /** Connections that are open now, and on which something was said. */
  get open(): number {
    return [...this.#open].filter(({ isUsed }) => isUsed).length;
  }

  /** Those on which nothing was said. */
  get idle(): number {
    return this.#open.size - this.open;
  }

  /** Streams that are whole and wait for `release`. */
  get held(): number {
    return [...this.#open].filter(({ held }) => held).length;
  }

  /** Answers the streams that are held, as 'scan' would. */
  release(): void {
    for (const connection of this.#open) if (connection.held) connection.answer();
  }

  /** Ends the connections on which nothing was said: with words as clamd does in time, or as one that ends. */
  endIdle(words = ''): void {
    for (const { isUsed, socket } of this.#open) if (!isUsed) socket.end(words);
  }

  /** Refuses connections from now on. */
  async stop(): Promise<void> {
    for (const connection of this.#open) connection.socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.connected++;
    const connection = new Connection(socket, this);
    this.#open.add(connection);
    socket.on('close', () => this.#open.delete(connection));
  }
}

/** Nothing where it is no whole gzip. */
function unpacked(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes);
  } catch {
    return Buffer.alloc(0);
  }
}

/** A clamd's address that is right by construction. */
export function addressOf(name: string): ClamdAddress {
  const parsed = parseClamdAddress(name);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.address;
}

class Connection {
  readonly socket: Socket;
  held = false;
  isUsed = false;
  readonly #clamd: FakeClamd;
  /** Taken from the script by what comes to be scanned, or is not even read. */
  #conduct: ClamdConduct | undefined;
  #scripted = false;
  /** What has come, joined only when it is looked at: joining at each read is quadratic. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  #tail = Buffer.alloc(0);
  #reads = 0;
  #recorded = false;
  /** It is one of the canaries of the watch, and what is said of it. */
  #isShown = false;
  #ofCanary: string | undefined;

  constructor(socket: Socket, clamd: FakeClamd) {
    this.socket = socket;
    this.#clamd = clamd;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#stream(false);
    });
    socket.on('end', () => {
      // A client that has said all may close its half; clamd answers all the same.
      if (!this.held) socket.end();
    });
    // Until then it is of nobody who wants something.
    socket.once('readable', () => {
      if (socket.readableLength > 0) this.#begin();
    });
  }

  #begin(): void {
    const { socket } = this;
    this.isUsed = true;
    const { script, usual } = this.#clamd;
    const next = script[0] ?? usual;
    const conduct: ClamdConduct =
      next.step === 'hang' || next.step === 'interrupt' ? this.#takeConduct() : { step: 'scan' };
    if (conduct.step === 'hang') return;
    if (conduct.step === 'interrupt') this.#say(conduct.words, conduct.stay === true);
    socket.on('data', (chunk) => {
      this.#receive(chunk);
    });
  }

  answer(): void {
    this.held = false;
    const found = this.#received().includes(eicar);
    this.#say(found ? 'stream: Eicar-Test FOUND\0' : 'stream: OK\0');
  }

  #receive(chunk: Buffer): void {
    this.#reads++;
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-4)]).subarray(-4);
    if (!this.#conduct && (this.#isCanary() || this.#isSizeCanary())) return;
    if (!this.#conduct && this.#bytes >= 2 && !this.#isQuestion()) this.#takeConduct();
    const conduct: ClamdConduct = this.#conduct ?? { step: 'scan' };
    if (conduct.step === 'reset' && this.#bytes > conduct.afterBytes) {
      this.socket.resetAndDestroy();
      return;
    }
    const refuses = conduct.step === 'size-limit' && this.#bytes > conduct.streamBytesMax;
    if (!refuses && !this.#tail.equals(Buffer.alloc(4)) && this.#bytes > command.length) return;
    const text = this.#received().toString('latin1', 0, command.length);
    if (text === 'zPING\0') this.#reply(this.#clamd.pong);
    else if (text === 'zSTATS\0') this.#reply(this.#clamd.stats);
    else if (text === 'zVERSION\0') this.#tellVersion();
    // As a clamd whose configuration forbids it: what it has does not change.
    else if (text === 'zRELOAD\0') this.#say('COMMAND UNAVAILABLE\0');
    else this.#frames();
  }

  #takeConduct(): ClamdConduct {
    if (this.#conduct) return this.#conduct;
    this.#clamd.connections++;
    const { script, usual } = this.#clamd;
    this.#scripted = script.length > 0;
    this.#conduct = script.shift() ?? usual;
    return this.#conduct;
  }

  /** PING, VERSION or RELOAD, which any clamd answers that answers at all. */
  #isQuestion(): boolean {
    return /^z[PVSR]/.test(this.#received().toString('latin1', 0, 2));
  }

  /** The canaries of the watch, which are neither scripted nor recorded. */
  #isCanary(): boolean {
    const clamd = this.#clamd;
    if (this.#bytes > 4096) return false;
    const { bytes, terminated } = unframed(this.#received());
    // The canary's end comes in a write of its own; a part of a message that is EICAR comes whole.
    if (!terminated && bytes.equals(Buffer.from(eicar))) this.#ofCanary = clamd.ofEicar;
    else if (terminated && bytes.equals(cleanCanary)) this.#ofCanary = clamd.ofClean;
    else if (!this.#isShown) return false;
    if (!this.#isShown) clamd.canaries++;
    if (!terminated && clamd.early !== undefined) this.#say(clamd.early);
    this.#isShown = true;
    this.#recorded = true;
    if (terminated && this.#ofCanary !== undefined) this.#say(this.#ofCanary);
    return true;
  }

  /** It has to be whole to be known. */
  #isSizeCanary(): boolean {
    const start = Buffer.concat(this.#pieces.slice(0, 2)).subarray(command.length + 4);
    if (start[0] !== 0x1f || start[1] !== 0x8b) return false;
    const { bytes, terminated } = unframed(this.#received());
    if (!terminated) return true;
    const tar = unpacked(bytes);
    if (tar.toString('latin1', 0, sizeCanaryName.length) !== sizeCanaryName) return false;
    this.#clamd.sizes.push(tar.length);
    this.#recorded = true;
    this.#say(this.#clamd.ofSize(tar.length));
    return true;
  }

  #reply(words: string | undefined): void {
    this.#clamd.questions++;
    if (words !== undefined) this.#say(words);
  }

  #tellVersion(): void {
    this.#clamd.questions++;
    this.#clamd.beforeVersion();
    const { version } = this.#clamd;
    if (version === undefined) this.socket.end();
    else this.#say(`${version}\0`);
  }

  #received(): Buffer {
    const received = Buffer.concat(this.#pieces);
    this.#pieces = [received];
    return received;
  }

  #frames(): void {
    const { chunks, bytes, terminated } = unframed(this.#received());
    const conduct = this.#takeConduct();
    if (conduct.step === 'size-limit' && bytes.length > conduct.streamBytesMax) {
      this.#stream(false, chunks, bytes);
      this.socket.pause();
      if (conduct.lost === true) this.socket.resetAndDestroy();
      else this.#say('INSTREAM size limit exceeded. ERROR\0');
    } else if (terminated) {
      const { ofCanary } = this.#clamd;
      if (bytes.equals(limitsCanary())) {
        if (this.#scripted) this.#clamd.script.unshift(conduct);
        this.#clamd.connections--;
        this.#clamd.canaries++;
        this.#recorded = true;
        this.#say(ofCanary);
        return;
      }
      this.#stream(true, chunks, bytes);
      this.#end();
    }
  }

  #end(): void {
    const conduct = this.#takeConduct();
    if (conduct.step === 'say') this.#say(conduct.words);
    else if (conduct.step === 'hold') this.held = true;
    else if (conduct.step === 'close') this.socket.end();
    else this.answer();
  }

  #say(words: string, stay = false): void {
    const bytes = Buffer.from(words, 'latin1');
    if (stay) this.socket.write(bytes);
    else this.socket.end(bytes);
  }

  #stream(terminated: boolean, chunks?: readonly number[], bytes?: Buffer): void {
    if (this.#recorded || this.#bytes === 0 || this.#isQuestion()) return;
    this.#recorded = true;
    const got = unframed(this.#received());
    this.#clamd.streams.push({
      bytes: bytes ?? got.bytes,
      chunks: chunks ?? got.chunks,
      terminated,
      reads: this.#reads,
    });
  }
}

/** What lies in the frames that are whole. */
function unframed(received: Buffer): { bytes: Buffer; chunks: number[]; terminated: boolean } {
  const chunks: number[] = [];
  const pieces: Buffer[] = [];
  let at = command.length;
  while (at + 4 <= received.length) {
    const length = received.readUInt32BE(at);
    if (length === 0) return { bytes: Buffer.concat(pieces), chunks, terminated: true };
    chunks.push(length);
    pieces.push(received.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { bytes: Buffer.concat(pieces), chunks, terminated: false };
}
