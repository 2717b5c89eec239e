/**
 * What is seen in the bytes of a part or a reading besides what clamd says: that they are
 * encrypted. Each byte string is told of once, under the name of the stream that it was scanned as.
 */
import { scratchBytes } from '../inspect/blocks.ts';
import { type Inspection, Inspector } from '../inspect/inspector.ts';
import { defaultInspectLimits } from '../inspect/notes.ts';
import type { Finding } from '../verdict/finding.ts';

export class Inspections {
  readonly #findings: Finding[];
  /** One for all, as one file is inspected at a time. */
  #scratch: Buffer | undefined;
  readonly #told = new Set<string>();

  /** @param findings to add to. */
  constructor(findings: Finding[]) {
    this.#findings = findings;
  }

  /** Begins with a file; the one before has ended. */
  begin(): Inspector {
    this.#scratch ??= Buffer.allocUnsafeSlow(scratchBytes);
    return new Inspector({ limits: defaultInspectLimits, lists: false }, this.#scratch);
  }

  /** @param digest of the bytes. */
  tell(stream: string, digest: string, { encrypted }: Inspection): void {
    if (this.#told.has(digest)) return;
    this.#told.add(digest);
    for (const detail of encrypted) this.#findings.push({ kind: 'encrypted', stream, detail });
  }
}
