/**
 * A reading of a message as a recipe: how a client could come to some bytes, not the bytes. It can
 * be followed any number of times, so nothing has to be kept.
 */
import { type DecoderName, ebcdicNames } from './decoder.ts';

export interface Step {
  /** Offset of the first byte in what the step before gives; in the message for the first step. */
  readonly from: number;
  /** Offset behind the last byte; undefined where it goes to the end. */
  readonly to: number | undefined;
  readonly decoder: DecoderName;
}

/** What the bytes are said to be: a message begins with a header, a multipart with a delimiter. */
export type Declared = 'message' | 'multipart' | 'other';

export interface Recipe {
  /** Never empty. */
  readonly steps: readonly Step[];
  /** What makes a client take these bytes. */
  readonly why: string;
  /** Whether a client that keeps to the letter of the standards would not. */
  readonly odd: boolean;
  readonly declared: Declared;
}

/** What was found in a source: a recipe whose first step starts there. */
export type Found = Recipe;

/** The recipe for what was found in what `outer` gives. */
export function within(outer: Recipe, found: Found): Recipe {
  const [first, ...rest] = found.steps;
  const last = outer.steps.at(-1);
  if (first === undefined || last === undefined) return outer;
  const odd = outer.odd || found.odd;
  // A range of a range is a range: what stands as it is stays cheap to come back to.
  const steps =
    last.decoder === 'as it stands'
      ? [...outer.steps.slice(0, -1), rangeOf(last, first), ...rest]
      : [...outer.steps, ...found.steps];
  return { ...found, odd, steps };
}

function rangeOf(outer: Step, inner: Step): Step {
  const to = inner.to === undefined ? outer.to : outer.from + inner.to;
  return { ...inner, from: outer.from + inner.from, to };
}

/** The recipe with another decoder in the step that decoders differ about. */
export function instead(recipe: Recipe, decoder: DecoderName): Recipe {
  const at = differingStep(recipe);
  const steps = recipe.steps.map((step, index) => (index === at ? { ...step, decoder } : step));
  const why = `${recipe.why}; decoders differ about these bytes`;
  return { ...recipe, steps, why, odd: true };
}

/** How a text is written out: nobody takes it another way, but what is in front of it may be. */
const agreed: ReadonlySet<DecoderName> = new Set<DecoderName>([
  ...(['BinHex', 'flowed text, joined', 'utf-7', 'backslash escapes', 'iso-2022', 'hz'] as const),
  ...(['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'] as const),
  ...ebcdicNames,
]);

/**
 * The index of the step whose bytes decoders may take in several ways: the last one, or the one in
 * front of what takes all that it gives as a text.
 */
export function differingStep({ steps }: Recipe): number {
  let at = steps.length - 1;
  for (let step = steps[at]; at > 0 && step !== undefined && isWholeText(step); step = steps[at]) {
    at--;
  }
  return at;
}

function isWholeText({ from, to, decoder }: Step): boolean {
  return from === 0 && to === undefined && agreed.has(decoder);
}

/** 'bytes 120 to 480 as base64, of that bytes 0 to 68 as uuencode'. */
export function recipeWords({ steps }: Recipe): string {
  return steps.map(stepWords).join(', of that ');
}

function stepWords({ from, to, decoder }: Step): string {
  const range = from === 0 && to === undefined ? 'all' : `bytes ${from} to ${to ?? 'the end'}`;
  return `${range} ${decoder === 'as it stands' ? decoder : `as ${decoder}`}`;
}
