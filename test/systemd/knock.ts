/**
 * Connects to a port again and again until its input ends, as Postfix would, and says as JSON what came
 * of it: greeted, or how it was refused.
 */
import { connect } from 'node:net';
import { argv, exit, stdin, stdout } from 'node:process';

export interface Knocked {
  /** Connections that were begun. */
  readonly knocks: number;
  /** How many ended how: a reply code, an error, or 'closed'. */
  readonly ends: Readonly<Record<string, number>>;
  /** The longest wait for a greeting, in milliseconds. */
  readonly longestMs: number;
}

const everyMs = 20;
/** Postfix would wait five minutes; no restart takes so long. */
const patienceMs = 90_000;

const port = Number(argv[2]);
const ends: Record<string, number> = {};
let knocks = 0;
let open = 0;
let longestMs = 0;

function knock(): void {
  knocks++;
  open++;
  const began = performance.now();
  const socket = connect({ port, host: '127.0.0.1' });
  let over = false;
  const end = (how: string): void => {
    if (over) return;
    over = true;
    open--;
    ends[how] = (ends[how] ?? 0) + 1;
    longestMs = Math.max(longestMs, Math.round(performance.now() - began));
  };
  socket.setTimeout(patienceMs, () => {
    end('silence');
    socket.destroy();
  });
  socket.setEncoding('latin1').on('data', (text: string) => {
    end(text.slice(0, 3));
    socket.end('QUIT\r\n');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end(error.code ?? error.message);
  });
  socket.on('close', () => {
    end('closed');
  });
}

const timer = setInterval(knock, everyMs);
stdin.resume().on('end', () => {
  clearInterval(timer);
  const report = (): void => {
    if (open > 0) {
      setTimeout(report, 50);
      return;
    }
    stdout.write(`${JSON.stringify({ knocks, ends, longestMs } satisfies Knocked)}\n`, () =>
      exit(),
    );
  };
  report();
});
