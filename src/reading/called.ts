/** What the parts of a source are called: their names and types, to whichever reader. */

export class Called {
  readonly names = new Set<string>();
  /** In lower case, without parameters. */
  readonly types = new Set<string>();
  /** Whether there were more than are kept. */
  exceeded = false;
  readonly #max: number;

  /** @param max names, and types. */
  constructor(max: number) {
    this.#max = max;
  }

  name(name: string): void {
    this.#add(this.names, name);
  }

  type(type: string): void {
    this.#add(this.types, type);
  }

  /** @param other what is called in the same message, elsewhere. */
  take(other: Called): void {
    for (const name of other.names) this.name(name);
    for (const type of other.types) this.type(type);
    this.exceeded ||= other.exceeded;
  }

  #add(to: Set<string>, text: string): void {
    if (to.size < this.#max) to.add(text);
    else if (!to.has(text)) this.exceeded = true;
  }
}
