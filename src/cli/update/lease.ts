/** Holds one endpoint drained, by asking the daemon for it again and again until it is given back. */
import type { Clock, Timer } from '../../clock.ts';
import type { DaemonControl } from './daemon-control.ts';
import type { UpdateLimits } from './limits.ts';

export class Lease {
  readonly #control: DaemonControl;
  readonly #endpoint: string;
  readonly #clock: Clock;
  readonly #limits: Pick<UpdateLimits, 'leaseMs' | 'renewMs'>;
  #timer: Timer | undefined;
  #ended = false;
  /** A renewal under way: given back is only after it, or it would be drained once more. */
  #renewal: Promise<unknown> = Promise.resolve();

  constructor(
    control: DaemonControl,
    endpoint: string,
    clock: Clock,
    limits: Pick<UpdateLimits, 'leaseMs' | 'renewMs'>,
  ) {
    this.#control = control;
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** As `DaemonControl.drain`; where it is drained it stays so until `end`. */
  async begin(): Promise<'drained' | 'unknown' | 'nobody'> {
    const answer = await this.#control.drain(this.#endpoint, this.#limits.leaseMs);
    if (answer === 'drained') this.#renewLater();
    return answer;
  }

  /** As `DaemonControl.resume`. Further calls do nothing more than ask again. */
  async end(): Promise<'resumed' | 'unknown' | 'nobody'> {
    this.#ended = true;
    this.#timer?.cancel();
    await this.#renewal;
    return this.#control.resume(this.#endpoint);
  }

  #renewLater(): void {
    this.#timer = this.#clock.after(this.#limits.renewMs, () => {
      // A daemon that is being restarted is back before the lease would have ended.
      this.#renewal = this.#control
        .drain(this.#endpoint, this.#limits.leaseMs)
        .catch(() => undefined)
        .then(() => {
          if (!this.#ended) this.#renewLater();
        });
    });
  }
}
