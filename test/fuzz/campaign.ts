/**
 * The search in one target: makes inputs, runs them, keeps what reaches code that nothing before
 * reached, and shrinks what fails. The same seed and corpus make the same inputs.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Random } from '../chaos/random.ts';
import { largestBuffer } from './buffers.ts';
import { Coverage, type Run } from './coverage.ts';
import { mutated, pick } from './mutate.ts';
import { shrunk } from './shrink.ts';
import { latin1, type Target } from './target.ts';

export interface Failure {
  readonly input: Buffer;
  /** What does not hold, and where. */
  readonly text: string;
}

export interface Hooks {
  /** Before each input is run: whoever watches knows it then if it does not come to an end. */
  readonly begins: (input: Buffer) => void;
  readonly kept: (input: Buffer) => void;
  readonly failed: (failure: Failure) => void;
}

/** Inputs that coverage is asked about at once. */
const batchInputs = 128;
const samples = 100;
/** Trials to make an input smaller: one that is kept, one that fails. */
const keptTrialsMax = 60;
const failedTrialsMax = 400;
/** Of each kind; what is left is a kept input, changed. */
const wholeSampleChance = 0.1;
const changedSampleChance = 0.25;
/** Failures that look different; then the target is broken enough. */
const failuresMax = 10;

export class Campaign {
  executions = 0;
  readonly #target: Target;
  readonly #isGuided: boolean;
  readonly #hooks: Hooks;
  readonly #random: Random;
  readonly #coverage = new Coverage();
  readonly #tokens: readonly Buffer[];
  readonly #digest = createHash('sha256');
  readonly #failures = new Set<string>();
  #inputs: Buffer[] = [];
  #samples: Buffer[] = [];

  /** @param isGuided by coverage: without it, it is faster, and knows nothing of what is new. */
  constructor(
    target: Target,
    { seed, isGuided }: { readonly seed: number; readonly isGuided: boolean },
    hooks: Hooks,
  ) {
    this.#target = target;
    this.#isGuided = isGuided;
    this.#hooks = hooks;
    this.#random = new Random(seed);
    this.#tokens = target.tokens.map(latin1);
  }

  /** Characters of the source that have run. */
  get covered(): number {
    return this.#coverage.covered;
  }

  get isBroken(): boolean {
    return this.#failures.size >= failuresMax;
  }

  /** Of all inputs so far, to compare two runs. */
  get digest(): string {
    return this.#digest.copy().digest('hex').slice(0, 16);
  }

  /**
   * Runs the corpus.
   *
   * @returns those of it that reach something that smaller ones do not.
   */
  start(corpus: readonly Buffer[]): readonly Buffer[] {
    this.#inputs = [...corpus];
    if (!this.#isGuided) return corpus;
    this.#coverage.start();
    return corpus.toSorted((a, b) => a.length - b.length).filter((input) => this.#learn(input) > 0);
  }

  stop(): void {
    if (this.#isGuided) this.#coverage.stop();
  }

  /** Makes and runs the next inputs. */
  batch(): void {
    const inputs = Array.from({ length: batchInputs }, () => this.#next());
    for (const input of inputs) this.#digest.update(input);
    if (this.#isGuided) this.#seek(inputs);
    else for (const input of inputs) this.#run(input);
  }

  /** Runs inputs, and goes on with the halves of those of which some do something new. */
  #seek(inputs: readonly Buffer[]): void {
    for (const input of inputs) this.#run(input);
    const run = this.#coverage.take();
    const fresh = this.#coverage.fresh(run);
    const stepsMax = Math.max(...inputs.map(({ length }) => this.#target.stepsMax(length)));
    if (fresh === 0 && run.steps <= stepsMax) return;
    const [only, other] = inputs;
    if (only !== undefined && other === undefined) this.#examine(only, run, fresh);
    else {
      const half = inputs.length >> 1;
      this.#seek(inputs.slice(0, half));
      this.#seek(inputs.slice(half));
      // What only ran the first time, as caches do, is not looked for again.
      this.#coverage.learn(run);
    }
  }

  #next(): Buffer {
    const kind = this.#random.fraction();
    if (kind < wholeSampleChance) return this.#sample();
    const isSample = kind < wholeSampleChance + changedSampleChance || this.#inputs.length === 0;
    return mutated(isSample ? this.#sample() : pick(this.#inputs, this.#random), this.#random, {
      tokens: this.#tokens,
      others: this.#inputs,
      inputBytesMax: this.#target.inputBytesMax,
    });
  }

  #sample(): Buffer {
    if (this.#samples.length === 0) {
      const seed = this.#random.between(0, 2 ** 31 - 1);
      this.#samples = fc.sample(this.#target.valid, { numRuns: samples, seed });
    }
    return (this.#samples.pop() ?? Buffer.alloc(0)).subarray(0, this.#target.inputBytesMax);
  }

  #run(input: Buffer): void {
    const problem = this.#problemOf(input);
    if (problem !== undefined) this.#fail(input, problem);
  }

  /** @returns what does not hold. */
  #problemOf(input: Buffer): string | undefined {
    const { check, bufferBytesMax } = this.#target;
    this.executions++;
    this.#hooks.begins(input);
    try {
      const largest = largestBuffer(() => {
        check(input);
      });
      const most = bufferBytesMax(input.length);
      return largest > most ? `a buffer of ${largest} bytes, of at most ${most}` : undefined;
    } catch (error) {
      return wordsOf(error);
    }
  }

  #fail(input: Buffer, problem: string): void {
    const kind = kindOf(problem);
    if (this.#failures.has(kind) || this.isBroken) return;
    this.#failures.add(kind);
    const smallest = shrunk(input, failedTrialsMax, (candidate) => {
      const other = this.#problemOf(candidate);
      return other !== undefined && kindOf(other) === kind;
    });
    this.#hooks.failed({ input: smallest, text: this.#problemOf(smallest) ?? problem });
  }

  /** What it reaches by itself, from now on known. */
  #learn(input: Buffer): number {
    this.#run(input);
    const run = this.#coverage.take();
    const fresh = this.#coverage.fresh(run);
    this.#coverage.learn(run);
    return fresh;
  }

  /** @param run of this input alone. */
  #examine(input: Buffer, run: Run, fresh: number): void {
    const most = this.#target.stepsMax(input.length);
    if (run.steps > most) this.#fail(input, `${run.steps} steps, of at most ${most}`);
    if (fresh === 0) return;
    const smallest = shrunk(input, keptTrialsMax, (candidate) => this.#reaches(candidate) >= fresh);
    this.#coverage.learn(run);
    this.#inputs.push(smallest);
    this.#hooks.kept(smallest);
  }

  #reaches(input: Buffer): number {
    const fails = this.#problemOf(input) !== undefined;
    const run = this.#coverage.take();
    return fails ? 0 : this.#coverage.fresh(run);
  }
}

/** The message, and where it was thrown. */
function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The same for the same fault: numbers differ from input to input. */
function kindOf(problem: string): string {
  const [first = ''] = problem.split('\n');
  const place = /\/src\/[^\s)]*/.exec(problem)?.[0] ?? '';
  return `${first.replace(/\d+/g, 'N').slice(0, 80)} ${place}`;
}
