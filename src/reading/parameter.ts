/**
 * What a parameter of a field says, to whichever reader: quoted or not, said several times, with
 * comments, in RFC 2231's continuations and percent-encoding, in RFC 2047's encoded words, where
 * those may not stand either.
 */
import { wordsDecoded } from './encoded-word.ts';

export interface ParameterBounds {
  /** Parameters of one name in one field that are looked at. */
  readonly parametersMax: number;
  /** Of one of them. */
  readonly charsMax: number;
}

export const usualBounds: ParameterBounds = { parametersMax: 16, charsMax: 2048 };

interface Segment {
  readonly number: number;
  readonly text: string;
}

/** @param value the field's, unfolded. @param name in lower case, letters only. */
export function parameterReadings(value: string, name: string): ReadonlySet<string> {
  const readings = new Set<string>();
  if (!value.toLowerCase().includes(name)) return readings;
  for (const raw of rawReadings(value, name, usualBounds)) {
    for (const one of [raw, ...percentReadings(raw)]) readings.add(one);
    readings.add(wordsDecoded(raw, (bytes) => bytes.toString('latin1')));
  }
  return readings;
}

/** As they are written, but for quotes. @param name an expression, in lower case. */
export function rawReadings(
  value: string,
  name: string,
  bounds: ParameterBounds,
): ReadonlySet<string> {
  const readings = new Set<string>();
  for (const form of new Set([value, withoutComments(value)])) {
    for (const one of readingsOf(form, name, bounds)) readings.add(one);
  }
  return readings;
}

/** What they make of it who take %XX for a byte. */
export function percentReadings(raw: string): string[] {
  const all = percentDecoded(raw);
  // RFC 2231 §4: a character set and a language in front.
  const behindCharset = /^[\w-]*'[\w-]*'([^]*)$/.exec(all)?.[1];
  return behindCharset === undefined ? [all] : [all, behindCharset];
}

function readingsOf(
  value: string,
  name: string,
  { parametersMax, charsMax }: ParameterBounds,
): ReadonlySet<string> {
  const readings = new Set<string>();
  const segments: Segment[] = [];
  const parameter = new RegExp(
    `${name}[\\s\\0]{0,8}((?:\\*\\d{0,4}[\\s\\0]{0,8}){0,2})=[\\s\\0]{0,8}`,
    'gi',
  );
  let index = 0;
  for (const match of value.matchAll(parameter)) {
    if (++index > parametersMax) break;
    const from = match.index + match[0].length;
    const all = valueReadings(value.slice(from, from + charsMax));
    for (const reading of all) readings.add(reading);
    const number = /\d+/.exec(match[1] ?? '')?.[0];
    if (number !== undefined) segments.push({ number: Number(number), text: all[0] ?? '' });
  }
  if (segments.length > 0) {
    // RFC 2231 §3: in the order of their numbers; some take them as they come.
    readings.add(joined(segments, charsMax));
    readings.add(
      joined(
        segments.toSorted((a, b) => a.number - b.number),
        charsMax,
      ),
    );
  }
  return readings;
}

/** Its end, which tells most: values that hold further ones are in it again and again. */
function joined(segments: readonly Segment[], charsMax: number): string {
  return segments
    .map(({ text }) => text)
    .join('')
    .slice(-charsMax);
}

/** The quoted string or token first, as the standard has it. */
function valueReadings(text: string): string[] {
  const quoted = /^"((?:[^"\\]|\\.)*)/.exec(text)?.[1];
  const single = /^'([^']*)'/.exec(text)?.[1];
  const token = /^[^\s;]*/.exec(text)?.[0] ?? '';
  const upToSemicolon = /^[^;]*/.exec(text)?.[0].trim() ?? '';
  return [
    ...(quoted === undefined ? [] : [quoted.replace(/\\(.)/g, '$1'), quoted]),
    token,
    token.replace(/["']/g, ''),
    upToSemicolon,
    upToSemicolon.replaceAll('"', ''),
    ...(single === undefined ? [] : [single]),
  ];
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** RFC 5322 §3.2.2; from the inside out, as they nest. */
export function withoutComments(text: string): string {
  let rest = text;
  for (let depth = 0; depth < 4; depth++) rest = rest.replace(/\([^()]*\)/g, '');
  return rest;
}
