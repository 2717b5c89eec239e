/**
 * One place where a header block may stand, line by line: what it says, and where the body behind
 * it may begin. Readers differ about that: at the first empty line, at one of blanks only, at the
 * first that is no field, and they differ about what is one. Each is a start, and who stops there
 * does not hear the fields that follow.
 */
import { Evidence } from './evidence.ts';
import { headBytesMax, type Line } from './lines.ts';

/**
 * message: at the start of one. part: behind a declared boundary. undeclared: behind a line that
 * looks like a boundary. embedded: at the start of a body.
 */
export type BlockKind = 'message' | 'part' | 'undeclared' | 'embedded';

export interface BodyStart {
  readonly from: number;
  readonly odd: boolean;
  readonly why: string;
}

/** A field with its continuation lines. Over it the block is not wholly understood. */
export const fieldCharsMax = 64 * 1024;
/** Empty lines before an embedded header. */
const emptyLinesMax = 16;

/** UTF-8's byte order mark, as latin1. */
const utf8Mark = '\xef\xbb\xbf';
const field = /^[!-9;-~]+[ \t\0]*:/;
const mboxLine = /^>?From /;

/**
 * What a line is that is no field by RFC 5322 §3.6.8. Readers pass over some kinds, and who stops at
 * a kind stops at the first of it. 'like one': nmh takes any colon, Python's email an empty name.
 */
type Stray = 'of an mbox' | 'like a field' | 'no field';

function strayOf(text: string): Stray {
  if (mboxLine.test(text)) return 'of an mbox';
  return text.includes(':') ? 'like a field' : 'no field';
}

export interface BlockOptions {
  readonly inMessage?: boolean;
  /** Not every reader sees a block here. */
  readonly odd?: boolean;
  /** No header belongs here, as behind the last delimiter. */
  readonly bare?: boolean;
}

export class HeaderBlock {
  readonly kind: BlockKind;
  readonly evidence = new Evidence();
  readonly starts: BodyStart[] = [];
  /** Whether a field was longer than `fieldCharsMax`. */
  truncated = false;
  /** Whether the body in front of it is declared to be a message. */
  readonly #inMessage: boolean;
  /** Not every reader sees it. */
  readonly isOdd: boolean;
  readonly #bare: boolean;
  #field: string | undefined;
  #isFirst = true;
  #emptyLines = 0;
  #beginsEmpty = false;
  /** What it has met that is no field. */
  readonly #strays = new Set<Stray>();
  #sawBlank = false;

  constructor(kind: BlockKind, options: BlockOptions = {}) {
    this.kind = kind;
    this.#inMessage = options.inMessage ?? false;
    this.#bare = options.bare ?? false;
    this.isOdd = options.odd ?? kind === 'undeclared';
  }

  get hasFields(): boolean {
    return this.#field !== undefined;
  }

  /** Once over: whether it is a header block to anybody. */
  get counts(): boolean {
    const { mimeFields, mailFields } = this.evidence;
    if (this.kind === 'undeclared') return mimeFields > 0;
    if (this.kind !== 'embedded') return true;
    // The header of a message may be empty.
    if (this.#inMessage) return mimeFields + mailFields > 0 || this.#beginsEmpty;
    return mimeFields > 0 || mailFields > 1;
  }

  /** @returns whether the block goes on. */
  take(line: Line): boolean {
    const text = line.head.toString('latin1');
    if (line.end - line.start > headBytesMax) this.truncated = true;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (/^[ \t\0\v\f]*$/.test(text)) return this.#empty(line, text.length > 0);
    if (this.#field === undefined) return this.#beforeFields(line, text, isFirst);
    if (/^[ \t]/.test(text)) this.#extend(text);
    else if (field.test(text)) this.#begin(text);
    else {
      this.#stray(line, text, 'a header that ends at a line that is no field');
      // To many a CR alone is nothing.
      this.#extend(text, line.afterBareCr ? '' : ' ');
    }
    return true;
  }

  /** A start at the first line of each kind; who takes it for what ends the header starts behind. */
  #stray(line: Line, text: string, odd: string | undefined): void {
    const stray = strayOf(text);
    if (this.#strays.has(stray)) return;
    this.#start(line.start, odd);
    if (stray === 'no field' && this.hasFields) this.#start(line.next, odd);
    this.#strays.add(stray);
  }

  /** The last field counts, too. */
  end(): void {
    if (this.#field !== undefined) this.evidence.add(this.#field);
  }

  #empty(line: Line, hasBlanks: boolean): boolean {
    const isBefore = this.#field === undefined;
    if (isBefore && this.kind === 'embedded') return this.#emptyBeforeEmbedded(line);
    if (isBefore && this.#strays.size > 0) return false;
    // To whom a CR alone is nothing there is none between it and another line end; behind CR CR LF is.
    const isLine = line.bareCr === line.afterBareCr || (line.afterBareCr && this.#sawBlank);
    const goesOn = !isLine || (hasBlanks && !isBefore);
    if (!goesOn) this.#start(line.next);
    else if (!this.#sawBlank) this.#start(line.next, 'a header that ends at a line of blanks');
    this.#sawBlank = true;
    return goesOn;
  }

  #emptyBeforeEmbedded(line: Line): boolean {
    if (this.#inMessage && this.#emptyLines + this.#strays.size === 0) {
      this.#start(line.next, 'an empty header');
      this.#beginsEmpty = true;
    }
    return ++this.#emptyLines < emptyLinesMax;
  }

  #beforeFields(line: Line, text: string, isFirst: boolean): boolean {
    const unmarked = isFirst && text.startsWith(utf8Mark);
    const trimmed = text.slice(unmarked ? utf8Mark.length : 0).trimStart();
    if (field.test(trimmed)) {
      if (unmarked) this.#marked(line, text);
      this.#begin(trimmed);
      return true;
    }
    if (isFirst && mboxLine.test(text)) return true;
    const isExpected = this.kind !== 'embedded' || this.#inMessage;
    if (!isExpected || this.kind === 'undeclared') return false;
    const odd = this.#bare ? undefined : 'a body without a header';
    if (this.#strays.size === 0) this.#stray(line, text, odd);
    this.evidence.add(text.replaceAll(':', ' '));
    return true;
  }

  /** Some do not see a field behind a byte order mark. */
  #marked(line: Line, text: string): void {
    this.evidence.oddParts = true;
    if (this.kind !== 'embedded') this.#stray(line, text, 'a byte order mark before the header');
  }

  #start(from: number, odd?: string): void {
    const wheres: Record<BlockKind, string> = {
      message: 'the body of the message',
      part: 'a part',
      undeclared: 'behind a line like a boundary that is not declared',
      embedded: 'behind a header in the body',
    };
    const why = odd === undefined ? wheres[this.kind] : `${wheres[this.kind]}, ${odd}`;
    const isOdd = this.isOdd || odd !== undefined || (this.kind === 'embedded' && !this.#inMessage);
    this.starts.push({ from, odd: isOdd, why });
  }

  #begin(text: string): void {
    this.end();
    this.#field = text;
    if (this.starts.length > 0) this.evidence.isPartlyHeard = true;
  }

  #extend(text: string, blank = ' '): void {
    const so = this.#field ?? '';
    if (so.length + text.length < fieldCharsMax) this.#field = `${so}${blank}${text}`;
    else this.truncated = true;
  }
}
