/**
 * One stream's way through the pool: a place, a connection, the stream; and when that fails one more
 * try with another clamd. What each try showed is told to the clamd's own record (clamd-endpoint.ts).
 */
import type { Socket } from 'node:net';
import type { CancelSignal } from '../cancel-signal.ts';
import { Cancelled, OperationalError } from '../errors.ts';
import type { InstreamReply } from '../protocol/clamd/instream.ts';
import type { ClamdEndpoint } from './clamd-endpoint.ts';
import type { ClamdPlaces, NoPlace, Place, Waiting } from './clamd-places.ts';
import { dial, type Dialling, FullBacklog } from './clamd-socket.ts';
import { type ClamdWorth, noWorth, worthOver } from './clamd-worth.ts';
import { scanStream, type StreamAnswer, type StreamSettings } from './clamd-stream.ts';
import { eitherOf } from './either-signal.ts';
import type { Evidence } from './endpoint-state.ts';
import type { Latency } from './latency.ts';
import { OpenedStream, type StreamSource } from './opened-stream.ts';

export interface ClamdAnswer {
  readonly reply: InstreamReply;
  /** clamd's words, or what went wrong in ours. */
  readonly words: string;
  /** Which clamd; '' when none could be reached. */
  readonly endpoint: string;
  /** From the first byte sent to the answer. */
  readonly ms: number;
  /** From the last byte sent to the answer: what clamd itself took. */
  readonly scanMs: number;
  /** What is known of the clamd, whatever becomes of the pool when it has answered. */
  readonly worth: ClamdWorth;
  /** clamd ended, or hung, while it scanned: perhaps because of this stream. */
  readonly broke?: true;
}

export interface AttemptSettings extends Dialling, Omit<StreamSettings, 'released'> {
  /** For how long a stream waits for a clamd. */
  readonly waitMs: number;
}

export interface AttemptParts {
  readonly places: ClamdPlaces;
  readonly latency: Latency;
  readonly settings: () => AttemptSettings;
  readonly worth: (endpoint: ClamdEndpoint) => ClamdWorth;
}

interface Attempt {
  readonly answer: ClamdAnswer;
  /** Undefined where there was none to try. */
  readonly endpoint: ClamdEndpoint | undefined;
}

export class StreamAttempts {
  readonly #parts: AttemptParts;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /**
   * Scans one stream. That no clamd could do it is an answer (`failed`), not an error.
   *
   * @throws {Cancelled} when `signal` is aborted.
   * @throws what reading the source throws.
   */
  async scan(source: StreamSource, signal: CancelSignal): Promise<ClamdAnswer> {
    const stream = await OpenedStream.open(source);
    const { settings, places } = this.#parts;
    const { clock, waitMs } = settings();
    const until = clock.monotonic() + waitMs;
    try {
      const { answer, endpoint } = await this.#attempt(stream, { until }, signal);
      const isDone = answer.reply.kind !== 'failed' || endpoint === undefined;
      if (isDone || places.endpoints.length < 2 || !(await stream.rewind())) return answer;
      const second = await this.#attempt(stream, { until, except: endpoint }, signal);
      return withEarlier(second.answer, answer);
    } finally {
      stream.close();
    }
  }

  /** A clamd that cannot be reached has had nothing of the stream: the next one in turn is taken. */
  async #attempt(stream: OpenedStream, waiting: Waiting, signal: CancelSignal): Promise<Attempt> {
    const { places, worth } = this.#parts;
    for (;;) {
      const place = await places.enter(signal, waiting);
      if (typeof place === 'string') {
        return { answer: this.#nowhere(place), endpoint: undefined };
      }
      const socket = await this.#reach(place, signal);
      if (!socket) continue;
      const { endpoint } = place;
      const { clock } = this.#parts.settings();
      const start = clock.monotonic();
      const sent = worth(endpoint);
      const answer = await this.#scanAt(place, socket, stream, signal);
      const ms = clock.monotonic() - start;
      const of = { endpoint: endpoint.address.name, worth: worthOver(sent, worth(endpoint)) };
      return { answer: { ...answer, ...of, ms }, endpoint };
    }
  }

