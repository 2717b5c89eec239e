/** Runs a search in a thread and watches it: an input that does not come to an end is a failure, too. */
import { Worker } from 'node:worker_threads';
import type { Failure } from './campaign.ts';
import { Watched } from './watched.ts';
import type { Message, Progress, Task } from './worker.ts';

export interface HuntHooks {
  readonly needed: (inputs: readonly Buffer[]) => void;
  readonly kept: (input: Buffer) => void;
  readonly failed: (failure: Failure) => void;
  readonly progress: (progress: Progress) => void;
}

const lookMs = 200;
/** V8's heap; buffers lie outside of it, and have a bound of their own in each target. */
const heapMiBMax = 512;

/** @param hangMs after which an input counts as one that never ends. */
export async function hunt(
  task: Omit<Task, 'watched'>,
  hangMs: number,
  hooks: HuntHooks,
): Promise<void> {
  const shared = Watched.memory();
  const watched = new Watched(shared);
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { ...task, watched: shared } satisfies Task,
    resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
  });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const fail = (text: string): void => {
    hooks.failed({ input: watched.input, text });
    resolve(undefined);
  };
  worker.on('message', (message: Message) => {
    hear(message, hooks);
  });
  worker.on('error', (error: unknown) => {
    fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
  worker.on('exit', () => {
    resolve(undefined);
  });
  const timer = watch(watched, hangMs, () => {
    fail(`no end within ${hangMs} ms`);
  });
  await promise;
  clearInterval(timer);
  await worker.terminate();
}

function watch(watched: Watched, hangMs: number, onHang: () => void): NodeJS.Timeout {
  let number = watched.number;
  let since = performance.now();
  return setInterval(() => {
    const now = performance.now();
    if (watched.number !== number) [number, since] = [watched.number, now];
    // Before the first input the thread is loading.
    else if (number > 0 && now - since > hangMs) onHang();
  }, lookMs);
}

function hear(message: Message, hooks: HuntHooks): void {
  switch (message.kind) {
    case 'needed':
      hooks.needed(message.inputs.map((input) => Buffer.from(input)));
      break;
    case 'kept':
      hooks.kept(Buffer.from(message.input));
      break;
    case 'failed':
      hooks.failed({ input: Buffer.from(message.input), text: message.text });
      break;
    case 'progress':
    case 'over':
      hooks.progress(message);
      break;
  }
}
