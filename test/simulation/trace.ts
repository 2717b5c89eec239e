/** What happened in a run, line by line, for whoever has to find out why it failed. */
import { createHash } from 'node:crypto';
import type { Timeline } from './timeline.ts';

export class Trace {
  readonly #timeline: Timeline;
  readonly #recording: boolean;
  readonly lines: string[] = [];

  /** @param recording off, a run is faster and tells nothing. */
  constructor(timeline: Timeline, recording: boolean) {
    this.#timeline = timeline;
    this.#recording = recording;
  }

  note(who: string, what: () => string): void {
    if (!this.#recording) return;
    const seconds = (this.#timeline.elapsed / 1000).toFixed(3).padStart(10);
    this.lines.push(`${seconds}  ${who.padEnd(10)} ${what()}`);
  }

  get hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex');
  }
}
