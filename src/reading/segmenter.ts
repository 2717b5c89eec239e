/**
 * Finds the bodies in a source, whatever its headers claim: one pass over its lines that knows
 * three things. A line that begins with two hyphens may be a delimiter; behind one, and at the
 * start of any body, there may be a header block; where that may end, a body may begin.
 *
 * A declared boundary makes its lines delimiters. Where readers can differ about it, or it does not
 * come, any other line of two hyphens is one if a MIME field follows, so that it does not matter how
 * it was declared. Text in the middle of a body is never a start.
 */
import { Bodies, type SurveyLimits } from './bodies.ts';
import { boundariesMax, Delimiters } from './delimiters.ts';
import type { Evidence } from './evidence.ts';
import { fieldCharsMax, HeaderBlock } from './header-block.ts';
import type { Line } from './lines.ts';
import type { FoundList } from './found-list.ts';
import type { Declared } from './recipe.ts';

const NUL = 0;
const HYPHEN = 0x2d;
const hyphens = Buffer.from('--');
const SPACE = 0x20;
const TAB = 0x09;
/** Before the hyphens. */
const blanksMax = 8;
const COLON = 0x3a;
/** Of a line, a field's name. */
const nameBytesMax = 80;
const fieldLine = /^[!-9;-~]+[ \t\0]*:/;
const lastVisible = 0x7e;

export class Segmenter {
  readonly #delimiters = new Delimiters();
  readonly #found: FoundList;
  readonly #bodies: Bodies;
  #block: HeaderBlock | undefined;
  /** Where the last line ended, before its line end, which belongs to a delimiter behind it. */
  #lastEnd = 0;
  /** The same of the line before, and what that line was. */
  #endBeforeLast = 0;
  #last: Line | undefined;
  /** The same before the undeclared delimiter whose block is being read. */
  #undeclaredEnd = 0;
  /** Whether readers can differ about what is a delimiter. */
  #hidesParts: boolean;
  /** A boundary that all agree about was declared, and has not come yet. */
  #awaitsDelimiter = false;
  #inDigest = false;
  /** A message/partial with more than one part was met. */
  isFragment = false;

  /** @param declared what its bytes are said to be. @param kind 'body': a header is there only if it looks like one. */
  constructor(
    kind: 'message' | 'body',
    declared: Declared,
    { found, limits }: { readonly found: FoundList; readonly limits: SurveyLimits },
  ) {
    this.#found = found;
    this.#hidesParts = declared === 'multipart';
    // Its boundary was declared outside.
    this.#delimiters.anyLine = declared === 'multipart';
    this.#bodies = new Bodies(found, limits);
    this.#block =
      kind === 'message'
        ? new HeaderBlock('message')
        : new HeaderBlock('embedded', { inMessage: declared === 'message' });
  }

  /** @param size of the source, in bytes; all its lines were given. */
  end(size: number): void {
    this.#endBlock();
    this.#bodies.finish(size);
  }

