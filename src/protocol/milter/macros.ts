/**
 * What the MTA has told by macros: those of a command come before it and hold until that command
 * comes anew. Sendmail's and Postfix's names; `i` is the queue id, told from DATA on at the latest.
 */
import type { Macros } from './payload.ts';

export class MacroTable {
  readonly #bytesMax: number;
  readonly #byCommand = new Map<string, Macros>();

  /** @param bytesMax names and values of all that hold. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @returns false when there are more than may be. */
  set(macros: Macros): boolean {
    this.#byCommand.set(macros.letter, macros);
    let size = 0;
    for (const { values } of this.#byCommand.values()) {
      for (const [name, value] of values) size += name.length + value.length;
    }
    return size <= this.#bytesMax && this.#byCommand.size <= commandsMax;
  }

  /** Whichever command it came with, the later one first. */
  get(wanted: string): string | undefined {
    for (const letter of latestFirst) {
      const found = this.#byCommand.get(letter)?.values.find(([name]) => name === wanted);
      if (found) return found[1];
    }
    return undefined;
  }

  /** A message is over: what was told of it holds no more. */
  endMessage(): void {
    for (const letter of ofMessage) this.#byCommand.delete(letter);
  }

  endConnection(): void {
    this.#byCommand.clear();
  }
}

/** More letters than there are commands; a name without letters must not cost memory either. */
const commandsMax = 32;
const ofMessage = ['M', 'R', 'T', 'L', 'N', 'B', 'E'] as const;
const latestFirst = ['E', 'B', 'N', 'L', 'T', 'R', 'M', 'H', 'C'] as const;
