/**
 * Calls from one thread to another, each with its answer, over a port of which both have an end.
 * Arguments and answers are plain data; bytes are given away, so that whoever goes on using them gives
 * a copy.
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { assert } from '../assert.ts';
import { type Failure, failureOf, thrownAs } from './port-failure.ts';

/** What one side can be asked for. */
type Served = Readonly<Record<string, (...args: never[]) => unknown>>;

type Message =
  | { readonly name: string; readonly args: readonly unknown[]; readonly call?: number }
  | { readonly answer: number; readonly value?: unknown; readonly failure?: Failure };

/** The other side is no longer there: its thread has ended, or it has closed its end. */
export class PortClosed extends Error {
  override readonly name = 'PortClosed';
}

export class PortCalls<Theirs> {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;
  #closed = false;

  /**
   * @param ours what the other side may ask for.
   * @param onClose called once, when there is no more to be asked or told.
   */
  constructor(port: MessagePort, ours: Served, onClose: () => void = () => undefined) {
    this.#port = port;
    port.on('message', (message: Message) => {
      if ('answer' in message) this.#answered(message);
      else void this.#serve(ours, message);
    });
    port.on('close', () => {
      this.#closed = true;
      const gone = new PortClosed('the other thread is gone');
      for (const { reject } of this.#waiting.values()) reject(gone);
      this.#waiting.clear();
      onClose();
    });
  }

  /** @throws what serving it throws there. @throws {PortClosed} */
  call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: ArgumentsOf<Theirs[Name]>
  ): Promise<AnswerOf<Theirs[Name]>> {
    if (this.#closed) return Promise.reject(new PortClosed('the other thread is gone'));
    const call = ++this.#calls;
    const waiter = Promise.withResolvers<unknown>();
    this.#waiting.set(call, waiter);
    try {
      this.#send({ name, args, call }, args);
    } catch (error) {
      this.#waiting.delete(call);
      waiter.reject(error);
    }
    return waiter.promise as Promise<AnswerOf<Theirs[Name]>>;
  }

  /** Without an answer; whoever is gone is told nothing. */
  tell<Name extends keyof Theirs & string>(name: Name, ...args: ArgumentsOf<Theirs[Name]>): void {
    if (!this.#closed) this.#send({ name, args }, args);
  }

  close(): void {
    this.#port.close();
  }

  async #serve(ours: Served, message: Extract<Message, { name: string }>): Promise<void> {
    const { name, args, call: answer } = message;
    try {
      const serve = ours[name];
      assert(serve, `nobody serves ${name}`);
      const value = await serve(...(args as never[]));
      if (answer !== undefined) this.#send({ answer, value }, [value]);
    } catch (error) {
      if (answer !== undefined) this.#send({ answer, failure: failureOf(error) });
    }
  }

  #answered({ answer, value, failure }: Extract<Message, { answer: number }>): void {
    const waiter = this.#waiting.get(answer);
    this.#waiting.delete(answer);
    if (failure) waiter?.reject(thrownAs(failure));
    else waiter?.resolve(value);
  }

  #send(message: Message, values: readonly unknown[] = []): void {
    const bytes = values.filter((value) => value instanceof Uint8Array);
    this.#port.postMessage(message, bytes.map(({ buffer }) => buffer) as Transferable[]);
  }
}

type ArgumentsOf<Call> = Call extends (...args: infer Args) => unknown ? Args : never;
type AnswerOf<Call> = Call extends (...args: never[]) => infer Value ? Awaited<Value> : never;
