/** The boundaries that some header declares, and which lines are their delimiters to somebody. */

/** 'agreed': to all readers. 'odd': to some (other case, a beginning only, one of several). */
export interface Delimiter {
  readonly agreed: boolean;
  /** The line is the end of its multipart. */
  readonly closes: boolean;
}

export const boundariesMax = 64;

const lineCharsMax = 1100;

export class Delimiters {
  /** In lower case, with whether readers agree about it and how it is written. */
  readonly #declared = new Map<string, { readonly text: string; readonly agreed: boolean }>();
  /** Where a multipart names no boundary, some readers take the first line like one. */
  anyLine = false;

  /** @returns false at the ceiling; the boundary is then unknown. */
  declare(boundary: string, agreed: boolean): boolean {
    const key = boundary.toLowerCase();
    const known = this.#declared.get(key);
    if (known === undefined && this.#declared.size >= boundariesMax) return false;
    const differs = known !== undefined && known.text !== boundary;
    const stays = known?.agreed ?? true;
    this.#declared.set(key, { text: boundary, agreed: agreed && stays && !differs });
    return true;
  }

  /** Whether a boundary stands anywhere in a line: some readers look no closer. */
  areMentioned(head: Buffer): boolean {
    const text = head.toString('latin1', 0, lineCharsMax).toLowerCase();
    for (const boundary of this.#declared.keys()) {
      if (boundary !== '' && text.includes(boundary)) return true;
    }
    return false;
  }

  /** @param head a line that begins with two hyphens, perhaps behind blanks. */
  match(head: Buffer): Delimiter | undefined {
    const raw = head.toString('latin1', 0, lineCharsMax);
    const text = raw.trimStart().slice(2).trimEnd();
    const indented = /^\s/.test(raw);
    const whole = this.#declared.get(text.toLowerCase());
    if (whole !== undefined) return this.#delimiter(whole, text, !indented, false);
    const stem = text.endsWith('--') ? text.slice(0, -2).trimEnd() : undefined;
    const closed = stem === undefined ? undefined : this.#declared.get(stem.toLowerCase());
    if (stem !== undefined && closed !== undefined) {
      return this.#delimiter(closed, stem, !indented, true);
    }
    if (this.anyLine || this.#hasBeginningOf(text)) return { agreed: false, closes: false };
    return undefined;
  }

  #delimiter(
    declared: { readonly text: string; readonly agreed: boolean },
    text: string,
    agreed: boolean,
    closes: boolean,
  ): Delimiter {
    return { agreed: agreed && declared.agreed && declared.text === text, closes };
  }

  /** RFC 2046 §5.1.1 lets a reader compare the beginning of the line only. */
  #hasBeginningOf(text: string): boolean {
    const lower = text.toLowerCase();
    for (const boundary of this.#declared.keys()) {
      if (boundary !== '' && lower.startsWith(boundary)) return true;
    }
    return false;
  }
}
