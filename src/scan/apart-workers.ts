/**
 * Threads that take messages apart ([workers] of the configuration), so that more cores than one do
 * it. All else stays with the daemon's own thread: sockets, spool, clamd, the ledger. A thread that
 * ends takes with it the scans of the messages that it had; another one is started for it.
 */
import { extname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Content } from '../content.ts';
import { messageOf } from '../errors.ts';
import type { Apart } from './apart.ts';
import { type ApartWork, runApart } from './apart-job.ts';
import { PortClosed } from './port-calls.ts';

/** The thread has ended with the message unread, or there is none. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
  /** Whether the message may be why. */
  readonly broke: boolean;

  constructor(detail: string, broke: boolean) {
    super(detail);
    this.broke = broke;
  }
}

/** A thread has ended by itself. */
export interface WorkerEnded {
  readonly detail: string;
  /** Messages that it had. */
  readonly messages: number;
}

export interface ApartWorkersSettings {
  readonly count: number;
  readonly clock: Clock;
  readonly observe: (ended: WorkerEnded) => void;
  /** Where the thread's program is, if not beside this file. */
  readonly program?: URL;
}

/** A thread that has lived for less is not followed by another at once. */
const lifeMsMin = 1000;
/** How long a thread may take to let go of a message that was called off; then it hangs. */
const hangMs = 10_000;
/** What a thread takes is some tens of MiB, however large the messages: it ends where it needs this. */
const heapMiBMax = 256;

export class ApartWorkers {
  readonly #settings: ApartWorkersSettings;
  readonly #threads = new Set<Thread>();
  readonly #timers = new Set<Timer>();
  #closed = false;

  constructor(settings: ApartWorkersSettings) {
    this.#settings = settings;
    for (let at = 0; at < settings.count; at++) this.#start();
  }

  /** Threads that are there. */
  get running(): number {
    return this.#threads.size;
  }

  /**
   * As `takeApart`, in the thread with the fewest messages.
   *
   * @throws {WorkerLost}
   * @throws as `takeApart`.
   */
  async takeApart(content: Content, work: ApartWork, signal: CancelSignal): Promise<Apart> {
    const [first, ...others] = this.#threads;
    if (!first) throw new WorkerLost('no worker is running', false);
    const least = others.reduce((best, one) => (one.messages < best.messages ? one : best), first);
    return least.takeApart(content, work, signal);
  }

  /** Ends all threads, with whatever they have. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    await Promise.all([...this.#threads].map((thread) => thread.end('the daemon stops')));
  }

  #start(): void {
    const { clock, observe, program } = this.#settings;
    const began = clock.monotonic();
    const thread = new Thread(program ?? besideThis(), clock);
    this.#threads.add(thread);
    void thread.ended.then((detail) => {
      this.#threads.delete(thread);
      if (this.#closed) return;
      observe({ detail, messages: thread.messages });
      if (clock.monotonic() - began >= lifeMsMin) this.#start();
      else this.#startLater();
    });
  }

  #startLater(): void {
    const timer = this.#settings.clock.after(lifeMsMin, () => {
      this.#timers.delete(timer);
      this.#start();
    });
    this.#timers.add(timer);
  }
}

function besideThis(): URL {
  // The same extension as this file: .ts in the sources, .js when built.
  return new URL(`./apart-thread${extname(import.meta.url)}`, import.meta.url);
}

class Thread {
  /** Resolves with why. */
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  readonly #clock: Clock;
  #why: string | undefined;
  /** We end it: what it has is not to blame. */
  #isEnded = false;
  #messages = 0;

  constructor(program: URL, clock: Clock) {
    this.#clock = clock;
    this.#worker = new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: heapMiBMax } });
    this.#worker.on('error', (error) => {
      this.#why ??= messageOf(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        resolve(this.#why ?? `it has ended with code ${code}`);
      });
    });
  }

  get messages(): number {
    return this.#messages;
  }

  async takeApart(content: Content, work: ApartWork, signal: CancelSignal): Promise<Apart> {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage(port2, [port2]);
    this.#messages++;
    let hang: Timer | undefined;
    const blamed = { hangs: false };
    const watch = (): void => {
      hang = this.#clock.after(hangMs, () => {
        blamed.hangs = true;
        void this.end(`it has not let go of a message for ${hangMs} ms`);
      });
    };
    signal.addEventListener('abort', watch, { once: true });
    if (signal.aborted) watch();
    try {
      return await runApart(port1, content, work, signal);
    } catch (error) {
      if (!(error instanceof PortClosed)) throw error;
      const why = await this.ended;
      const broke = blamed.hangs || !this.#isEnded;
      throw new WorkerLost(`the worker that took it apart has ended: ${why}`, broke);
    } finally {
      this.#messages--;
      signal.removeEventListener('abort', watch);
      hang?.cancel();
    }
  }

  async end(why: string): Promise<void> {
    this.#why ??= why;
    this.#isEnded = true;
    await this.#worker.terminate();
  }
}
