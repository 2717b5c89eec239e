/** Follows a recipe: fed with the bytes of a message, it gives those of the reading. */
import type { Decoder, DecoderName } from './decoder.ts';
import { decoderOf } from './decoders.ts';
import { differingStep, type Recipe, type Step } from './recipe.ts';

/** A range of what it is fed with, decoded. */
class FollowedStep {
  readonly #step: Step;
  readonly decoder: Decoder;
  #at: number;

  /** @param at the offset of the first byte that it will be fed with. */
  constructor(step: Step, at: number) {
    this.#step = step;
    this.#at = at;
    this.decoder = decoderOf(step.decoder);
  }

  /** Whether no byte that is still to come matters. */
  get satisfied(): boolean {
    return this.#step.to !== undefined && this.#at >= this.#step.to;
  }

  feed(chunk: Buffer): Buffer {
    const { from, to = Infinity } = this.#step;
    const start = Math.max(0, from - this.#at);
    const end = Math.min(chunk.length, to - this.#at);
    this.#at += chunk.length;
    return this.decoder.decode(chunk.subarray(start, Math.max(start, end)));
  }
}

export class Follower {
  readonly #steps: readonly FollowedStep[];
  readonly #differing: number;

  /** @param at the offset in the message of the first byte that it will be fed with. */
  constructor(recipe: Recipe, at = 0) {
    this.#steps = recipe.steps.map((step, index) => new FollowedStep(step, index === 0 ? at : 0));
    this.#differing = differingStep(recipe);
  }

  /** Whether the reading is complete but for what `end` gives. */
  get satisfied(): boolean {
    return this.#steps.some(({ satisfied }) => satisfied);
  }

  feed(chunk: Buffer): Buffer {
    return this.#steps.reduce((bytes, step) => step.feed(bytes), chunk);
  }

  end(): Buffer {
    return this.#steps.reduce(
      (bytes, step) => Buffer.concat([step.feed(bytes), step.decoder.end()]),
      Buffer.alloc(0),
    );
  }

  /** Once ended: decoders to try, for `instead`. */
  get others(): readonly DecoderName[] {
    return this.#steps[this.#differing]?.decoder.others ?? [];
  }
}
