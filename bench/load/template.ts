/**
 * Messages that differ in a serial number and in nothing else, made fast: the first is composed, with
 * a word in the place of the number; the others are its pieces with their numbers between. Pure.
 */

export interface Sample {
  /** As it goes over the wire after DATA, without the final dot; no line of it begins with a dot. */
  readonly message: Buffer;
  /** The decoded parts that clamgate sends besides the whole. */
  readonly parts: readonly Buffer[];
}

/** Makes the sample with this number. */
export type Maker = (serial: number) => Sample;

/**
 * Stands for the serial number. Where content goes into base64 it has to stand at a multiple of three
 * bytes, and may not be cut by the end of a line.
 */
export const serialWord = 'SERIALNUMBER';

const encodedWord = base64(serialWord);

type Piece = Buffer | 'serial' | 'serial in base64';

export function makerOfTemplate({ message, parts }: Sample): Maker {
  const [whole, ...rest] = [message, ...parts].map(piecesOf);
  return (serial) => ({
    message: filled(whole ?? [], serial),
    parts: rest.map((pieces) => filled(pieces, serial)),
  });
}

function piecesOf(template: Buffer): readonly Piece[] {
  return cut(template, serialWord, 'serial').flatMap((piece) =>
    Buffer.isBuffer(piece) ? cut(piece, encodedWord, 'serial in base64') : piece,
  );
}

function cut(template: Buffer, word: string, piece: Piece): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (let at = template.indexOf(word); at !== -1; at = template.indexOf(word, from)) {
    pieces.push(template.subarray(from, at), piece);
    from = at + word.length;
  }
  return [...pieces, template.subarray(from)];
}

function filled(pieces: readonly Piece[], serial: number): Buffer {
  const number = String(serial).padStart(serialWord.length, '0');
  return Buffer.concat(
    pieces.map((piece) => {
      if (Buffer.isBuffer(piece)) return piece;
      return Buffer.from(piece === 'serial' ? number : base64(number));
    }),
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
