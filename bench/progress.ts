/** How far a long run has come, and when it will end if it goes on like that. */

export class Progress {
  readonly #steps: number;
  readonly #tell: (what: string) => void;
  readonly #now: () => number;
  readonly #begun: number;
  #done = 0;

  /** @param now in milliseconds. */
  constructor(steps: number, tell: (what: string) => void, now = () => performance.now()) {
    this.#steps = steps;
    this.#tell = tell;
    this.#now = now;
    this.#begun = now();
  }

  /** One more of the steps is done. */
  done(what: string): void {
    this.#done++;
    const left = ((this.#now() - this.#begun) / this.#done) * (this.#steps - this.#done);
    this.#tell(`[${this.#done} of ${this.#steps}, ${durationText(left / 1000)} left] ${what}`);
  }
}

function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
