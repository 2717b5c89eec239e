/** What is found in one source, as much of it as a ceiling allows. */
import { Called } from './called.ts';
import type { Found } from './recipe.ts';

export class FoundList {
  readonly #foundMax: number;
  readonly all: Found[] = [];
  readonly called: Called;
  /** What was more than a ceiling allows, in words. */
  exceeded: string | undefined;

  constructor(foundMax: number) {
    this.#foundMax = foundMax;
    this.called = new Called(foundMax);
  }

  add(found: Found): void {
    if (this.all.length < this.#foundMax) this.all.push(found);
    else this.exceeded ??= `more than ${this.#foundMax} readings`;
  }

  /** Adds what another list has, and what it could not hold. */
  take(other: FoundList): void {
    for (const found of other.all) this.add(found);
    this.exceeded ??= other.exceeded;
  }
}
