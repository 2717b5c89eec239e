import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { drive, type Handler, type Session } from '../../src/listener/drive.ts';
import { Inbox } from '../../src/listener/inbox.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';
import { socketPair, type SocketPair } from './socket-pair.ts';

const sessionIdleMs = 300_000;
const sessionTurnMs = 1_800_000;
const lingerMs = 5000;

interface Said {
  readonly type: 'line' | 'close';
  readonly text: string;
}

/** Each line is an event; `close` is the last. */
class LineSession implements Session<Said> {
  readonly output: Buffer[] = [];
  #input = '';
  #closed = false;

  /** Bytes so far. */
  received = 0;

  receive(bytes: Buffer): void {
    this.received += bytes.length;
    this.#input += bytes.toString('latin1');
  }

  next(): Said | 'need-data' {
    if (this.#closed) return { type: 'close', text: '' };
    const end = this.#input.indexOf('\n');
    if (end === -1) return 'need-data';
    const text = this.#input.slice(0, end);
    this.#input = this.#input.slice(end + 1);
    return { type: text === 'close' ? 'close' : 'line', text };
  }

  takeOutput(): Buffer[] {
    return this.output.splice(0);
  }

  say(bytes: string | Buffer): void {
    this.output.push(Buffer.from(bytes));
  }

  close(): void {
    this.#closed = true;
  }
}

class Recorder implements Handler<Said> {
  readonly calls: string[] = [];
  readonly #session: LineSession;
  /** What a line leads to, beyond being echoed. */
  act: (text: string) => Promise<void> | undefined = () => undefined;
  open: Promise<void> | undefined;
  atWork = false;
  /** Silence is borne until the turn is over, as while the daemon drains. */
  patient = false;

  constructor(session: LineSession) {
    this.#session = session;
  }

  handle({ text }: Said): Promise<void> | undefined {
    this.calls.push(text);
    this.#session.say(`${text}!`);
    return this.act(text);
  }

  answered(): Promise<void> | undefined {
    return this.open;
  }

  /** May be called again. */
  gone(): void {
    if (this.calls.at(-1) !== '(gone)') this.calls.push('(gone)');
  }

  silent(overdue: boolean): void {
    this.calls.push(overdue ? '(overdue)' : '(silent)');
    if (this.patient && !overdue) return;
    this.#session.say('bye');
    this.#session.close();
  }

