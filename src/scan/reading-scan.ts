/**
 * Scans what lenient clients take from a message besides what the MIME parser gave: finds the
 * recipes (src/reading/), follows each through the spool, and sends what nobody has seen yet. A
 * recipe is followed once to learn its digest, and a long one once more to send it, so nothing is
 * kept that grows with the message.
 */
import { createHash } from 'node:crypto';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';
import type { Inspection } from '../inspect/inspector.ts';
import { containerKind, type ContainerLook, containerLookAt } from './container.ts';
import type { DecoderName } from '../reading/decoder.ts';
import { Follower } from '../reading/follow.ts';
import { type ReadingLimits, ReadingPlan } from '../reading/plan.ts';
import { type Found, type Recipe, recipeWords } from '../reading/recipe.ts';
import { Survey } from '../reading/survey.ts';
import type { PartialReason } from '../verdict/finding.ts';
import type { Inspections } from './inspections.ts';
import { costlySliceBytes, type Pace, slices } from './pace.ts';
import type { ShownReading } from './scanner.ts';
import { inOneBuffer } from './stream-blocks.ts';
import { smallStreamBytes, type StreamScans } from './stream-scans.ts';

/** Of the readings that make a message ambiguous, how many its finding names. */
const namedMax = 3;

/** What following a recipe once has shown. */
interface Examined {
  readonly bytes: number;
  readonly digest: string;
  /** What it is to clamd, where it is not small. */
  readonly container: string | undefined;
  /** All bytes, if they are few; until the next recipe is followed. */
  readonly small: Buffer | undefined;
  /** Nothing but blanks and line ends. */
  readonly isBlank: boolean;
  readonly found: readonly Found[];
  readonly others: readonly DecoderName[];
  readonly inspection: Inspection;
}

export class ReadingScan {
  /** Every reading, known or not; kept only where they are to be shown. */
  readonly shown: ShownReading[] = [];
  readonly #scans: StreamScans;
  readonly #limits: ReadingLimits;
  readonly #show: boolean;
  readonly #signal: CancelSignal;
  readonly #pace: Pace;
  readonly #inspections: Inspections;
  /** One for all recipes: many short-lived ones would wait long for the garbage collector. */
  #small: Buffer = Buffer.alloc(0);
  #sent = 0;
  /** Readings that only some clients take. */
  readonly #odd: string[] = [];
  #oddCount = 0;
  #exceeded: string | undefined;

  constructor(
    scans: StreamScans,
    options: {
      readonly limits: ReadingLimits;
      readonly show: boolean;
      readonly inspections: Inspections;
      readonly pace: Pace;
    },
    signal: CancelSignal,
  ) {
    this.#scans = scans;
    this.#limits = options.limits;
    this.#show = options.show;
    this.#signal = signal;
    this.#inspections = options.inspections;
    this.#pace = options.pace;
  }

