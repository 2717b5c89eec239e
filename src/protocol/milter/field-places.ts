/**
 * Where a field stands that is to be taken away: an MTA finds it by its name and by the how-manieth
 * of that name it is.
 */
import type { Modification } from './responses.ts';

export class FieldPlaces {
  readonly #wanted: string;
  readonly #seen = new Map<string, number>();
  readonly #found: { readonly name: string; readonly index: number }[] = [];

  /** @param wanted in any case. */
  constructor(wanted: string) {
    this.#wanted = wanted.toLowerCase();
  }

  /** The next field of the header section. As for the most lenient of readers, blanks do not count. */
  see(name: string): void {
    const lower = name.toLowerCase();
    if (lower.replace(/[\r\n \t]/g, '') !== this.#wanted) return;
    const index = (this.#seen.get(lower) ?? 0) + 1;
    this.#seen.set(lower, index);
    this.#found.push({ name, index });
  }

  /** The last one first: whether what is gone still counts is not the same to every MTA. */
  deletions(): Modification[] {
    return this.#found
      .map((place): Modification => ({ kind: 'delete-header', ...place }))
      .reverse();
  }
}