  fault(error: unknown): void {
    this.calls.push(`(fault: ${String(error)})`);
    this.#session.say('sorry');
  }
}

describe('drive', () => {
  let pair: SocketPair;
  let inbox: Inbox;
  let clock: FakeClock;
  let session: LineSession;
  let handler: Recorder;
  let stopping: AbortController;
  let heard: string;
  let over: boolean;

  beforeEach(async () => {
    pair = await socketPair();
    inbox = new Inbox(pair.ours);
    clock = new FakeClock();
    session = new LineSession();
    handler = new Recorder(session);
    stopping = new AbortController();
    heard = '';
    over = false;
    pair.peer.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')));
  });

  afterEach(() => {
    pair.ours.destroy();
    pair.peer.destroy();
  });

  function start(): Promise<void> {
    const options = { clock, sessionIdleMs, sessionTurnMs, stopping: stopping.signal };
    return drive(inbox, session, handler, options).then(() => {
      over = true;
    });
  }

  test('hands lines to the handler and its words to the peer, until the close', async () => {
    const driving = start();
    pair.peer.write('one\ntwo\n');
    await until(() => heard === 'one!two!', 'two answers');
    pair.peer.write('close\nnever\n');
    await driving;
    await until(() => pair.ours.closed && pair.peer.readableEnded, 'both are closed');
    await until(() => clock.pending === 0, 'no timer is left');
    expect(handler.calls).toEqual(['one', 'two', '(gone)']);
  });

  test('the next event waits for the handler', async () => {
    const work = Promise.withResolvers<undefined>();
    handler.act = () => work.promise;
    void start();
    pair.peer.write('one\ntwo\n');
    await until(() => handler.calls.length > 0, 'the first event');
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
    expect(handler.calls).toEqual(['one']);
    work.resolve(undefined);
    await until(() => handler.calls.length === 2, 'the second event');
  });

  test('FIN is told while the handler is at work; nothing more is begun', async () => {
    const work = Promise.withResolvers<undefined>();
    handler.act = () => work.promise;
    const driving = start();
    pair.peer.end('one\ntwo\n');
    await until(() => handler.calls.includes('(gone)'), 'the handler hears of it');
    expect(over).toBe(false);
    work.resolve(undefined);
    await driving;
    expect(handler.calls).toEqual(['one', '(gone)']);
  });

  test('a peer that was gone before is told at the end', async () => {
    pair.peer.end('one\n');
    await until(() => inbox.gone.aborted, 'FIN is seen');
    await start();
    expect(handler.calls).toEqual(['(gone)']);
  });

  test('open answers are waited for before more is read', async () => {
    const answer = Promise.withResolvers<undefined>();
    handler.open = answer.promise;
    void start();
    pair.peer.write('one\n');
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
    expect([handler.calls, clock.pending]).toEqual([[], 0]);
    handler.open = undefined;
    answer.resolve(undefined);
    await until(() => handler.calls.length === 1, 'the event');
  });

  test('silence for the idle time is told, and the last words get out', async () => {
    const driving = start();
    await until(() => clock.pending === 1, 'it waits for the peer');
    clock.advance(sessionIdleMs);
    await driving;
    await until(() => heard === 'bye', 'the last words');
    expect(handler.calls).toEqual(['(silent)', '(gone)']);
  });

  test('a peer that drips has one turn, and not one octet more', async () => {
    handler.patient = true;
    const driving = start();
    await until(() => clock.pending === 1, 'it waits for the peer');
    const drips = Math.floor(sessionTurnMs / (sessionIdleMs - 1));
    for (let drip = 1; drip <= drips; drip++) {
      clock.advance(sessionIdleMs - 1);
      pair.peer.write('x');
      await until(() => session.received === drip && clock.pending === 1, 'it waits again');
    }
    clock.advance(sessionIdleMs - 1);
    await driving;
    await until(() => heard === 'bye', 'the last words');
    expect(handler.calls).toEqual(['(silent)', '(overdue)', '(gone)']);
  });

  test('a session that waits for its peer hears of the end of the daemon', async () => {
    const driving = start();
    await until(() => clock.pending === 1, 'it waits for the peer');
    stopping.abort();
    await driving;
    await until(() => heard === 'bye', 'the last words');
    expect(handler.calls).toEqual(['(silent)', '(gone)']);
    await until(() => pair.ours.closed && clock.pending === 0, 'closed');
  });

  test.each([
    ['at work is waited for', true],
    ['with nothing under way is not waited for', false],
  ])('once the daemon stops, a peer %s', async (_, atWork) => {
    handler.atWork = atWork;
    handler.act = () => {
      stopping.abort();
      return undefined;
    };
    const driving = start();
    pair.peer.write('one\n');
    if (atWork) {
      await until(() => handler.calls.length > 0 && clock.pending === 1, 'it waits');
      pair.peer.end();
    }
    await driving;
    expect(handler.calls).toEqual(['one', ...(atWork ? [] : ['(silent)']), '(gone)']);
  });

  test('a handler that throws is a fault: told, said, closed', async () => {
    handler.act = () => Promise.reject(new Error('a bug'));
    const driving = start();
    pair.peer.write('one\n');
    await driving;
    await until(() => heard.endsWith('sorry'), 'the last words');
    expect(handler.calls).toEqual(['one', '(fault: Error: a bug)', '(gone)']);
  });

  const more = Buffer.alloc(32 * 1024 * 1024, 'x');

  test('a peer that does not read its replies is held, and served when it reads', async () => {
    pair.peer.pause();
    session.say(more);
    void start();
    pair.peer.write('one\n');
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect(handler.calls).toEqual([]);
    pair.peer.resume();
    await until(() => handler.calls.includes('one'), 'the event');
    expect(clock.pending).toBe(1);
  });

  test('a peer that never reads its replies is dropped after the idle time', async () => {
    pair.peer.pause();
    session.say(more);
    const driving = start();
    await until(() => clock.pending === 1, 'it waits for the peer to read');
    clock.advance(sessionIdleMs - 1);
    expect(pair.ours.destroyed).toBe(false);
    clock.advance(1);
    await driving;
    expect(pair.ours.destroyed).toBe(true);
    expect(handler.calls.at(-1)).toBe('(gone)');
  });

  test('a peer that does not take our last words is dropped', async () => {
    pair.peer.pause();
    handler.act = () => {
      session.say(more);
      throw new Error('a bug');
    };
    const driving = start();
    pair.peer.write('one\n');
    await until(() => handler.calls.includes('(gone)'), 'the end');
    await driving;
    expect(pair.ours.destroyed).toBe(false);
    clock.advance(lingerMs);
    await until(() => pair.ours.closed, 'closed');
  });
});
