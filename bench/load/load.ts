/**
 * The load, in a process of its own so that its CPU time can be told from that of what it loads.
 * Started by stage.ts; takes a job from its parent, does it, and answers with what it saw.
 */
import { scanAlone } from './clamd-load.ts';
import { cycleOf, type Kind, makerOf, streamsOf } from './content.ts';
import type { Maker, Sample } from './template.ts';
import { SmtpLoad } from './smtp-load.ts';

export interface Job {
  readonly target:
    | { readonly protocol: 'smtp'; readonly port: number }
    | {
        readonly protocol: 'clamd';
        readonly path: string;
        /** Not the decoded parts besides it. */
        readonly wholeOnly?: boolean;
      };
  readonly kind: Kind;
  /** Messages at work at once. */
  readonly sessions: number;
  /** No message is begun after that, but where sizes are mixed until each had its turn. */
  readonly seconds: number;
  /** No message is begun when so many were. */
  readonly messages?: number;
  /** Messages on one SMTP connection, before the next one is opened. */
  readonly perConnection: number;
}

export interface JobDone {
  readonly messages: number;
  /** From the first message's beginning to the last one's end. */
  readonly seconds: number;
  /** Of each message, from its first byte (its connection, where it has its own) to its answer. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

export type JobAnswer = JobDone | { readonly error: string };

/** Sends samples until it is told that there are no more. */
type Sender = (next: () => Sample | undefined, seen: (ms: number) => void) => Promise<void>;

/** Counts over all jobs: clamd remembers what it has scanned. */
let serial = 0;
/** What is composed once; a message with a large attachment takes a second. */
const makers = new Map<Kind, Maker>();

async function run(job: Job): Promise<JobDone> {
  const make = makers.get(job.kind) ?? makerOf(job.kind);
  makers.set(job.kind, make);
  const latencies: number[] = [];
  const begun = performance.now();
  const { messages = Infinity, seconds: secondsMax } = job;
  let count = 0;
  const next = (): Sample | undefined => {
    const isOver = performance.now() - begun >= secondsMax * 1000;
    if (count >= messages || (isOver && count % cycleOf(job.kind) === 0)) return undefined;
    count++;
    return make(++serial);
  };
  const send = senderTo(job);
  await Promise.all(
    Array.from({ length: job.sessions }, () =>
      send(next, (ms) => {
        latencies.push(ms);
      }),
    ),
  );
  const seconds = (performance.now() - begun) / 1000;
  return { messages: latencies.length, seconds, latencyMs: quantilesOf(latencies) };
}

function senderTo({ target, perConnection }: Job): Sender {
  return target.protocol === 'smtp'
    ? smtpSender(target.port, perConnection)
    : clamdSender(target.path, target.wholeOnly === true);
}

function smtpSender(port: number, perConnection: number): Sender {
  return async (next, seen) => {
    let sample = next();
    while (sample !== undefined) {
      let begun = performance.now();
      const connection = await SmtpLoad.open(port);
      for (let sent = 0; sample !== undefined && sent < perConnection; sent++) {
        await connection.send(sample.message);
        const now = performance.now();
        seen(now - begun);
        begun = now;
        sample = next();
      }
      connection.quit();
    }
  };
}

function clamdSender(path: string, wholeOnly: boolean): Sender {
  return async (next, seen) => {
    for (let sample = next(); sample !== undefined; sample = next()) {
      const begun = performance.now();
      const [whole, ...parts] = streamsOf(sample);
      if (whole) await scanAlone(path, whole);
      if (!wholeOnly) for (const part of parts) await scanAlone(path, part);
      seen(performance.now() - begun);
    }
  };
}

function quantilesOf(values: number[]): JobDone['latencyMs'] {
  values.sort((a, b) => a - b);
  const at = (share: number): number => values[Math.floor(share * (values.length - 1))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

process.on('message', (job: Job) => {
  const answer = (what: JobAnswer): void => {
    process.send?.(what);
  };
  run(job).then(answer, (error: unknown) => {
    answer({ error: error instanceof Error ? error.message : String(error) });
  });
});
process.on('disconnect', () => process.exit());
