/**
 * Goes into the daemon with --import and measures how long its event loop is held: how late a timer
 * of a few milliseconds comes, and how much of that time the thread was computing. The rest of it
 * other processes had the core, which says nothing about the daemon.
 *
 * Whoever connects to the socket is told the longest since it was asked last.
 */
import { createServer } from 'node:net';
import { env } from 'node:process';
import { isMainThread } from 'node:worker_threads';

/** What the probe tells, in milliseconds. */
export interface Hold {
  /** How late the timer came at the most. */
  readonly late: number;
  /** The most CPU time of the main thread between two of its ticks, or how late it came, if less. */
  readonly computing: number;
}

const tickMs = 4;
const path = env['CLAMGATE_BENCH_PROBE'];

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

if (path !== undefined && isMainThread) {
  let longest: Hold = { late: 0, computing: 0 };
  let last = { time: performance.now(), cpu: cpuMs() };
  setInterval(() => {
    const now = { time: performance.now(), cpu: cpuMs() };
    const late = now.time - last.time - tickMs;
    const computing = Math.min(late, now.cpu - last.cpu);
    longest = {
      late: Math.max(longest.late, late),
      computing: Math.max(longest.computing, computing),
    };
    last = now;
  }, tickMs).unref();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify(longest));
    longest = { late: 0, computing: 0 };
  });
  server.listen({ path }).unref();
}
