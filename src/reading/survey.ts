/**
 * The door of the room: looks through the bytes of a source, once and piece by piece, for all that
 * a client might take from it. What it finds are recipes; to follow them is follow.ts.
 */
import type { BodyLimits } from './bodies.ts';
import type { CharsetName } from './decoder.ts';
import { InlineFinder } from './inline.ts';
import type { Found, Recipe } from './recipe.ts';
import { Segmenter } from './segmenter.ts';
import { TnefFinder } from './tnef.ts';

/** What a text in another character set begins with (Unicode's byte order mark). */
const marks: readonly (readonly [Buffer, CharsetName])[] = [
  [Buffer.from([0xff, 0xfe, 0, 0]), 'utf-32le'],
  [Buffer.from([0, 0, 0xfe, 0xff]), 'utf-32be'],
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
  [Buffer.from('+/v'), 'utf-7'],
];

export class Survey {
  readonly #segmenter: Segmenter | undefined;
  readonly #inline: InlineFinder | undefined;
  readonly #tnef: TnefFinder | undefined;
  #head: Buffer = Buffer.alloc(0);

  private constructor(segmenter?: Segmenter, inline?: InlineFinder, tnef?: TnefFinder) {
    this.#segmenter = segmenter;
    this.#inline = inline;
    this.#tnef = tnef;
  }

  /** Of a whole message, which begins with a header. */
  static ofMessage(limits: BodyLimits): Survey {
    return new Survey(new Segmenter('message', limits));
  }

  /** Of what a recipe gives. Where that stands as it is, its source was cut into bodies already. */
  static ofReading({ steps, declared }: Recipe, limits: BodyLimits): Survey {
    const isRange = steps.every(({ decoder }) => decoder === 'as it stands');
    const segmenter = isRange ? undefined : new Segmenter('body', limits, declared);
    return new Survey(segmenter, new InlineFinder(), new TnefFinder());
  }

  feed(chunk: Buffer): void {
    this.#segmenter?.feed(chunk);
    this.#inline?.feed(chunk);
    this.#tnef?.feed(chunk);
    if (this.#head.length < 4) this.#head = Buffer.concat([this.#head, chunk.subarray(0, 4)]);
  }

  /** What was found; to be called once, at the end. */
  end(): readonly Found[] {
    this.#segmenter?.end();
    this.#inline?.end();
    const { found: bodies = [] } = this.#segmenter ?? {};
    const { found: inline = [] } = this.#inline ?? {};
    const { found: attachments = [] } = this.#tnef ?? {};
    const text = this.#inline === undefined ? [] : this.#byMark();
    return [...bodies, ...inline, ...attachments, ...text];
  }

  /** What was more than a ceiling allows, in words. */
  get exceeded(): string | undefined {
    return this.#segmenter?.exceeded;
  }

  /** Whether the message is a fragment of one (message/partial). */
  get isFragment(): boolean {
    return this.#segmenter?.isFragment ?? false;
  }

  #byMark(): Found[] {
    const mark = marks.find(([bytes]) => this.#head.subarray(0, bytes.length).equals(bytes));
    if (mark === undefined) return [];
    const steps = [{ from: 0, to: undefined, decoder: mark[1] }];
    return [{ steps, why: 'a byte order mark', odd: false, declared: 'other' }];
  }
}