  /** What `LineCutter` may leave out: in a body, lines without a colon that are no delimiters. */
  readonly matters = (chunk: Buffer, from: number): number => {
    if (this.#block !== undefined || this.#bodies.isClosing) return from;
    const end = (found: number): number => (found === -1 ? chunk.length : found);
    return Math.min(end(chunk.indexOf(hyphens, from)), end(chunk.indexOf(COLON, from)));
  };

  line(line: Line): void {
    const dashes = beginsWithHyphens(line);
    if (!dashes && this.#block === undefined) this.#hiddenDelimiter(line);
    if (!dashes || !this.#delimiter(line)) {
      if (this.#bodies.isClosing) this.#bodies.settle(!dashes && continuesBody(line));
      if (this.#block?.take(line) === false) this.#endBlock();
    }
    this.#endBeforeLast = this.#lastEnd;
    this.#lastEnd = line.end;
    this.#last = line;
  }

  /** @returns whether the line is dealt with. */
  #delimiter(line: Line): boolean {
    const isLine = !line.bareCr && !line.afterBareCr;
    const delimiter = this.#delimiters.take(line.head, isLine);
    if (delimiter === undefined) return this.#undeclared(line);
    this.#awaitsDelimiter = false;
    this.#bodies.settle(false);
    this.#endBlock();
    if (delimiter.agreed) this.#bodies.end(this.#lastEnd);
    else this.#bodies.mayEnd(this.#lastEnd);
    this.#block = new HeaderBlock('part', { odd: !delimiter.agreed, bare: delimiter.closes });
    return true;
  }

  /** In a header it is a line that is no field. */
  #undeclared(line: Line): boolean {
    if (this.#block?.hasFields === true) return false;
    if (!this.#hidesParts && !this.#awaitsDelimiter) return false;
    this.#bodies.settle(false);
    this.#block?.take(line);
    this.#endBlock();
    this.#undeclaredEnd = this.#lastEnd;
    this.#block = new HeaderBlock('undeclared');
    return true;
  }

  /** A field behind a line that has a boundary somewhere in it: one of MIME may follow. */
  #hiddenDelimiter(line: Line): void {
    if (!beginsWithField(line) || this.#last === undefined) return;
    if (!this.#delimiters.areMentioned(this.#last.head)) return;
    this.#undeclaredEnd = this.#endBeforeLast;
    this.#block = new HeaderBlock('undeclared');
  }

  #endBlock(): void {
    const block = this.#block;
    this.#block = undefined;
    if (block === undefined) return;
    block.end();
    if (!block.counts) return;
    const { evidence } = block;
    this.#found.called.take(evidence.called);
    this.#inDigest ||= evidence.isDigest;
    if (this.#inDigest && block.kind === 'part' && !evidence.hasPlainType)
      evidence.isMessage = true;
    if (block.truncated)
      this.#found.exceeded ??= `a header field of more than ${fieldCharsMax} bytes`;
    if (block.kind === 'undeclared') this.#bodies.mayEnd(this.#undeclaredEnd);
    if (block.kind === 'embedded' && this.#bodies.newestIsMessage) this.#bodies.contain();
    this.#declare(evidence, !block.isOdd);
    // Without any type some look for parts.
    this.#hidesParts ||= block.kind === 'message' && !evidence.hasPlainType;
    this.isFragment ||= evidence.isFragment;
    if (evidence.isMultipart || evidence.isMessage) this.#bodies.inherit(evidence);
    for (const start of block.starts) this.#bodies.open(start, evidence);
    if (block.starts.length > 0) {
      this.#block = new HeaderBlock('embedded', { inMessage: evidence.isMessage });
    }
  }

  /** @param agreed whether all readers see this header. */
  #declare(evidence: Evidence, agreed: boolean): void {
    const { boundaries, cutBoundaries, oddBoundary, oddParts, isMultipart } = evidence;
    for (const boundary of boundaries) this.#declareOne(boundary, !oddBoundary);
    for (const boundary of cutBoundaries) {
      // Lines of hyphens alone are in many a text.
      if (!/^-*$/.test(boundary)) this.#declareOne(boundary, false);
    }
    const [only, second] = boundaries;
    if (agreed && isMultipart && !oddParts && only !== undefined && second === undefined) {
      this.#delimiters.enter(only);
    }
    this.#hidesParts ||= evidence.mayHideParts;
    if (boundaries.size > 0) this.#awaitsDelimiter = true;
    if (isMultipart && boundaries.size === 0) this.#delimiters.anyLine = true;
    if (evidence.missesBoundary) this.#delimiters.anyLine = true;
  }

  #declareOne(boundary: string, agreed: boolean): void {
    if (this.#delimiters.declare(boundary, agreed)) return;
    this.#found.exceeded ??= `more than ${boundariesMax} boundaries`;
  }
}

/** Data goes on, where neither an empty line nor a field follows the delimiter. */
function continuesBody({ head }: Line): boolean {
  const text = head.toString('latin1', 0, 256);
  return text.trim() !== '' && !fieldLine.test(text);
}

function beginsWithHyphens(line: Line): boolean {
  let at = 0;
  while (at < blanksMax && (line.byteAt(at) === SPACE || line.byteAt(at) === TAB)) at++;
  return line.byteAt(at) === HYPHEN && line.byteAt(at + 1) === HYPHEN;
}

/** `fieldLine`, of its first bytes: asked of every line of a body, so no text is made of them. */
function beginsWithField(line: Line): boolean {
  let at = 0;
  while (at < nameBytesMax && isOfName(line.byteAt(at))) at++;
  if (at === 0) return false;
  while (at < nameBytesMax && isLeftOut(line.byteAt(at))) at++;
  return at < nameBytesMax && line.byteAt(at) === COLON;
}

function isOfName(byte = 0): boolean {
  return byte > SPACE && byte <= lastVisible && byte !== COLON;
}

function isLeftOut(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === NUL;
}
