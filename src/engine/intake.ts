import type { CancelSignal } from '../cancel-signal.ts';
import type { HeaderCollector } from '../protocol/message/header.ts';
import type { ScanReport } from '../scan/scanner.ts';
import type { Spool } from '../store/spool.ts';
import { identify, type Identity } from './identity.ts';
import type { Scanning, Scans } from './scans.ts';

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
  readonly #scanning: Scanning;
  #failure: { readonly error: unknown } | undefined;
  #identity: Identity | undefined;

  constructor(content: Spool, header: HeaderCollector, scans: Scans) {
    this.content = content;
    this.#header = header;
    this.#scanning = scans.begin(content);
  }

  /** The header section with the empty line that ends it; whole only after `finish`. */
  get header(): Buffer {
    return this.#header.bytes;
  }

  /** By what names the message is known outside. To be asked when no more of it comes. */
  get identity(): Identity {
    return (this.#identity ??= identify(this.header));
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
   * To be called at the end of data. The scan does not come to its end before `report`.
   *
   * @throws {OperationalError} STORE, when the content could not be spooled.
   */
  finish(): void {
    if (this.#failure) throw this.#failure.error;
    this.#header.end();
    this.#scanning.join(this.content.seal());
  }

  /** How often these bytes broke a scan. @throws {OperationalError} STORE */
  get brokenScans(): number {
    return this.#scanning.broken(this.content.digest);
  }

  /**
   * What the scanners find. When `signal` is aborted the scan goes on without us, for the retry.
   *
   * @throws {Cancelled} when `signal` is aborted.
   * @throws as MessageScanner.scan.
   */
  report(signal: CancelSignal): Promise<ScanReport> {
    return this.#scanning.finish(this.content.digest, signal);
  }

  /** Instead of `report`: nothing more is scanned. */
  skipScan(): void {
    this.#scanning.skip();
  }

  /** @param retried whether the message will come again. */
  dispose(retried: boolean): void {
    void this.#scanning.leave(retried).then(() => {
      this.content.dispose();
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.content.fail(error);
  }
}
