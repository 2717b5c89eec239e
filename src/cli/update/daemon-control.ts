/**
 * The daemon's part in an update: it gives an endpoint no more mail while that loads, and takes it
 * back. What it holds back is a lease that ends by itself, so that an updater that dies leaves
 * nothing drained.
 */
import { askControl, isNobodyThere, Refusal, tellControl } from '../control-client.ts';
import { CliFailure } from '../failure.ts';

/** One endpoint as the daemon sees it; what an older daemon does not say is undefined. */
export interface EndpointReport {
  readonly endpoint: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly state?: string;
  /** Streams that it works on. */
  readonly inflight?: number;
  readonly draining?: boolean;
}

export interface DaemonControl {
  /** @returns undefined when no daemon runs. @throws {CliFailure} when it cannot be asked. */
  endpoints(): Promise<readonly EndpointReport[] | undefined>;
  /**
   * Asks again to prolong.
   *
   * @returns 'unknown' when the daemon has no such endpoint, 'nobody' when none runs.
   * @throws {CliFailure} when it cannot be told, or does not do it.
   */
  drain(endpoint: string, forMs: number): Promise<'drained' | 'unknown' | 'nobody'>;
  /** As `drain`. */
  resume(endpoint: string): Promise<'resumed' | 'unknown' | 'nobody'>;
}

export class HttpControl implements DaemonControl {
  readonly #address: string;
  readonly #answerMs: number;

  /**
   * @param address as [control] has it.
   * @param answerMs for an order; none of them takes time.
   */
  constructor(address: string, answerMs: number) {
    this.#address = address;
    this.#answerMs = answerMs;
  }

  async endpoints(): Promise<readonly EndpointReport[] | undefined> {
    try {
      const status = (await askControl(this.#address, '/status')) as { clamd?: EndpointReport[] };
      return status.clamd ?? [];
    } catch (error) {
      if (error instanceof CliFailure && isNobodyThere(error.cause)) return undefined;
      throw error;
    }
  }

  async drain(endpoint: string, forMs: number): Promise<'drained' | 'unknown' | 'nobody'> {
    const query = new URLSearchParams({ endpoint, for: String(Math.ceil(forMs / 1000)) });
    const answer = await this.#tell(`/endpoints/drain?${query.toString()}`);
    return answer === 'done' ? 'drained' : answer;
  }

  async resume(endpoint: string): Promise<'resumed' | 'unknown' | 'nobody'> {
    const query = new URLSearchParams({ endpoint });
    const answer = await this.#tell(`/endpoints/resume?${query.toString()}`);
    return answer === 'done' ? 'resumed' : answer;
  }

  async #tell(target: string): Promise<'done' | 'unknown' | 'nobody'> {
    try {
      const answer = await tellControl(this.#address, target, this.#answerMs);
      return answer === undefined ? 'nobody' : 'done';
    } catch (error) {
      const refusal = error instanceof CliFailure ? error.cause : undefined;
      if (refusal instanceof Refusal && refusal.status === 404) return 'unknown';
      throw error;
    }
  }
}
