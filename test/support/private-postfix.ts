/**
 * A real Postfix of its own: configuration, queue and data in a throw-away directory, ports on
 * loopback that nothing else has, the sink as the only place mail can go. It needs root (Postfix
 * gives its rights up by itself) and never looks at the host's own configuration or queue.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { accepts, freePort } from './ports.ts';
import { mainCf, masterCf, type Place, type PostfixOptions } from './private-postfix-config.ts';
import { startSink, type Sink, type SinkOptions } from './sink.ts';
import { makeWorkdir, type Workdir } from './workdir.ts';

const run = promisify(execFile);
/** The commands of Postfix stand in sbin, which is not on everyone's PATH. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

/** A message goes from incoming to active to deferred and back: looked at in a ring, none is missed. */
const queues = ['hold', 'maildrop', 'deferred', 'incoming', 'active', 'deferred'];

/** A benchmark has its error in the rate. */
const pollMs = 20;

/**
 * Resolves when Postfix accepts mail.
 * @param options.reinjectPort where it has to be known beforehand, as a filter's next hop.
 */
export async function startPostfix(
  options: PostfixOptions & { sink?: SinkOptions; reinjectPort?: number } = {},
): Promise<PrivatePostfix> {
  const workdir = makeWorkdir();
  const sink = await startSink(options.sink);
  const place = {
    directory: workdir.path,
    submitPort: await freePort(),
    reinjectPort: options.reinjectPort ?? (await freePort()),
    sinkPort: sink.port,
  };
  const postfix = new PrivatePostfix(workdir, sink, place);
  try {
    await layOut(place, options);
    workdir.owns(join(postfix.queueDirectory, 'pid/master.pid'));
    // Returns when the services listen, or with an error when one of them cannot.
    await run('postfix', ['-c', postfix.configDirectory, 'start'], { env });
  } catch (error) {
    const log = await postfix.logLines();
    await postfix.stop();
    throw new Error(`Postfix does not start:\n${log.join('\n')}`, { cause: error });
  }
  return postfix;
}

/** The directories below the queue are made by `postfix start`. */
async function layOut(place: Place, options: PostfixOptions): Promise<void> {
  for (const name of ['config', 'queue', 'data']) mkdirSync(join(place.directory, name));
  write(join(place.directory, 'config/main.cf'), mainCf(place, options));
  write(join(place.directory, 'config/master.cf'), masterCf(place, options));
  // The log too: after a kill -9 `postfix start` warns of a half-made queue file, by a postsuper that
  // has given up root and meets no postlogd yet, and what it cannot log it dies of.
  write(join(place.directory, 'mail.log'), '');
  await run('chown', [
    'postfix',
    ...['data', 'mail.log'].map((name) => join(place.directory, name)),
  ]);
}

/** Postfix waits two seconds for a file as new as that, lest it be half written; so it is aged. */
function write(path: string, text: string): void {
  const earlier = new Date(Date.now() - 60_000);
  writeFileSync(path, text);
  utimesSync(path, earlier, earlier);
}

export class PrivatePostfix {
  /** Where mail enters; what is sent here goes through the filter, when there is one. */
  readonly submitPort: number;
  /** Where a filter hands mail back (FILTER_README). */
  readonly reinjectPort: number;
  /** Where everything that is delivered ends. */
  readonly sink: Sink;
  readonly configDirectory: string;
  readonly queueDirectory: string;
  readonly #workdir: Workdir;
  /** As it was at the start. */
  #masterCf: string | undefined;

  constructor(workdir: Workdir, sink: Sink, place: Place) {
    this.#workdir = workdir;
    this.sink = sink;
    this.submitPort = place.submitPort;
    this.reinjectPort = place.reinjectPort;
    this.configDirectory = join(workdir.path, 'config');
    this.queueDirectory = join(workdir.path, 'queue');
  }

  /** What Postfix has logged; a line may come a moment after what it tells of. */
  async logLines(): Promise<readonly string[]> {
    try {
      return (await readFile(join(this.#workdir.path, 'mail.log'), 'utf8')).trimEnd().split('\n');
    } catch {
      return [];
    }
  }

  /** Resolves to the first line of the log that matches; rejects after `seconds` without one. */
  async logged(pattern: RegExp, seconds = 30): Promise<string> {
    const find = async (): Promise<string | undefined> =>
      (await this.logLines()).find((line) => pattern.test(line));
    return this.#eventually(find, `no line of the log matches ${String(pattern)}`, seconds);
  }

  /** The queue ids of what is neither delivered nor bounced. */
  async queued(): Promise<readonly string[]> {
    const ids = new Set<string>();
    for (const queue of queues) {
      const directory = join(this.queueDirectory, queue);
      const entries = await readdir(directory, { recursive: true, withFileTypes: true });
      for (const entry of entries) if (entry.isFile()) ids.add(entry.name);
    }
    return [...ids];
  }

  /** Resolves when the queue is empty; rejects after `seconds`. */
  async drained(seconds = 30): Promise<void> {
    await this.queuedAre(0, seconds);
  }

  /**
   * Resolves when so many are in the queue; rejects after `seconds`. Not at the first look: what
   * cleanup(8) refuses it has logged before it takes its half-made queue file away.
   */
  async queuedAre(count: number, seconds = 30): Promise<void> {
    const asMany = async (): Promise<true | undefined> =>
      (await this.queued()).length === count || undefined;
    await this.#eventually(asMany, `the queue does not hold ${count}`, seconds);
  }

  /** Stops listening for mail from the filter, or begins again. */
  async setReinjection(on: boolean): Promise<void> {
    const path = join(this.configDirectory, 'master.cf');
    const entry = `127.0.0.1:${this.reinjectPort} inet`;
    this.#masterCf ??= await readFile(path, 'utf8');
    // With the lines that belong to it: its options and the comments between them.
    const lines = new RegExp(`^${entry}.*\\n(?:(?:\\s|#).*\\n)*`, 'm');
    write(path, on ? this.#masterCf : this.#masterCf.replace(lines, ''));
    await run('postfix', ['-c', this.configDirectory, 'reload'], { env });
    await this.#eventually(
      async () => (await accepts(this.reinjectPort)) === on || undefined,
      `the re-injection port is ${on ? 'closed' : 'open'}`,
      30,
    );
  }

  /** Tries everything that is deferred, now. */
  async flush(): Promise<void> {
    await run('postfix', ['-c', this.configDirectory, 'flush'], { env });
  }

  /** Kills Postfix, stops the sink and leaves nothing behind. */
  async stop(): Promise<void> {
    await Promise.all([this.#workdir.remove(), this.sink.stop()]);
  }

  async #eventually<T>(
    look: () => Promise<T | undefined>,
    failure: string,
    seconds: number,
  ): Promise<T> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > end) {
        const log = (await this.logLines()).slice(-30).join('\n');
        throw new Error(`after ${seconds} s ${failure}; the log ends with\n${log}`);
      }
      await delay(pollMs);
    }
  }
}
