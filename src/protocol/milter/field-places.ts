/**
 * Where a field stands that is to be taken away: an MTA finds it by its name and by the how-manieth
 * of that name it is.
 */
import type { Modification } from './responses.ts';

export class FieldPlaces {
  readonly #wanted: string;
  readonly #seen = new Map<string, number>();
  readonly #found: { readonly name: string; readonly index: number }[] = [];

  readonly #most: number;

  /**
   * @param wanted in any case.
   * @param most of them that are kept.
   */
  constructor(wanted: string, most: number) {
    this.#wanted = wanted.toLowerCase();
    this.#most = most;
  }

  /** Whether there were more than are kept. */
  get tooMany(): boolean {
    return this.#found.length > this.#most;
  }

  /** The next field of the header section. As for the most lenient of readers, blanks do not count. */
  see(name: string): void {
    const lower = name.toLowerCase();
    if (this.tooMany || lower.replace(/[\r\n \t]/g, '') !== this.#wanted) return;
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
