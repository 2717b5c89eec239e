/**
 * Finds the line on which each key of a TOML text stands, which the parser does not tell. The text
 * has been parsed already, so this walks over values without judging them.
 */

/** Keys and, in arrays, numbers counted from 0. */
export type KeyPath = readonly (string | number)[];

/** The line (from 1) of the key at `path`, else of the nearest table around it that is written. */
export type LineOf = (path: KeyPath) => number | undefined;

export function locateKeys(toml: string): LineOf {
  const lines = new KeyWalk(toml).walk();
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const line = lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  };
}

/** One pass from the first character to the last; each method leaves `#at` behind what it read. */
class KeyWalk {
  readonly #text: string;
  readonly #lines = new Map<string, number>();
  /** How many elements each array of tables has so far. */
  readonly #tables = new Map<string, number>();
  #at = 0;
  /** Counted up to `#counted`, because keys come in order. */
  #line = 1;
  #counted = 0;

  constructor(text: string) {
    this.#text = text;
  }

  walk(): ReadonlyMap<string, number> {
    let table: KeyPath = [];
    while (this.#findStatement()) {
      if (this.#text[this.#at] === '[') table = this.#header();
      else this.#pair(table);
    }
    return this.#lines;
  }

  /** [a.b] or [[a.b]]: the path that the keys below it start with. */
  #header(): KeyPath {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const keys = this.#dottedKey();
    const path = isArray ? this.#nextElement(keys) : this.#lastElements(keys);
    this.#record(path);
    this.#at += isArray ? 2 : 1;
    return path;
  }

  #nextElement(keys: readonly string[]): KeyPath {
    const path = [...this.#lastElements(keys.slice(0, -1)), ...keys.slice(-1)];
    const name = JSON.stringify(path);
    const index = this.#tables.get(name) ?? 0;
    this.#tables.set(name, index + 1);
    return [...path, index];
  }

  /** Below an array of tables a header means the element that was begun last (TOML 1.0). */
  #lastElements(keys: readonly string[]): KeyPath {
    const path: (string | number)[] = [];
    for (const key of keys) {
      path.push(key);
      const count = this.#tables.get(JSON.stringify(path));
      if (count !== undefined) path.push(count - 1);
    }
    return path;
  }

  #pair(table: KeyPath): void {
    const keys = this.#dottedKey();
    const path = [...table, ...keys];
    this.#record(path);
    this.#at++; // the equals sign
    this.#skipSpace();
    this.#value(path);
  }

  #value(path: KeyPath): void {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string();
    else if (first === '[') this.#array(path);
    else if (first === '{') this.#inlineTable(path);
    else this.#skip(/[^,\]}#\n]*/y);
  }

  #array(path: KeyPath): void {
    this.#at++;
    for (let index = 0; !this.#closes(); index++) {
      this.#record([...path, index]);
      this.#value([...path, index]);
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#at++;
    while (!this.#closes()) this.#pair(path);
  }

  /** Skips to the next element; true when there is none, and the closing bracket is read. */
  #closes(): boolean {
    this.#skip(/(?:[\s,]|#[^\n]*)*/y);
    return this.#at >= this.#text.length || this.#skip(/[\]}]/y) !== '';
  }

  /** a."b.c".d, and the white space around its keys. */
  #dottedKey(): string[] {
    const keys: string[] = [];
    do {
      this.#skip(/[ \t.]*/y);
      keys.push(this.#key());
      this.#skipSpace();
    } while (this.#text[this.#at] === '.');
    return keys;
  }

  #key(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return this.#skip(/[\w-]*/y);
    const written = this.#string();
    return quote === "'" ? written.slice(1, -1) : unescaped(written.slice(1, -1));
  }

  /** A string of any of the four kinds, with its quotes. */
  #string(): string {
    return this.#skip(
      /"""(?:\\[^]|[^\\])*?"""(?!")|'''[^]*?'''(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|./y,
    );
  }

  /** Skips white space and comments; false at the end. */
  #findStatement(): boolean {
    this.#skip(/(?:\s|#[^\n]*)*/y);
    return this.#at < this.#text.length;
  }

  #skipSpace(): void {
    this.#skip(/[ \t]*/y);
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [skipped] = pattern.exec(this.#text) ?? [''];
    this.#at += skipped.length;
    return skipped;
  }

  /** The first mention of a table counts, so that a dotted key opens the tables it names. */
  #record(path: KeyPath): void {
    for (; this.#counted < this.#at; this.#counted++) {
      if (this.#text[this.#counted] === '\n') this.#line++;
    }
    for (let length = 1; length <= path.length; length++) {
      const name = JSON.stringify(path.slice(0, length));
      if (!this.#lines.has(name)) this.#lines.set(name, this.#line);
    }
  }
}

/** A basic string's escapes (TOML 1.0: those of JSON, and \UXXXXXXXX; 1.1: \e and \xHH). */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:u([\da-f]{4})|U([\da-f]{8})|x([\da-f]{2})|([^]))/gi,
    (_, ...groups: (string | undefined)[]) => {
      const [short, long, byte, letter] = groups;
      const hex = short ?? long ?? byte;
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      return letters.get(letter ?? '') ?? letter ?? '';
    },
  );
}

const letters: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['t', '\t'],
  ['n', '\n'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\u001b'],
]);
