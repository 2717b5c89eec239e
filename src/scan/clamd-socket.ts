/**
 * Opens connections to clamd, and asks the short questions (PING, VERSION). Streams are
 * clamd-stream.ts.
 */
import { connect, type LookupFunction, type Socket } from 'node:net';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import { cancelCause, Cancelled, messageOf, OperationalError } from '../errors.ts';
import { replyBytesMax, replyWords } from '../protocol/clamd/instream.ts';
import type { ClamdAddress } from './clamd-address.ts';

export interface Dialling {
  readonly clock: Clock;
  /** From the first try to connect to the connection, in milliseconds. */
  readonly connectMs: number;
  /** Asked for the addresses of a name at each dial; the system's resolver without it. */
  readonly lookup?: LookupFunction;
}

/** There is a connection, and no answer on it. */
export class NoAnswer extends OperationalError {
  constructor(message: string) {
    super('CLAMD', message);
  }
}

/** clamd is there, and its line of connections was full all the time. */
export class FullBacklog extends OperationalError {
  constructor(cause: unknown) {
    super('CLAMD', messageOf(cause), { cause });
  }
}

/** Of what is no answer, for whoever reads of it. */
const saidBytesMax = 100;

/** Between tries while clamd's line of connections is full. */
const fullBacklogMs = 50;

/**
 * A connection to clamd. A name is resolved anew each time, and each of its addresses tried.
 *
 * @throws {FullBacklog} or another {OperationalError} CLAMD, when there is none within `connectMs`.
 * @throws {Cancelled} when `signal` is aborted.
 */
export async function dial(
  address: ClamdAddress,
  dialling: Dialling,
  signal: CancelSignal,
): Promise<Socket> {
  const { clock, connectMs } = dialling;
  const giveUp = clock.monotonic() + connectMs;
  for (;;) {
    try {
      return await connected(address, dialling, { ms: giveUp - clock.monotonic(), signal });
    } catch (error) {
      // connect(2): a Unix socket whose backlog is full (15 on Debian) says EAGAIN, not refused.
      const backlogFull = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      if (!backlogFull) throw unreachable(error);
      if (clock.monotonic() + fullBacklogMs >= giveUp) throw new FullBacklog(error);
      await pause(clock, fullBacklogMs, signal);
    }
  }
}

/**
 * clamd's answer to a command that takes no data, such as 'PING', without its terminator.
 *
 * @throws {NoAnswer} when it does not answer and close within `connectMs`.
 * @throws {OperationalError} CLAMD, when there is no connection, or it breaks.
 * @throws {Cancelled} when `signal` is aborted.
 */
export async function ask(
  address: ClamdAddress,
  command: string,
  dialling: Dialling,
  signal: CancelSignal,
): Promise<string> {
  const socket = await dial(address, dialling, signal);
  const { clock, connectMs } = dialling;
  const received: Buffer[] = [];
  const fail = (): void => {
    const said = Buffer.concat(received).subarray(0, saidBytesMax).toString('latin1');
    const words = said === '' ? '' : `, but ${JSON.stringify(said)}: is it a clamd?`;
    socket.destroy(new NoAnswer(`no answer to ${command} within ${connectMs} ms${words}`));
  };
  const cancel = (): void => {
    socket.destroy(new Cancelled(cancelCause(signal)));
  };
  const timer = clock.after(connectMs, fail);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    socket.write(`z${command}\0`);
    return replyWords(await readAll(socket, received));
  } catch (error) {
    throw unreachable(error);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', cancel);
    socket.destroy();
  }
}

async function readAll(socket: Socket, received: Buffer[]): Promise<Buffer> {
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received.push(chunk);
    bytes += chunk.length;
    if (bytes > replyBytesMax) throw new Error('the answer does not end');
  }
  return Buffer.concat(received);
}

function connected(
  address: ClamdAddress,
  { clock, lookup }: Dialling,
  until: { ms: number; signal: CancelSignal },
): Promise<Socket> {
  const { ms, signal } = until;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Cancelled(cancelCause(signal)));
      return;
    }
    // clamd's FIN comes behind its whole answer: whoever read that destroys the socket, and the
    // shutdown that Node.js would send back is saved.
    const options = { noDelay: true, allowHalfOpen: true, ...(lookup && { lookup }) };
    const socket = connect({ ...address.connect, ...options });
    const settle = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      socket.removeListener('error', refuse);
    };
    const refuse = (error: Error): void => {
      settle();
      socket.on('error', ignore).destroy();
      reject(error);
    };
    const abort = (): void => {
      refuse(new Cancelled(cancelCause(signal)));
    };
    const timer: Timer = clock.after(ms, () => {
      refuse(new Error('connect timed out'));
    });
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', refuse).once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

function pause(clock: Clock, ms: number, signal: CancelSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel();
      reject(new Cancelled(cancelCause(signal)));
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}

function unreachable(error: unknown): Error {
  if (error instanceof Cancelled || error instanceof NoAnswer) return error;
  return new OperationalError('CLAMD', wordsOf(error), { cause: error });
}

/** Where each address of a name failed, Node.js has a list of errors, and no words of its own. */
function wordsOf(error: unknown): string {
  if (!(error instanceof AggregateError)) return messageOf(error);
  return error.errors.map(messageOf).join('; ');
}

/** The failure is known already; a socket without a listener would throw what follows. */
function ignore(): void {
  return;
}
