/**
 * What turns the bytes of a body into those that a client takes from it. Decoders are fed piece by
 * piece, and how the input is cut changes nothing.
 */
export interface Decoder {
  /** What this piece comes to, with what was held back before. */
  decode(chunk: Buffer): Buffer;
  /** What was held back to the end. */
  end(): Buffer;
  /**
   * Once ended: other ways to take the same bytes, where they were not of the form that all
   * decoders take the same way.
   */
  readonly others: readonly DecoderName[];
}

export type Base64Name =
  | 'base64'
  | 'base64 with = left out'
  | 'base64 with = as zero'
  | 'base64 with URL-safe letters'
  | 'base64, each line by itself'
  | 'base64 in folded lines'
  | 'base64 without lines that hold anything else'
  | 'base64 in lines of whole quanta';

export type CharsetName =
  | 'utf-7'
  | 'backslash escapes'
  | 'utf-16le'
  | 'utf-16be'
  | 'utf-32le'
  | 'utf-32be'
  | EbcdicName
  | ShiftedName;
export const ebcdicNames = [
  ...(['cp037', 'cp273', 'cp277', 'cp278', 'cp280', 'cp284', 'cp285', 'cp290', 'cp297'] as const),
  ...(['cp500', 'cp833', 'cp838', 'cp871', 'cp905', 'cp935', 'cp939', 'cp1026', 'cp1047'] as const),
] as const;
export type EbcdicName = (typeof ebcdicNames)[number];
export type ShiftedName = 'iso-2022' | 'hz';

/** How bytes are taken, in the words of `clamgate scan`. */
export type DecoderName =
  | 'as it stands'
  | Base64Name
  | 'quoted-printable'
  | 'quoted-printable without broken escapes'
  | 'quoted-printable without control characters'
  | 'quoted-printable as Python has it'
  | 'uuencode'
  | 'uuencode of any lines'
  | 'xxencode'
  | 'yEnc'
  | 'yEnc with dots as they stand'
  | 'BinHex'
  | 'signed CMS'
  | 'deflated, as gzip'
  | 'percent-encoding'
  | 'HTML references'
  | 'flowed text, joined'
  | CharsetName;

const nothing = Buffer.alloc(0);

export class Identity implements Decoder {
  readonly others = [];

  decode(chunk: Buffer): Buffer {
    return chunk;
  }

  end(): Buffer {
    return nothing;
  }
}
