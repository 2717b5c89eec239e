/**
 * A message in a file, as the daemon would see it if Postfix sent it: every line ends in CRLF (as
 * sendmail(1) makes it), and it has gone through the same decoder, whose objections are kept.
 */
import { createReadStream } from 'node:fs';
import type { Content } from '../content.ts';
import { cancelCause, Cancelled, messageOf } from '../errors.ts';
import { DataDecoder, type DataOptions, type Violations } from '../protocol/smtp/data.ts';
import { DataEncoder } from '../protocol/smtp/data-encoder.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

export class FileContent implements Content {
  readonly size: number;
  readonly complete = true;
  readonly violations: Violations;
  readonly #path: string;
  readonly #options: DataOptions;

  private constructor(path: string, options: DataOptions, read: Read) {
    this.#path = path;
    this.#options = options;
    this.size = read.size;
    this.violations = read.violations;
  }

  /**
   * Reads the file once to its end.
   *
   * @throws {CliFailure} noInput, when it cannot be read.
   */
  static async open(path: string, options: DataOptions): Promise<FileContent> {
    const decoder = new DataDecoder(options);
    let size = 0;
    for await (const slice of received(path, decoder)) size += slice.length;
    const { violations } = decoder;
    return new FileContent(path, options, { size, violations });
  }

  async *chunks(signal: AbortSignal): AsyncIterable<Buffer> {
    for await (const slice of received(this.#path, new DataDecoder(this.#options))) {
      if (signal.aborted) throw new Cancelled(cancelCause(signal));
      yield slice;
    }
  }
}

/** What the first reading found. */
interface Read {
  readonly size: number;
  readonly violations: Violations;
}

async function* received(path: string, decoder: DataDecoder): AsyncGenerator<Buffer, void> {
  const encoder = new DataEncoder();
  for await (const chunk of withCrlf(read(path))) {
    for (const sent of encoder.encode(chunk)) yield* decoder.decode(sent).slices;
  }
  yield* decoder.decode(encoder.end()).slices;
}

async function* read(path: string): AsyncGenerator<Buffer, void> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new CliFailure(exitCodes.noInput, messageOf(error), { cause: error });
  }
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
