/**
 * A message in a file, as the daemon would see it if Postfix sent it: every line ends in CRLF (as
 * sendmail(1) makes it), and it has gone through the same decoder, whose objections are kept.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Content } from '../content.ts';
import { cancelCause, Cancelled, messageOf } from '../errors.ts';
import { DataDecoder, type DataOptions, type Violations } from '../protocol/smtp/data.ts';
import { DataEncoder } from '../protocol/smtp/data-encoder.ts';
import { systemCode } from '../store/files.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** The bytes as they are stored, from the first on; to be called for each reading. */
type Source = () => AsyncIterable<Buffer>;

export class FileContent implements Content {
  readonly size: number;
  readonly complete = true;
  readonly violations: Violations;
  readonly digest: string;
  /** Whether a later reading came to other bytes than the first. */
  changed = false;
  readonly #path: string;
  readonly #source: Source;
  readonly #options: DataOptions;

  private constructor(path: string, source: Source, options: DataOptions, first: Reading) {
    this.#path = path;
    this.#source = source;
    this.#options = options;
    this.size = first.size;
    this.violations = first.violations;
    this.digest = first.digest;
  }

  /**
   * Reads the file once to its end.
   *
   * @param path '-' is stdin.
   * @throws {CliFailure} noInput, when it cannot be read, or is too large to be kept in memory
   *   although it can be read only once.
   */
  static async open(path: string, options: DataOptions): Promise<FileContent> {
    const source = await sourceOf(path, options.messageBytesMax);
    const decoder = new DataDecoder(options);
    const hash = createHash('sha256');
    let size = 0;
    for await (const slice of received(source, decoder)) {
      hash.update(slice);
      size += slice.length;
    }
    const { violations } = decoder;
    const first = { size, violations, digest: hash.digest('hex') };
    return new FileContent(path, source, options, first);
  }

  /** @throws {CliFailure} ioError, at the end of other bytes than those of the first reading. */
  async *chunks(signal: AbortSignal, from = 0): AsyncIterable<Buffer> {
    const hash = createHash('sha256');
    let skip = from;
    for await (const slice of received(this.#source, new DataDecoder(this.#options))) {
      if (signal.aborted) throw new Cancelled(cancelCause(signal));
      hash.update(slice);
      if (skip < slice.length) yield slice.subarray(skip);
      skip = Math.max(0, skip - slice.length);
    }
    if (hash.digest('hex') === this.digest) return;
    this.changed = true;
    throw new CliFailure(exitCodes.ioError, `${this.#path} changed while it was read`);
  }
}

/** What the first reading found. */
interface Reading {
  readonly size: number;
  readonly violations: Violations;
  readonly digest: string;
}

/** What is no regular file gives its bytes only once, so they are kept. */
async function sourceOf(path: string, bytesMax: number): Promise<Source> {
  if (path !== '-' && (await isRegular(path))) return () => read(path);
  const kept = await readOnce(path, bytesMax);
  return () => Readable.from(kept);
}

async function isRegular(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw unreadableFile(path, error);
  }
}

async function readOnce(path: string, bytesMax: number): Promise<readonly Buffer[]> {
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of read(path)) {
    size += chunk.length;
    if (size > bytesMax) {
      const problem = `${path}: more than ${bytesMax} bytes (message_bytes_max), and no regular file`;
      throw new CliFailure(exitCodes.noInput, problem);
    }
    kept.push(chunk);
  }
  return kept;
}

async function* received(source: Source, decoder: DataDecoder): AsyncGenerator<Buffer, void> {
  const encoder = new DataEncoder();
  for await (const chunk of withCrlf(source())) {
    for (const sent of encoder.encode(chunk)) yield* decoder.decode(sent).slices;
  }
  yield* decoder.decode(encoder.end()).slices;
}

async function* read(path: string): AsyncGenerator<Buffer, void> {
  // Stdin by its number: it may be a socket, which has no name that could be opened.
  const stream = path === '-' ? createReadStream('', { fd: 0, autoClose: false }) : undefined;
  try {
    yield* (stream ?? createReadStream(path)) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadableFile(path, error);
  }
}

/** Of a directory the system does not say which. */
export function unreadableFile(path: string, cause: unknown): CliFailure {
  const isDirectory = systemCode(cause) === 'EISDIR';
  const why = isDirectory ? `${path}: is a directory; name a message in it` : messageOf(cause);
  return new CliFailure(exitCodes.noInput, why, { cause });
}

const CR = 0x0d;

async function* withCrlf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let afterCr = false;
  for await (const chunk of chunks) {
    const text = (afterCr ? '\r' : '') + chunk.toString('latin1');
    const lines = text.replaceAll(/\r?\n/g, '\r\n');
    yield Buffer.from(afterCr ? lines.slice(1) : lines, 'latin1');
    afterCr = chunk.at(-1) === CR;
  }
}
