/** A model peer's end of a connection: text out, lines and replies in, with patience. */
import type { End, Receiver } from './network.ts';
import type { Life, Timeline } from './timeline.ts';

/** A reply: its code and its last line. */
export interface Heard {
  readonly code: number;
  readonly text: string;
}

export class Talk implements Receiver {
  readonly at: End;
  readonly #timeline: Timeline;
  readonly #life: Life;
  #text = '';
  #over = false;
  #wake: (() => void) | undefined;

  constructor(end: End, timeline: Timeline, life: Life) {
    this.at = end;
    this.#timeline = timeline;
    this.#life = life;
    end.receiver = this;
  }

  /** Whether the other side has closed or reset. */
  get over(): boolean {
    return this.#over;
  }

  bytes(chunk: Buffer): void {
    this.#text += chunk.toString('latin1');
    this.#wake?.();
  }

  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  reset(): void {
    this.end();
  }

  say(text: string): void {
    this.at.send(Buffer.from(text, 'latin1'));
  }

  close(): void {
    this.at.close();
  }

  /** A line without its CRLF; undefined when none came in time, or the other side is gone. */
  async line(ms: number): Promise<string | undefined> {
    return (await this.#upTo('\r\n', ms))?.slice(0, -2);
  }

  /** The content up to the final dot, dots as they came. */
  async content(ms: number): Promise<string | undefined> {
    if (await this.#starts('.\r\n', ms)) return '';
    return (await this.#upTo('\r\n.\r\n', ms))?.slice(0, -3);
  }

  /** A whole reply, however many lines it has. */
  async reply(ms: number): Promise<Heard | undefined> {
    for (;;) {
      const line = await this.line(ms);
      if (line === undefined) return undefined;
      if (line[3] !== '-') return { code: Number(line.slice(0, 3)), text: line };
    }
  }

  async #starts(text: string, ms: number): Promise<boolean> {
    const deadline = this.#timeline.elapsed + ms;
    while (this.#text.length < text.length && (await this.#more(deadline)));
    if (!this.#text.startsWith(text)) return false;
    this.#text = this.#text.slice(text.length);
    return true;
  }

  async #upTo(mark: string, ms: number): Promise<string | undefined> {
    const deadline = this.#timeline.elapsed + ms;
    for (;;) {
      const at = this.#text.indexOf(mark);
      if (at >= 0) {
        const found = this.#text.slice(0, at + mark.length);
        this.#text = this.#text.slice(at + mark.length);
        return found;
      }
      if (!(await this.#more(deadline))) return undefined;
    }
  }

  /** Waits for more; false when it is too late, or there will be none. */
  async #more(deadline: number): Promise<boolean> {
    const left = deadline - this.#timeline.elapsed;
    if (this.#over || left <= 0) return false;
    await new Promise<void>((resolve) => {
      const timer = this.#timeline.after(left, `patience ${this.at.name}`, resolve, this.#life);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = undefined;
    return true;
  }
}
