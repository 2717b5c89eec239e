/**
 * The names that a header field gives to a part, to whichever reader: quoted or not, with comments,
 * in RFC 2231's continuations and percent-encoding, in RFC 2047's encoded words, where those may not
 * stand either.
 */

/** Of one field. */
const parametersMax = 64;
const nameCharsMax = 4096;

const parameter = /(?:file)?name[\s\0]{0,8}((?:\*\d{0,4}[\s\0]{0,8}){0,2})=[\s\0]{0,8}/gi;
const comment = /\((?:[^()\\]|\\.){0,1024}\)/g;
const encodedWord = /=\?([\w-]{1,40})(?:\*[\w-]{0,20})?\?([bq])\?([^?]{0,4096})\?=/gi;

interface Segment {
  readonly number: number;
  readonly text: string;
}

/** @param value of a field, unfolded, its bytes as latin1. */
export function fileNamesIn(value: string): ReadonlySet<string> {
  const names = new Set<string>();
  const isNamed = /name/i.test(value);
  for (const form of isNamed ? new Set([value, value.replace(comment, '')]) : []) {
    for (const raw of rawNames(form)) for (const name of decodings(raw)) names.add(name);
  }
  names.delete('');
  return names;
}

function rawNames(value: string): ReadonlySet<string> {
  const names = new Set<string>();
  const segments: Segment[] = [];
  let index = 0;
  for (const match of value.matchAll(parameter)) {
    if (++index > parametersMax) break;
    const from = match.index + match[0].length;
    const readings = valueReadings(value.slice(from, from + nameCharsMax));
    for (const reading of readings) names.add(reading);
    const number = /\d+/.exec(match[1] ?? '')?.[0];
    if (number !== undefined) segments.push({ number: Number(number), text: readings[0] ?? '' });
  }
  if (segments.length > 0) {
    // RFC 2231 §3: in the order of their numbers; some take them as they come.
    names.add(joined(segments));
    names.add(joined(segments.toSorted((a, b) => a.number - b.number)));
  }
  return names;
}

/** Its end, which tells what the file is: values that hold further ones are in it again and again. */
function joined(segments: readonly Segment[]): string {
  return segments
    .map(({ text }) => text)
    .join('')
    .slice(-nameCharsMax);
}

/** A quoted string with its escapes taken both ways, what stands before a semicolon, a token. */
function valueReadings(text: string): string[] {
  const quoted = /^"((?:[^"\\]|\\.)*)/.exec(text)?.[1];
  const single = /^'([^']*)'/.exec(text)?.[1];
  const upToSemicolon = /^[^;]*/.exec(text)?.[0].trim() ?? '';
  const token = /^[^\s;]*/.exec(text)?.[0] ?? '';
  return [
    ...(quoted === undefined ? [] : [quoted.replace(/\\(.)/g, '$1'), quoted]),
    ...(single === undefined ? [] : [single]),
    ...[token, upToSemicolon].map((one) => one.replaceAll('"', '')),
  ];
}

/** The name as it stands, and what those make of it who decode it. */
function decodings(raw: string): string[] {
  const words = wordsDecoded(raw);
  const percent = percentDecoded(raw);
  // RFC 2231 §4: a character set and a language in front.
  const behindCharset = /^[\w-]*'[\w-]*'([^]*)$/.exec(percent)?.[1];
  return [
    utf8Of(raw),
    words,
    utf8Of(percent),
    ...(behindCharset === undefined ? [] : [utf8Of(behindCharset)]),
  ];
}

function percentDecoded(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}

function wordsDecoded(text: string): string {
  // RFC 2047 §6.2: blanks between two of them are no part of the text.
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(encodedWord, (_, charset: string, encoding: string, word: string) =>
      wordDecoded(charset, encoding.toLowerCase(), word),
    );
}

function wordDecoded(charset: string, encoding: string, word: string): string {
  const bytes =
    encoding === 'b'
      ? Buffer.from(word, 'base64')
      : Buffer.from(
          word
            .replaceAll('_', ' ')
            .replace(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
          'latin1',
        );
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return utf8Of(bytes.toString('latin1'));
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
