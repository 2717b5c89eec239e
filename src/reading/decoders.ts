/** Which decoder has which name. */
import { Base64 } from './base64.ts';
import { BinHex } from './binhex.ts';
import { Ebcdic, Utf7, WideText } from './charset.ts';
import { SignedContent } from './cms.ts';
import {
  type Decoder,
  type DecoderName,
  type EbcdicName,
  ebcdicNames,
  Identity,
} from './decoder.ts';
import { DeflatedAsGzip } from './deflated.ts';
import { Escapes } from './escapes.ts';
import { QuotedPrintable } from './quoted-printable.ts';
import { PythonQuotedPrintable } from './quoted-printable-python.ts';
import { HtmlReferences } from './html-references.ts';
import { ShiftedText } from './shifted-text.ts';
import { FlowedText, PercentEncoding } from './text-joins.ts';
import { Uuencode } from './uuencode.ts';
import { FlowingUuencode } from './uuencode-flow.ts';
import { Yenc } from './yenc.ts';

export function decoderOf(name: DecoderName): Decoder {
  if (isEbcdic(name)) return new Ebcdic(name);
  switch (name) {
    case 'as it stands':
      return new Identity();
    case 'quoted-printable':
    case 'quoted-printable without broken escapes':
    case 'quoted-printable without control characters':
      return new QuotedPrintable(name);
    case 'quoted-printable as Python has it':
      return new PythonQuotedPrintable();
    case 'uuencode':
    case 'xxencode':
      return new Uuencode(name);
    case 'uuencode of any lines':
      return new FlowingUuencode();
    case 'yEnc':
    case 'yEnc with dots as they stand':
      return new Yenc(name);
    case 'BinHex':
      return new BinHex();
    case 'percent-encoding':
      return new PercentEncoding();
    case 'HTML references':
      return new HtmlReferences();
    case 'flowed text, joined':
      return new FlowedText();
    case 'deflated, as gzip':
      return new DeflatedAsGzip();
    case 'signed CMS':
      return new SignedContent();
    case 'backslash escapes':
      return new Escapes();
    case 'utf-7':
      return new Utf7();
    case 'utf-16le':
    case 'utf-16be':
    case 'utf-32le':
    case 'utf-32be':
      return new WideText(name);
    case 'iso-2022':
    case 'hz':
      return new ShiftedText(name);
    case 'base64':
    case 'base64 with = left out':
    case 'base64 with = as zero':
    case 'base64 with URL-safe letters':
    case 'base64, each line by itself':
    case 'base64 in folded lines':
    case 'base64 without lines that hold anything else':
    case 'base64 in lines of whole quanta':
      return new Base64(name);
  }
}

function isEbcdic(name: DecoderName): name is EbcdicName {
  return (ebcdicNames as readonly DecoderName[]).includes(name);
}
