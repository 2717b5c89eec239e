/**
 * Finds what readers take out of the middle of a text: uuencode, xxencode, yEnc and BinHex, each
 * behind the line that begins it.
 */
import type { DecoderName } from './decoder.ts';
import type { FoundList } from './found-list.ts';
import type { Line } from './lines.ts';

/**
 * uuencode(1)'s first line, with a mode of any length, or with an encoded name (GNU sharutils); some
 * readers take 'begin' and two blanks. plain-message.ts knows it.
 */
const begin =
  /^[ \t]*begin(?:[ \t]+[0-9]{1,16}(?![0-9])|[ \t]{2,}\S|(-base64)(?:-encoded)?[ \t]|-encoded[ \t])/i;
/** Nobody ends at 'END' who does not end at any line. */
const uuEnd = /^[ \t]*(?:end|====)[ \t]*$/;
const yencBegin = /^=ybegin[ \t]/i;
const yencEnd = /^=yend(?:[ \t]|$)/i;
const binHexBegin = /binhex|must be converted/i;
/** Of what RFC 1741's first line says, which some readers look for anywhere in a line. */
const binHexWord = 'with BinHex';
/** A first line that needs no such words: of its letters only. */
const binHexLine = /^:[!-,\-0-689@A-NP-VX-Z[`a-fh-mp-r]{40,}:?[ \t]*$/;

/** The line that begins something holds a name. */
const beginCharsMax = 1024;

interface Open {
  readonly decoder: DecoderName;
  readonly from: number;
  readonly why: string;
}

export class InlineFinder {
  readonly #found: FoundList;
  #uu: Open | undefined;
  #yenc: Open | undefined;
  /** Where the first file in yEnc began, and how many did. */
  #yencFrom = 0;
  #yencCount = 0;
  #binHex: Open | undefined;
  #awaitsBinHex = false;
  /** Whether its word has come in any line, and the end of the bytes so far, where it may begin. */
  #mayHaveWord = false;
  #tail = '';

  constructor(found: FoundList) {
    this.#found = found;
  }

  /** All bytes, in order, and before the lines that they end. */
  feed(chunk: Buffer): void {
    if (this.#mayHaveWord) return;
    const border = this.#tail + chunk.toString('latin1', 0, binHexWord.length);
    this.#mayHaveWord = chunk.includes(binHexWord, 0, 'latin1') || border.includes(binHexWord);
    const from = Math.max(0, chunk.length - binHexWord.length);
    this.#tail = (this.#tail + chunk.toString('latin1', from)).slice(-binHexWord.length);
  }

  end(): void {
    this.#joinYenc();
    for (const open of [this.#uu, this.#yenc, this.#binHex]) this.#close(open, undefined);
  }

  line(line: Line): void {
    const letter = firstLetter(line);
    switch (letter) {
      case 'b':
      case 'e':
        this.#uuLine(line);
        break;
      case '=':
        this.#uuLine(line);
        this.#yencLine(line);
        break;
      case '(':
        this.#awaitsBinHex ||= binHexBegin.test(line.head.toString('latin1', 0, 256));
        break;
      case ':':
        this.#binHexLine(line);
        break;
    }
    if (this.#mayHaveWord) this.#awaitsBinHex ||= line.head.includes(binHexWord);
    if (this.#binHex !== undefined && endsWithColon(line)) {
      this.#close(this.#binHex, line.end);
      this.#binHex = undefined;
    }
  }

  #uuLine(line: Line): void {
    const text = line.head.toString('latin1', 0, beginCharsMax);
    const begins = begin.exec(text);
    if (begins === null && !uuEnd.test(text)) return;
    this.#close(this.#uu, begins === null ? line.next : line.start);
    this.#uu = undefined;
    if (begins === null) return;
    // 'begin 644 name', 'begin  name'.
    const name = text.trim().replace(/^begin\S*\s+(?:[0-9]{1,16}\s+)?/i, '');
    this.#found.called.name(name.replace(/^"(.*)"$/, '$1'));
    const decoder = begins[1] === undefined ? 'uuencode' : 'base64';
    this.#uu = { decoder, from: line.next, why: "behind a 'begin' in a text" };
  }

  #yencLine(line: Line): void {
    const text = line.head.toString('latin1', 0, beginCharsMax);
    const begins = yencBegin.test(text);
    if (!begins && !yencEnd.test(text)) return;
    this.#close(this.#yenc, line.start);
    const name = /\bname=(.*)$/i.exec(text)?.[1]?.trim();
    if (begins && name !== undefined) this.#found.called.name(name);
    if (begins && ++this.#yencCount === 1) this.#yencFrom = line.next;
    this.#yenc = begins
      ? { decoder: 'yEnc', from: line.next, why: "behind a '=ybegin' in a text" }
      : undefined;
  }

  /** One file may be in several, whose keyword lines are no data. */
  #joinYenc(): void {
    if (this.#yencCount < 2) return;
    const why = 'all that is in yEnc in a text';
    this.#close({ decoder: 'yEnc', from: this.#yencFrom, why }, undefined);
  }

  #binHexLine(line: Line): void {
    if (this.#binHex !== undefined) return;
    const begins = this.#awaitsBinHex || binHexLine.test(line.head.toString('latin1', 0, 256));
    if (!begins) return;
    this.#awaitsBinHex = false;
    this.#binHex = { decoder: 'BinHex', from: line.start, why: 'BinHex in a text' };
  }

  #close(open: Open | undefined, to: number | undefined): void {
    if (open === undefined) return;
    const { decoder, from, why } = open;
    this.#found.add({ steps: [{ from, to, decoder }], why, odd: true, declared: 'other' });
  }
}

function firstLetter(line: Line): string {
  let at = 0;
  while (at < 8 && (line.byteAt(at) === 0x20 || line.byteAt(at) === 0x09)) at++;
  return String.fromCharCode(line.byteAt(at) ?? 0).toLowerCase();
}

/** A line of BinHex's end is not its beginning. */
function endsWithColon({ head, start, end }: Line): boolean {
  const text = head.toString('latin1', Math.max(0, head.length - 8)).trimEnd();
  return end - start > 1 && head.length === end - start && text.endsWith(':');
}
