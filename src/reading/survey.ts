/**
 * The door of the room: looks through the bytes of a source, once and piece by piece, for all that
 * a client might take from it. What it finds are recipes; to follow them is follow.ts.
 */
import type { SurveyLimits } from './bodies.ts';
import type { Called } from './called.ts';
import { DataUriFinder } from './data-uri.ts';
import type { CharsetName } from './decoder.ts';
import { EncodedLook } from './encoded-look.ts';
import { FoundList } from './found-list.ts';
import { InlineFinder } from './inline.ts';
import { LineCutter } from './lines.ts';
import { PropertyFinder } from './property-value.ts';
import type { Found, Recipe, Step } from './recipe.ts';
import { Segmenter } from './segmenter.ts';
import { TnefFinder } from './tnef.ts';
import { WrappedFileFinder } from './wrapped-file.ts';
import { ZipFilesFinder } from './zip-files.ts';

/** Looks through all bytes for something. */
interface Finder {
  feed(chunk: Buffer): void;
  end(): void;
}

/** Unicode's byte order mark, as texts in its encodings begin with it; UTF-8 is ours already. */
const marks: readonly (readonly [Buffer, CharsetName | undefined])[] = [
  [Buffer.from([0xef, 0xbb, 0xbf]), undefined],
  [Buffer.from([0xff, 0xfe, 0, 0]), 'utf-32le'],
  [Buffer.from([0, 0, 0xfe, 0xff]), 'utf-32be'],
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
  [Buffer.from('+/v'), 'utf-7'],
];

export class Survey {
  readonly #found: FoundList;
  readonly #lines: LineCutter;
  readonly #segmenter: Segmenter | undefined;
  readonly #inline: InlineFinder | undefined;
  readonly #properties: PropertyFinder | undefined;
  readonly #finders: readonly Finder[] = [];
  /** What each of them finds, apart: how pieces are cut must not show in the order of all. */
  readonly #foundByBytes: readonly FoundList[] = [];
  #head: Buffer = Buffer.alloc(0);
  #size = 0;

  /** @param recipe what gives the source; undefined for a whole message, which begins with a header. */
  constructor(limits: SurveyLimits, recipe?: Recipe) {
    this.#found = new FoundList(limits.readingsMax);
    const found = this.#found;
    const to = { found, limits };
    if (recipe === undefined) this.#segmenter = new Segmenter('message', 'other', to);
    else {
      // Where it stands as it is, its source was cut into bodies already.
      const isRange = recipe.steps.every(({ decoder }) => decoder === 'as it stands');
      if (!isRange) this.#segmenter = new Segmenter('body', recipe.declared, to);
      this.#inline = new InlineFinder(found);
      this.#properties = new PropertyFinder(found);
      // What was decoded so is a file by now, and a certificate may look like that.
      const isFile = recipe.steps.some(({ decoder }) => decoder.startsWith('base64'));
      const inUris = new FoundList(limits.readingsMax);
      const inBytes = new FoundList(limits.readingsMax);
      this.#foundByBytes = [inUris, inBytes];
      this.#finders = [
        new DataUriFinder(inUris),
        new TnefFinder(inBytes),
        // These find what they find at the end.
        new WrappedFileFinder(inBytes),
        new EncodedLook(inBytes, !isFile),
        new ZipFilesFinder(inBytes),
      ];
    }
    // The others look at every line.
    const matters = this.#inline === undefined ? this.#segmenter?.matters : undefined;
    this.#lines = new LineCutter((line) => {
      this.#segmenter?.line(line);
      this.#inline?.line(line);
      this.#properties?.line(line);
    }, matters);
  }

  feed(chunk: Buffer): void {
    this.#inline?.feed(chunk);
    this.#lines.feed(chunk);
    for (const finder of this.#finders) finder.feed(chunk);
    if (this.#head.length < 4) this.#head = Buffer.concat([this.#head, chunk.subarray(0, 4)]);
    this.#size += chunk.length;
  }

  /** What was found; to be called once, at the end. */
  end(): readonly Found[] {
    this.#lines.end();
    this.#segmenter?.end(this.#size);
    this.#inline?.end();
    this.#properties?.end();
    for (const finder of this.#finders) finder.end();
    for (const list of this.#foundByBytes) this.#found.take(list);
    if (this.#inline !== undefined) this.#addByMark();
    return this.#found.all;
  }

  /** What was more than a ceiling allows, in words. */
  get exceeded(): string | undefined {
    return this.#found.exceeded;
  }

  /** What its parts are called. */
  get called(): Called {
    return this.#found.called;
  }

  /** Whether the message is a fragment of one (message/partial). */
  get isFragment(): boolean {
    return this.#segmenter?.isFragment ?? false;
  }

  #addByMark(): void {
    const mark = marks.find(([bytes]) => this.#head.subarray(0, bytes.length).equals(bytes));
    if (mark === undefined) return;
    const [bytes, charset] = mark;
    const step: Step =
      charset === undefined
        ? { from: bytes.length, to: undefined, decoder: 'as it stands' }
        : { from: 0, to: undefined, decoder: charset };
    const steps = [step];
    this.#found.add({ steps, why: 'a byte order mark', odd: false, declared: 'other' });
  }
}
