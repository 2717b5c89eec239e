/**
 * The proof that a message has nothing to decode, so that mailparser, which costs more than all
 * the rest of a small message, need not walk it.
 *
 * Why it cannot be tricked: it does not parse a message the way a reader would, it shows that no
 * reader has anything to parse. A decoding starts from one of two things. Either a MIME field says
 * so: then the header holds one, and here every header line must be a field or its continuation
 * by the narrowest grammar there is (RFC 5322 §2.2: printable ASCII, no space before the colon, no
 * line without colon, no bare CR, bare LF, NUL or other control character, no folded line of
 * nothing but space), so that lenient and strict readers cut it into the same fields; and of MIME
 * fields only those are let through, once each, that say "as it stands": text/plain, 7bit, 8bit.
 * Or the body itself starts it, in readers that look for embedded messages, uuencode, yEnc, BinHex
 * or armour in text: each of those begins with a word that here must not occur at all, at any
 * place. Undeclared boundaries do not matter, as parts without fields are text as it stands.
 *
 * The readings of src/reading/ hold to that (test/scan/plain-message.test.ts): whoever adds one there
 * looks here.
 *
 * So each reading is the header and the body as clamd saw them in the whole message, but for what
 * changes the view of text only (charset, format=flowed). One difference is left: clamd looks at
 * the body with LF for CRLF, so a digest signature of a body with CRLF does not match there.
 *
 * Nor may the body be a file that is opened (a PDF is mostly text): what is inside of that is asked of
 * the walk, which inspects it.
 *
 * When in doubt the answer is no; the price is a walk.
 */
import { base64LettersMin } from '../reading/encoded-look.ts';
import { mimeName } from '../reading/evidence.ts';
import { squeezed } from '../reading/squeezed.ts';
import { ContainerLook } from './container.ts';

/** A header that is longer is walked: this bounds what is kept of it. */
const headerBytesMax = 64 * 1024;

/** Longer than the longest word of `decodable`, so that none hides between two chunks. */
const overlapChars = 64;

/**
 * What a body must not begin with: a header as mail has it, a mark of another character set, TNEF.
 */
const beginning =
  /^[\s\0]*(?:>?From |[!-9;-~]+[\t ]*:)|^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff|\+\/v|x\x9f>")/;
const beginningChars = 1024;

/** What is more than base64, which some readers decode whatever the header says. */
const moreThanBase64 = /[^A-Za-z0-9+/=\r\n]/;

/** What a body must not contain, in any case, anywhere. */
const decodable = new RegExp(
  [
    '\\0|\\r(?!\\n)|(?<!\\r)\\n',
    // MIME fields of an embedded message or part, perhaps written oddly.
    `content-|${mimeName.source}`,
    // uuencode ("begin 644 name", "begin-base64 644 name"); some readers take "begin" and two spaces.
    'begin[ \\t-](?:[ \\t\\d]|base64|encoded)',
    '=ybegin|binhex|must be converted|xbtoa|-----begin',
    // A URI that carries its content, perhaps in character references; a calendar, a card.
    `${Array.from('data:').join('[\\t\\r\\n]{0,8}')}|&#|&(?:colon|tab|newline);|begin:v`,
  ].join('|'),
  'i',
);

const field = /^([!-9;-~]+):([\t\x20-\x7e]*)$/;
const continuation = /^[\t ]+[!-~][\t\x20-\x7e]*$/;

/**
 * Fields from which some reader takes how the body is encoded (also RFC 1154, Sun's mailtool): their
 * names without what is no letter.
 */
const encodingField = /^(?:content|mime|encoding$|xsun)|contenttype|(?:transfer|content)encoding$/;

/** The words of such a field in another. */
const encodingWords = /transferencoding(?:base64|quotedprintable|x?uu)/;

const parameter =
  'charset="?(?:us-ascii|utf-8|iso-8859-[0-9]{1,2}|windows-125[0-9])"?|format="?(?:flowed|fixed)"?';

