import type { Socket } from 'node:net';
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Inbox } from './inbox.ts';

/** A sans-IO session, whatever its protocol (src/protocol). An event of type 'close' is its last. */
export interface Session<Event extends { readonly type: string }> {
  receive(bytes: Buffer): void;
  /** The next event; 'need-data' when the peer must speak first, 'paused' when we must answer. */
  next(): Event | 'need-data' | 'paused';
  /** Bytes to be written to the peer, in order. */
  takeOutput(): Buffer[];
}

/** What a door does with the events of one session. */
export interface Handler<Event> {
  /** To be awaited before the next event is taken, when it is a promise. */
  handle(event: Event): Promise<void> | undefined;
  /** Whether a transaction is open. */
  readonly atWork: boolean;
  /** Resolves when every answer that was begun has been given; undefined when none is open. */
  answered(): Promise<void> | undefined;
  /** The peer has closed or reset: give back what is held. May be called again. */
  gone(): void;
  /**
   * The peer was silent for too long, or the daemon is stopping: say so where it is due. When the
   * peer's turn is `overdue` the session must end.
   */
  silent(overdue: boolean): void;
  /** Our own fault: the session cannot go on. */
  fault(error: unknown): void;
}

export interface DriveOptions {
  readonly clock: Clock;
  readonly sessionIdleMs: number;
  /** From our last word to the peer's next command or final dot. */
  readonly sessionTurnMs: number;
  /** Aborted when the daemon goes down: a session that waits for its peer hears of it. */
  readonly stopping: CancelSignal;
}

/** How long a peer may take to accept our last words. */
const lingerMs = 5000;

/**
 * The one loop that drives every session over its socket: read, events, answers, write. A slow
 * answer and a peer that does not read its replies both hold the loop, and so, through the inbox's
 * bound, the peer. Resolves when the session is over; what could not be written by then is lost.
 *
 * A peer that closed its sending side is gone: nothing more is begun for it, and what is under way
 * is called off. Postfix never half-closes; a client that does must wait for its replies first.
 */
export async function drive<Event extends { readonly type: string }>(
  inbox: Inbox,
  session: Session<Event>,
  handler: Handler<Event>,
  options: DriveOptions,
): Promise<void> {
  const { socket } = inbox;
  const gone = (): void => {
    handler.gone();
  };
  const interrupt = (): void => {
    inbox.interrupt();
  };
  const driven = { session, handler, options, inbox, turnBegan: options.clock.monotonic() };
  inbox.gone.addEventListener('abort', gone);
  options.stopping.addEventListener('abort', interrupt);
  try {
    await converse(driven);
  } catch (error) {
    handler.fault(error);
    void flush(driven);
  } finally {
    options.stopping.removeEventListener('abort', interrupt);
    handler.gone();
    close(socket, options.clock);
  }
}

interface Driven<Event extends { readonly type: string }> {
  readonly session: Session<Event>;
  readonly handler: Handler<Event>;
  readonly options: DriveOptions;
  readonly inbox: Inbox;
  /** When we said something last. */
  turnBegan: number;
}

/** Event after event; a read where there is none. Ends when the session is over. */
async function converse<Event extends { readonly type: string }>(
  driven: Driven<Event>,
): Promise<void> {
  const { session, handler, inbox } = driven;
  for (;;) {
    const event = session.next();
    const isOver = inbox.gone.aborted || (typeof event === 'object' && event.type === 'close');
    if (typeof event === 'object' && !isOver) {
      const handling = handler.handle(event);
      if (!handling) continue;
      // What was said so far goes out only when the next thing to say takes time: the replies to
      // pipelined commands are one write.
      await flush(driven);
      await handling;
      continue;
    }
    // Looked at before anything is waited for: while the output drains, answers may come in.
    const answered = handler.answered();
    const flushing = flush(driven);
    if (flushing) await flushing;
    if (isOver) return;
    assert(answered || event === 'need-data', 'a session that is paused has answers to come');
    await (answered ?? read(driven));
  }
}

async function read<Event extends { readonly type: string }>({
  session,
  handler,
  options,
  inbox,
  turnBegan,
}: Driven<Event>): Promise<void> {
  const { clock, sessionIdleMs, sessionTurnMs } = options;
  const left = turnBegan + sessionTurnMs - clock.monotonic();
  // A peer that drips is as bad as a silent one. Who has nothing under way when the daemon stops
  // is not waited for either.
  const overdue = left <= 0;
  const leave = overdue || (options.stopping.aborted && !handler.atWork);
  const bytes = leave ? 'silence' : await inbox.read(clock, Math.min(sessionIdleMs, left));
  if (bytes === 'silence') handler.silent(overdue);
  else if (bytes !== 'gone') session.receive(bytes);
}

/** Writes what the session has to say; waits while the peer does not take it. */
function flush<Event extends { readonly type: string }>(
  driven: Driven<Event>,
): Promise<void> | undefined {
  const { inbox, session, options } = driven;
  const { socket } = inbox;
  const output = session.takeOutput();
  const [first] = output;
  if (!first || socket.destroyed) return undefined;
  driven.turnBegan = options.clock.monotonic();
  const taken = socket.write(output.length === 1 ? first : Buffer.concat(output));
  return taken ? undefined : drained(socket, options);
}

function drained(socket: Socket, { clock, sessionIdleMs }: DriveOptions): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      socket.off('drain', done).off('close', done);
      resolve();
    };
    const timer = clock.after(sessionIdleMs, () => socket.destroy());
    socket.on('drain', done).on('close', done);
  });
}

function close(socket: Socket, clock: Clock): void {
  if (socket.destroyed) return;
  const timer = clock.after(lingerMs, () => socket.destroy());
  socket.once('close', () => {
    timer.cancel();
  });
  socket.destroySoon();
}