  /**
   * Scans each reading; stops early once more would change nothing.
   *
   * @throws {Cancelled} when the signal is aborted.
   * @throws {OperationalError} STORE, when the content cannot be read back.
   */
  async message(content: Content): Promise<void> {
    const plan = await this.#survey(content);
    this.#small = Buffer.allocUnsafeSlow(Math.min(smallStreamBytes, content.size));
    for (let recipe = plan.next(); recipe !== undefined; recipe = plan.next()) {
      const examined = await this.#examine(content, recipe, plan);
      if (examined === undefined) break;
      plan.learn(recipe, examined.found, examined.others);
      await this.#scan(content, recipe, examined);
      if (this.#scans.decided) return;
    }
    this.#exceeded ??= plan.exceeded;
    if (this.#exceeded !== undefined) this.#partial('readings', this.#exceeded);
    if (this.#oddCount > 0) {
      const more = this.#oddCount > namedMax ? `, and ${this.#oddCount - namedMax} more` : '';
      const detail = `clients differ: ${this.#odd.join('; ')}${more}`;
      this.#scans.findings.push({ kind: 'ambiguous', stream: 'message', detail });
    }
  }

  async #survey(content: Content): Promise<ReadingPlan> {
    const survey = new Survey(this.#limits);
    for await (const chunk of content.chunks(this.#signal)) {
      for (const slice of slices(chunk, costlySliceBytes)) {
        survey.feed(slice);
        await this.#pace.spent(slice.length);
      }
    }
    const plan = new ReadingPlan(this.#limits, content.size, survey.end());
    this.#exceeded = survey.exceeded;
    await this.#named(survey);
    if (survey.isFragment) this.#partial('fragment', 'the rest of it is in other messages');
    return plan;
  }

  /** @returns undefined where a ceiling ended it. */
  async #examine(
    content: Content,
    recipe: Recipe,
    plan: ReadingPlan,
  ): Promise<Examined | undefined> {
    const follower = new Follower(recipe, recipe.steps[0]?.from);
    const survey = new Survey(this.#limits, recipe);
    const inspector = this.#inspections.begin();
    const hash = createHash('sha256');
    let look: ContainerLook | undefined;
    let bytes = 0;
    let isBlank = true;
    const spend = (read: number): void => {
      plan.spend(read);
    };
    for await (const chunk of this.#follow(content, recipe, follower, spend)) {
      survey.feed(chunk);
      hash.update(chunk);
      for (const slice of inspector.slices(chunk)) await this.#pace.spent(inspector.feed(slice));
      if (bytes + chunk.length <= this.#small.length) chunk.copy(this.#small, bytes);
      else {
        look ??= containerLookAt(this.#small.subarray(0, bytes));
        look.feed(chunk);
      }
      bytes += chunk.length;
      isBlank &&= /^[\s\0]*$/.test(chunk.toString('latin1'));
      if (plan.isSpent) return undefined;
    }
    const found = survey.end();
    await this.#named(survey);
    this.#exceeded ??= survey.exceeded;
    const small = look === undefined ? this.#small.subarray(0, bytes) : undefined;
    const digest = hash.digest('hex');
    const inspection = inspector.end();
    const { others } = follower;
    return { bytes, digest, container: look?.kind, small, isBlank, found, others, inspection };
  }

  async #scan(content: Content, recipe: Recipe, examined: Examined): Promise<void> {
    const { bytes, digest, small, isBlank, inspection } = examined;
    if (isBlank) return;
    const words = recipeWords(recipe);
    const known = this.#scans.known(digest);
    const stream = known?.stream ?? `reading ${++this.#sent}`;
    const { why, odd } = recipe;
    if (this.#show) this.shown.push({ stream, recipe: words, why, odd, bytes, digest });
    await this.#inspections.tell(stream, digest, inspection);
    if (known !== undefined) return;
    if (odd && ++this.#oddCount <= namedMax) this.#odd.push(`${words} (${why})`);
    const open = (): AsyncIterable<Buffer> =>
      inOneBuffer(this.#follow(content, recipe, new Follower(recipe, recipe.steps[0]?.from)));
    const source = { open: small === undefined ? open : () => [small], repeatable: true };
    // Most were seen before: only what was not is looked at.
    const container = small === undefined ? examined.container : containerKind(small);
    await this.#scans.scan({ stream, label: words }, { bytes, digest, container }, source);
  }

  async *#follow(
    content: Content,
    { steps }: Recipe,
    follower: Follower,
    spend?: (bytes: number) => void,
  ): AsyncGenerator<Buffer, void> {
    for await (const chunk of content.chunks(this.#signal, steps[0]?.from)) {
      for (const slice of slices(chunk)) {
        const bytes = follower.feed(slice);
        const read = slice.length + bytes.length;
        spend?.(read);
        await this.#pace.spent(read);
        // A few bytes can become many, in BinHex.
        for (const piece of slices(bytes)) {
          yield piece;
          if (bytes.length > slice.length) await this.#pace.spent(piece.length);
        }
        if (follower.satisfied) break;
      }
      if (follower.satisfied) break;
    }
    const rest = follower.end();
    if (rest.length > 0) yield rest;
  }

  /** Whatever any reader takes for a name is one of the message. */
  async #named({ called }: Survey): Promise<void> {
    const { names, types, exceeded } = called;
    await this.#inspections.named({ stream: 'message', names, types });
    if (exceeded) this.#exceeded ??= 'more names of parts than are kept';
  }

  #partial(reason: PartialReason, detail: string): void {
    this.#scans.findings.push({ kind: 'partial', reason, stream: 'message', detail });
  }
}
