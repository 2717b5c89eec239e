/**
 * Reads the daemon's replies at the moment it says them, whenever they arrive: what it promises must
 * be true then.
 */
type Act = (code: number) => void;

export class ReplyWatch {
  readonly #expected: Act[] = [];
  #text = '';

  /** The next reply that nobody expects yet is for this one. */
  expect(act: Act = () => undefined): void {
    this.#expected.push(act);
  }

  sent(bytes: Buffer): void {
    this.#text += bytes.toString('latin1');
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end < 0) return;
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      if (line[3] !== '-') this.#expected.shift()?.(Number(line.slice(0, 3)));
    }
  }
}
