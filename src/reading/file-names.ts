/** The names that a header field gives to a part, to whichever reader (parameter.ts). */
import { charsetsNamed } from './charset-name.ts';
import { decoderOf } from './decoders.ts';
import { wordsDecoded } from './encoded-word.ts';
import { type ParameterBounds, percentReadings, rawReadings } from './parameter.ts';
import { squeezed } from './squeezed.ts';

const bounds: ParameterBounds = { parametersMax: 64, charsMax: 4096 };

/** @param value of a field, unfolded, its bytes as latin1. */
export function fileNamesIn(value: string): ReadonlySet<string> {
  const names = new Set<string>();
  if (!/name/i.test(value)) return names;
  for (const raw of rawReadings(value, '(?:file)?name', bounds)) {
    // A quote that nobody takes off ends no name.
    if (raw.startsWith('"')) continue;
    names.add(wordsDecoded(raw, textOf));
    for (const one of [raw, ...percentReadings(raw)]) {
      names.add(utf8Of(one));
      // RFC 2231 §4: a character set and a language in front.
      const [, charset, text = ''] = /^([\w-]+)'[\w-]*'([^]*)$/.exec(one) ?? [];
      if (charset !== undefined) names.add(textOf(Buffer.from(text, 'latin1'), charset));
    }
  }
  names.delete('');
  return names;
}

function textOf(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    const [known] = charsetsNamed(squeezed(charset));
    const decoder = known && decoderOf(known);
    const text = decoder ? Buffer.concat([decoder.decode(bytes), decoder.end()]) : bytes;
    return utf8Of(text.toString('latin1'));
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Bytes as latin1 that are UTF-8 (RFC 6532), or are not. */
function utf8Of(latin1: string): string {
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}