/** What such a field may say; one that is not here is a reason to walk. */
const asItStands: Readonly<Record<string, RegExp>> = {
  'mime-version': /^1\.0$/,
  'content-type': new RegExp(`^text/plain(?:[ \\t]*;[ \\t]*(?:${parameter}))*$`, 'i'),
  'content-transfer-encoding': /^(?:7bit|8bit)$/i,
  'content-language': /^[a-z0-9-]+$/i,
};

/** Fed with the whole message in order. */
export class PlainMessageProof {
  #header = '';
  /** What was read last of the body; undefined while the header lasts. */
  #tail: string | undefined;
  #refuted = false;
  /** A body that clamd opens, or that may be encrypted, is inspected; only a walk does that. */
  readonly #look = new ContainerLook();
  #bodyBytes = 0;
  #isMoreThanBase64 = false;
  #beginning = '';

  update(chunk: Buffer): void {
    if (this.#refuted) return;
    const text = chunk.toString('latin1');
    const before = this.#bodyBytes;
    if (this.#tail === undefined) this.#readHeader(text);
    else this.#readBody(text);
    const body = chunk.subarray(chunk.length - (this.#bodyBytes - before));
    if (body.length > 0) this.#look.feed(body);
  }

  /** Whether it cannot hold any more, whatever follows. */
  get isRefuted(): boolean {
    return this.#refuted;
  }

  /** Once the message is complete: whether it is proven that there is nothing to decode. */
  get holds(): boolean {
    return (
      !this.#refuted &&
      this.#tail !== undefined &&
      !this.#tail.endsWith('\r') &&
      !beginning.test(this.#beginning) &&
      this.#look.kind === undefined &&
      !(this.#beginning.length === beginningChars && this.#beginning.trim() === '') &&
      (this.#isMoreThanBase64 || this.#bodyBytes < base64LettersMin)
    );
  }

  /** Bytes after the header's empty line. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  #readHeader(text: string): void {
    const from = Math.max(0, this.#header.length - 3);
    this.#header += text;
    const end = this.#header.indexOf('\r\n\r\n', from);
    const length = end === -1 ? this.#header.length : end;
    this.#refuted =
      length > headerBytesMax || (end !== -1 && !isPlainHeader(this.#header.slice(0, end)));
    if (end === -1 || this.#refuted) return;
    this.#tail = '';
    const body = this.#header.slice(end + 4);
    this.#header = '';
    this.#readBody(body);
  }

  #readBody(text: string): void {
    this.#bodyBytes += text.length;
    this.#isMoreThanBase64 ||= moreThanBase64.test(text);
    const missing = beginningChars - this.#beginning.length;
    if (missing > 0) this.#beginning += text.slice(0, missing);
    const all = `${this.#tail ?? ''}${text}`;
    // A CR at the end waits for its LF.
    this.#refuted = decodable.test(all.endsWith('\r') ? all.slice(0, -1) : all);
    const tail = all.slice(-overlapChars);
    // Its CR was tested with it.
    this.#tail = tail.startsWith('\n') && tail.length < all.length ? tail.slice(1) : tail;
  }
}

function isPlainHeader(header: string): boolean {
  const fields: { name: string; value: string }[] = [];
  for (const line of header.split('\r\n')) {
    const parts = field.exec(line);
    const last = fields.at(-1);
    if (parts !== null) {
      fields.push({ name: parts[1]?.toLowerCase() ?? '', value: parts[2] ?? '' });
    } else if (last !== undefined && continuation.test(line)) {
      last.value += line;
    } else {
      return false;
    }
  }
  if (fields.some(({ name, value }) => encodingWords.test(squeezed(name + value)))) return false;
  const encoding = fields.filter(({ name }) => encodingField.test(squeezed(name)));
  const names = new Set(encoding.map(({ name }) => name));
  return (
    names.size === encoding.length &&
    encoding.every(({ name, value }) => asItStands[name]?.test(value.trim()) === true)
  );
}
