import { assert } from '../assert.ts';
import type { HeaderCollector } from '../protocol/message/header.ts';
import type { MessageScanner, ScanReport } from '../scan/scanner.ts';
import type { Spool } from '../store/spool.ts';

/**
 * The content of one transaction while it arrives: it goes to the spool, its header section is set
 * apart, and the scan follows the spool from the first byte on.
 *
 * A failure (disk full) does not stop the peer in mid-data, which would leave us out of step: the
 * rest is read and dropped, and `finish` tells.
 */
export class Intake {
  readonly content: Spool;
  readonly #header: HeaderCollector;
  readonly #scanning: Promise<ScanReport>;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    content: Spool,
    header: HeaderCollector,
    scanner: MessageScanner,
    signal: AbortSignal,
  ) {
    this.content = content;
    this.#header = header;
    this.#scanning = scanner.scan(content, signal);
    // Whoever finishes the transaction hears of a failed scan; until then it is not unhandled.
    this.#scanning.catch(() => undefined);
  }

  /** The header section with the empty line that ends it; whole only after `finish`. */
  get header(): Buffer {
    return this.#header.bytes;
  }

  get headerTooLarge(): boolean {
    return this.#header.tooLarge;
  }

  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#failure || this.#header.tooLarge) return undefined;
    this.#header.push(bytes);
    return this.content.write(bytes)?.catch((error: unknown) => {
      this.#fail(error);
    });
  }

  /**
   * To be called at the end of data.
   *
   * @throws {OperationalError} STORE, when the content could not be spooled.
   */
  finish(): void {
    if (this.#failure) throw this.#failure.error;
    this.#header.end();
    this.content.end();
  }

  /**
   * What the scanners found, once the content is complete.
   *
   * @throws as {@link MessageScanner.scan}.
   */
  report(): Promise<ScanReport> {
    assert(this.content.complete, 'a report is asked for after the end of data');
    return this.#scanning;
  }

  dispose(): void {
    this.content.dispose();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.content.fail(error);
  }
}
