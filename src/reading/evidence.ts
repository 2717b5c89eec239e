/**
 * What a header block says to whichever reader about the body behind it. Each field is looked at
 * through all disguises at once (case, blanks, NUL, quotes, comments, encoded words), and what is
 * said twice is said both ways.
 */
import { boundariesOf } from './boundary.ts';
import type { CharsetName, DecoderName } from './decoder.ts';
import { Called } from './called.ts';
import { charsetsNamed } from './charset-name.ts';
import { fileNamesIn } from './file-names.ts';
import { parameterReadings, withoutComments } from './parameter.ts';
import type { Declared } from './recipe.ts';
import { squeezed } from './squeezed.ts';

export type Encoding = Extract<DecoderName, 'as it stands' | 'base64' | 'quoted-printable'>;

/** RFC 2045 §6.1, and nothing else is understood by all. */
const encodings: Readonly<Record<string, Encoding>> = {
  '7bit': 'as it stands',
  '8bit': 'as it stands',
  binary: 'as it stands',
  base64: 'base64',
  'quoted-printable': 'quoted-printable',
};

/** The name of a MIME field, perhaps written oddly; plain-message.ts knows it, too. */
export const mimeName =
  /content[^a-z0-9\r\n]{0,8}(?:type|transfer|encoding|disposition|id|description|location|language|md5)|mime[^a-z0-9\r\n]{0,8}version/i;

/** A type in whatever stands around it; nothing is tried twice, for a field may have 64 KiB. */
const anyType = /(?<![\w.+-])([\w.+-]+)\s{0,8}\/\s{0,8}([\w.+-]{1,127})/;
/** Of the first half of a type. */
const typeCharsMax = 127;
/** RFC 2045 §5.1 */
const plainType = /^[ \t]*[a-z0-9.+_-]+\/[a-z0-9.+_-]+[ \t]*(?:;|$)/i;

/** Names and types that one header is asked for. */
const calledMax = 2000;

const mailNames = new Set([
  ...['from', 'to', 'cc', 'subject', 'date', 'received', 'messageid', 'returnpath'],
  ...['replyto', 'sender', 'inreplyto', 'references', 'deliveredto'],
]);

export class Evidence {
  /** Fields seen. */
  fields = 0;
  /** Of them such as only mail or MIME has. */
  mimeFields = 0;
  mailFields = 0;
  readonly encodings = new Set<Encoding>();
  readonly charsets = new Set<CharsetName>();
  readonly boundaries = new Set<string>();
  /** What strict readers take for one of these. */
  readonly cutBoundaries = new Set<string>();
  /** What the body is called, and of which type it is said to be. */
  readonly called = new Called(calledMax);
  /** Whether an encoding is named in a way that not every reader takes the same way. */
  oddEncoding = false;
  /** Set where some readers end the header before what is added from now on. */
  isPartlyHeard = false;
  /** Whether readers differ about the boundary. */
  oddBoundary = false;
  /** Whether somebody may read a boundary that is not among them. */
  missesBoundary = false;
  isMultipart = false;
  /** Whether readers can differ about where its parts begin. */
  oddParts = false;
  /** Its parts are messages unless they say else (RFC 2046 §5.1.5). */
  isDigest = false;
  isBinHex = false;
  #types = 0;
  isMessage = false;
  /** A fragment of a message (RFC 2046 §5.2.2). */
  isFragment = false;
  /** RFC 3676 §4.5: lines that flow lose the blank at their end. */
  joinsLines = false;

  get declared(): Declared {
    if (this.isMessage) return 'message';
    return this.isMultipart || this.boundaries.size > 0 ? 'multipart' : 'other';
  }

  /** Whether a Content-Type says a type in a way that all readers take the same. */
  get hasPlainType(): boolean {
    return this.#types > 0;
  }

  /** Once all fields were added: whether lines that look like delimiters can be some. */
  get mayHideParts(): boolean {
    const unnamed = this.isMultipart && this.boundaries.size === 0;
    const untyped = this.#types === 0 && this.mimeFields > 0;
    return this.oddParts || this.oddBoundary || this.cutBoundaries.size > 0 || unnamed || untyped;
  }

  /** @param text name, colon and value, unfolded; or a line in their place. */
  add(text: string): void {
    const colon = text.indexOf(':');
    const name = colon === -1 ? '' : text.slice(0, colon);
    const value = text.slice(colon + 1);
    const key = squeezed(name);
    if (colon !== -1) this.fields++;
    if (mailNames.has(key)) this.mailFields++;
    if (mimeName.test(name)) this.mimeFields++;
    if (key.startsWith('content')) for (const one of fileNamesIn(value)) this.called.name(one);
    if (/(?:transfer|content)encoding$|^encoding$/.test(key)) this.#addEncoding(name, value);
    else {
      if (key.includes('contenttype')) this.#addType(name, value);
      const all = squeezed(text);
      if (/transferencoding(?:base64|quotedprintable|x?uu)/.test(all)) this.oddEncoding = true;
    }
  }

  #addEncoding(name: string, value: string): void {
    const encoding = encodings[withoutBlanks(value).toLowerCase()];
    const isExact = name.toLowerCase() === 'content-transfer-encoding';
    if (squeezed(value).includes('binhex')) this.isBinHex = true;
    if (isExact && encoding !== undefined) this.encodings.add(encoding);
    else this.oddEncoding = true;
    if (this.encodings.size > 1 || this.isPartlyHeard) this.oddEncoding = true;
  }

  #addType(name: string, value: string): void {
    for (const form of new Set([value, withoutComments(value)])) {
      const [, type, subtype] = anyType.exec(form) ?? [];
      if (type === undefined || subtype === undefined) continue;
      this.called.type(`${type.slice(-typeCharsMax)}/${subtype}`.toLowerCase());
    }
    const all = squeezed(withoutComments(value));
    const isExact = name.toLowerCase() === 'content-type' && plainType.test(value);
    if (!isExact || ++this.#types > 1) this.oddParts = true;
    if (all.includes('binhex')) this.isBinHex = true;
    if (all.startsWith('multipart')) this.isMultipart = true;
    if (all.startsWith('multipartdigest')) this.isDigest = true;
    if (/^message(?:rfc822|global$|global[^dh]|news|partial|s?http)/.test(all))
      this.isMessage = true;
    if (all.startsWith('messagepartial')) {
      this.isFragment ||= !/total\D{0,8}0*1(?!\d)/i.test(value);
    }
    this.joinsLines ||= /delsp[^=]{0,4}=[\s"]*yes/i.test(value);
    for (const name of parameterReadings(value, 'charset')) {
      for (const set of charsetsNamed(squeezed(name))) this.charsets.add(set);
    }
    const { values, agreed, cut, incomplete } = boundariesOf(value);
    if (!agreed || this.boundaries.size > 0) this.oddBoundary ||= values.length > 0;
    for (const boundary of values) this.boundaries.add(boundary);
    if (cut !== undefined) this.cutBoundaries.add(cut);
    this.missesBoundary ||= incomplete;
  }
}

/** Not by an expression: those look at a run of blanks inside from each of its blanks on. */
function withoutBlanks(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isBlank(text, from)) from++;
  while (from < to && isBlank(text, to - 1)) to--;
  return text.slice(from, to);
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}