  /** @returns undefined where there is no connection; the place is given back then. */
  async #reach(place: Place, signal: CancelSignal): Promise<Socket | undefined> {
    try {
      return await dial(place.endpoint.address, this.#parts.settings(), signal);
    } catch (error) {
      place.leave();
      if (!(error instanceof OperationalError)) throw error;
      const kind = error instanceof FullBacklog ? 'full' : 'gone';
      place.endpoint.learn({ kind, detail: error.message });
      return undefined;
    }
  }

  async #scanAt(
    place: Place,
    socket: Socket,
    stream: OpenedStream,
    signal: CancelSignal,
  ): Promise<Pick<ClamdAnswer, 'reply' | 'words' | 'scanMs' | 'broke'>> {
    const { endpoint } = place;
    const settings = {
      ...this.#parts.settings(),
      released: () => {
        place.leave();
      },
    };
    // Where there is nowhere else to go, or no way back, it stays until it is answered.
    const canMove = this.#parts.places.endpoints.length > 1 && stream.isRepeatable;
    const either = canMove ? eitherOf(signal, endpoint.outage) : undefined;
    try {
      const both = either?.signal ?? signal;
      return this.#judged(endpoint, await scanStream(socket, stream.blocks(), settings, both));
    } catch (error) {
      if (!(error instanceof Cancelled) || signal.aborted) throw error;
      return failure(`given up: ${endpoint.state}, ${endpoint.health.detail}`);
    } finally {
      either?.release();
    }
  }

  /** What the answer tells of the clamd, and whether that lets it be believed. */
  #judged(endpoint: ClamdEndpoint, answer: StreamAnswer): StreamAnswer {
    const { reply, scanMs } = answer;
    endpoint.learn(evidenceOf(answer));
    if (reply.kind === 'failed') return answer;
    // What lay in its backlog while it reloaded says nothing of how slow it is.
    const { clock } = this.#parts.settings();
    const { state, since } = endpoint.health;
    if (state === 'ready' && since <= clock.monotonic() - scanMs) {
      this.#parts.latency.observe(scanMs);
    }
    if (reply.kind !== 'ok' || endpoint.state !== 'lying') return answer;
    return failure(`'${answer.words}', and it lies: ${endpoint.health.detail}`);
  }

  #nowhere(why: NoPlace): ClamdAnswer {
    const states = this.#parts.places.endpoints.map(
      ({ address, state, isDraining, health }) =>
        `${address.name} ${isDraining ? 'draining' : state}: ${health.detail}`,
    );
    const words = [nowhereWords[why], ...states].join('; ');
    return { ...failure(words), endpoint: '', worth: noWorth, ms: 0 };
  }
}

const nowhereWords: Readonly<Record<NoPlace, string>> = {
  'line-full': 'the line for clamd is full',
  late: 'no clamd was free in time',
  none: 'no clamd is there',
};

function evidenceOf({ reply, words, unasked }: StreamAnswer): Evidence {
  if (unasked) return { kind: 'lie', detail: words };
  return reply.kind === 'failed' ? { kind: 'broke', detail: words } : { kind: 'scanned' };
}

function failure(words: string): { reply: InstreamReply; words: string; scanMs: number } {
  return { reply: { kind: 'failed' }, words, scanMs: 0 };
}

/** Both attempts' words, so that a log line tells of the two clamds. */
function withEarlier(answer: ClamdAnswer, earlier: ClamdAnswer): ClamdAnswer {
  if (answer.reply.kind !== 'failed') return answer;
  const words = `${answer.words}; before that ${earlier.endpoint}: ${earlier.words}`;
  // Where there was no second clamd, what the first one died of counts.
  const broke = answer.endpoint === '' && earlier.broke;
  return { ...answer, words, ...(broke && { broke }) };
}
