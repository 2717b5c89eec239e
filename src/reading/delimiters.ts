/** The boundaries that some header declares, and which lines are their delimiters to somebody. */

export interface Delimiter {
  /** To all readers. To some: in another case, a beginning only, one of several, out of its multipart. */
  readonly agreed: boolean;
  /** The line is the end of its multipart. */
  readonly closes: boolean;
}

export const boundariesMax = 64;

const lineCharsMax = 1100;

export class Delimiters {
  /** In lower case, with whether readers agree about it and how it is written. */
  readonly #declared = new Map<string, { readonly text: string; readonly agreed: boolean }>();
  /** Those of the multiparts that are open, the outermost first. */
  #open: string[] = [];
  /** Where a multipart names no boundary, some readers take the first line like one. */
  anyLine = false;

  /** @returns false at the ceiling; the boundary is then unknown. */
  declare(boundary: string, agreed: boolean): boolean {
    const key = boundary.toLowerCase().replaceAll('\0', '');
    const known = this.#declared.get(key);
    if (known === undefined && this.#declared.size >= boundariesMax) return false;
    const differs = known !== undefined && known.text !== boundary;
    const stays = known?.agreed ?? true;
    this.#declared.set(key, { text: boundary, agreed: agreed && stays && !differs });
    return true;
  }

  /** The multipart begins whose boundary was declared, as all see. */
  enter(boundary: string): void {
    const again = this.#open.includes(boundary);
    this.#open.push(boundary);
    if (again) this.declare(boundary, false);
  }

  /** Whether a boundary stands anywhere in a line: some readers look no closer, and pass over NULs. */
  areMentioned(head: Buffer): boolean {
    const text = head.toString('latin1', 0, lineCharsMax).toLowerCase().replaceAll('\0', '');
    for (const boundary of this.#declared.keys()) {
      if (boundary !== '' && text.includes(boundary)) return true;
    }
    return false;
  }

  /**
   * What a line is that begins with two hyphens, perhaps behind blanks; where all agree about it, the
   * multiparts within are left.
   *
   * @param isLine whether it begins and ends as all readers see.
   */
  take(head: Buffer, isLine: boolean): Delimiter | undefined {
    const raw = head.toString('latin1', 0, lineCharsMax);
    const text = raw.trimStart().slice(2).trimEnd();
    const stem = text.endsWith('--') ? text.slice(0, -2).trimEnd() : undefined;
    const isBare = isLine && raw === `--${text}`;
    const whole = this.#declared.get(text.toLowerCase());
    if (whole !== undefined) return this.#delimiter(isBare && whole.agreed, text, false);
    const closed = stem === undefined ? undefined : this.#declared.get(stem.toLowerCase());
    if (stem !== undefined && closed !== undefined) {
      return this.#delimiter(isBare && closed.agreed, stem, true);
    }
    if (this.anyLine || this.#hasBeginningOf(text)) return { agreed: false, closes: false };
    return undefined;
  }

  /** @param sure whether nothing but its multipart could be in doubt. */
  #delimiter(sure: boolean, boundary: string, closes: boolean): Delimiter {
    const at = sure ? this.#open.lastIndexOf(boundary) : -1;
    if (at === -1) return { agreed: false, closes };
    this.#open = this.#open.slice(0, closes ? at : at + 1);
    return { agreed: true, closes };
  }

  /** RFC 2046 §5.1.1 lets a reader compare the beginning of the line only; some pass over NULs. */
  #hasBeginningOf(text: string): boolean {
    const lower = text.toLowerCase().replaceAll('\0', '');
    for (const boundary of this.#declared.keys()) {
      if (boundary !== '' && lower.startsWith(boundary)) return true;
    }
    return false;
  }
}
