/**
 * MailParser, narrowed to what a scanner needs of it: every leaf of the MIME tree as a stream of
 * its decoded bytes. By itself MailParser gives a text's characters, in one piece and at the end,
 * which costs memory and is not what a client saves; and it reads header fields that nobody asks
 * for. What is changed here MailParser calls its own business, so its version is fixed and
 * test/scan/leaf-parser.test.ts says what must stay true.
 */
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { MailParser, type MailParserOptions } from 'mailparser';
import { Base64 } from '../reading/base64.ts';
import type { Decoder } from '../reading/decoder.ts';
import { QuotedPrintable } from '../reading/quoted-printable.ts';
import type { MimePart } from './scanner.ts';

/** A leaf as MailParser hands it over. */
export interface ParsedLeaf {
  readonly type: 'attachment';
  readonly content: Readable;
  readonly contentType: string;
  /** As IMAP counts; null where the message is not multipart. */
  readonly partId: string | null;
  readonly filename?: string;
  /** SHA-256 and number of bytes, once the content has ended. */
  readonly checksum?: string;
  readonly size?: number;
  /** The parser goes on when this has been called; null from then on. */
  readonly release: (() => void) | null;
}

/** Texts that MailParser made although it should not have. */
export interface ParsedText {
  readonly type: 'text';
  readonly text?: string;
  readonly html?: string | boolean;
}

export type ParsedItem = ParsedLeaf | ParsedText;

/** A MIME entity as mailsplit sees it. */
interface SplitNode {
  readonly contentType: string | false;
  readonly multipart: string | false;
  readonly encoding: string | false;
  readonly partNr: readonly (number | string)[];
  getDecoder(): Transform;
}

type LineDone = (error?: Error | null, ...rest: unknown[]) => void;

interface Internals {
  /** Types that become text instead of an attachment. */
  textTypes: readonly string[];
  /** Gathers what it is given until it has so many bytes, with a new buffer for each piece. */
  chunkedPassthrough: { chunkSize: number };
  splitter: { processLine(line: Buffer | false, final: boolean, next: LineDone): void };
  processHeaders(lines: unknown): Map<string, unknown>;
  createNode(node: SplitNode): unknown;
  readData(): unknown;
}

const OpenMailParser = MailParser as unknown as new (
  options: MailParserOptions & {
    maxChildNodes: number;
    ignoreEmbedded: boolean;
    maxHeadSize: number;
  },
) => MailParser & Internals;

/**
 * A header section; a longer one is an error (EMAXLEN), which makes the message partial(unparsed) however
 * much header_bytes_max lets in: that one says what is refused. One long field holds the event loop for 0.13 ms
 * a KiB while its parameters are looked for. Postfix has header_size_limit, 100 KiB.
 */
export const headBytesMax = 256 * 1024;

export class LeafParser extends OpenMailParser {
  /** The multipart entities met so far. */
  readonly containers: MimePart[] = [];

  /** @param entitiesMax entities, leaves or not; one more is an error (EMAXLEN). */
  constructor(entitiesMax: number) {
    super({
      skipHtmlToText: true,
      skipTextToHtml: true,
      skipTextLinks: true,
      skipImageLinks: true,
      checksumAlgo: 'sha256',
      maxChildNodes: entitiesMax,
      maxHeadSize: headBytesMax,
      // A message in the message is a leaf like others; who asks takes it apart.
      ignoreEmbedded: true,
    });
    this.textTypes = [];
    // What it is fed with is not small, and gathering 64 KiB from it would cost three times that.
    this.chunkedPassthrough.chunkSize = 1;
    this.#guardSplitter();
  }

  override processHeaders(): Map<string, unknown> {
    return new Map();
  }

  override createNode(node: SplitNode): unknown {
    const number = node.partNr.filter((part) => typeof part === 'number').join('.');
    if (node.multipart !== false) {
      this.containers.push({ number, contentType: `multipart/${node.multipart}`, bytes: 0 });
    }
    const decoder = decoders[node.encoding || ''];
    if (decoder) node.getDecoder = () => new DecoderStream(decoder());
    return super.createNode(node);
  }

  /** Runs from timers of its own, where a throw would end the process. */
  override readData(): unknown {
    try {
      return super.readData();
    } catch (error) {
      return this.emit('error', error);
    }
  }

  /** As above, for the part that cuts lines. */
  #guardSplitter(): void {
    const { splitter } = this;
    const processLine = splitter.processLine.bind(splitter);
    splitter.processLine = (line, final, next) => {
      try {
        processLine(line, final, next);
      } catch (error) {
        next(error as Error);
      }
    };
  }
}

/**
 * Ours in place of mailparser's: libqp holds a part whole, and the event loop with it; libbase64 makes
 * three texts of each piece, which costs twice what decoding it does.
 */
const decoders: Readonly<Record<string, () => Decoder>> = {
  base64: () => new Base64(),
  'quoted-printable': () => new QuotedPrintable(),
};

/** A decoder as mailsplit wants it. */
class DecoderStream extends Transform {
  readonly #decoder: Decoder;

  constructor(decoder: Decoder) {
    super();
    this.#decoder = decoder;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, this.#decoder.decode(chunk));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#decoder.end());
  }
}
