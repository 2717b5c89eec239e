/**
 * What boundary a Content-Type declares, to whichever reader: more than one where readers differ
 * (parameter.ts), and perhaps one that only some cut out of it.
 */
import { parameterReadings, usualBounds } from './parameter.ts';

export interface Boundaries {
  readonly values: readonly string[];
  /** Whether all readers agree. */
  readonly agreed: boolean;
  /** What strict readers take of an unquoted one that needs quotes (RFC 2045 §5.1, tspecials). */
  readonly cut?: string;
  /** Whether there may be one besides them: too long, or too many. */
  readonly incomplete: boolean;
}

/** RFC 2046 §5.1.1 allows 70; some clients take more. */
const boundaryCharsMax = 1024;

/** Printable, and of blanks only single ones within: those that come from folding are counted differently. */
const quotedParameter =
  /;[ \t]*boundary="([!#$&-:<-[\]-~]{1,1024}(?: [!#$&-:<-[\]-~]{1,1024}){0,8})"[ \t]*(?:;|$)/i;
const bareParameter = /;[ \t]*boundary=([!#$&+-:<-@A-[\]-~]{1,1024})[ \t]*(?:;|$)/i;
/** RFC 2047 §5 forbids it here; some decode it. */
const encodedWord = /=\?.*\?=/;
const tspecial = /[/:=?,@<>[\]]/;

/** @param value the field's, unfolded. */
export function boundariesOf(value: string): Boundaries {
  const mentions = value.match(/boundary/gi)?.length ?? 0;
  if (mentions === 0) return { values: [], agreed: true, incomplete: false };
  const plain = mentions === 1 ? plainOf(value) : undefined;
  if (plain !== undefined) return plain;
  const readings = [...parameterReadings(value, 'boundary')];
  const short = readings.filter(({ length }) => length <= boundaryCharsMax);
  // To who keeps texts as C does, a NUL is the end of one.
  const cutAtNul = short.map((one) => /^[^\0]*/.exec(one)?.[0] ?? '');
  const values = [
    ...new Set([...short, ...cutAtNul].flatMap((one) => [one.trimEnd(), one.trim()])),
  ];
  const incomplete = short.length < readings.length || mentions > usualBounds.parametersMax;
  return { values, agreed: values.length === 0, incomplete };
}

function plainOf(value: string): Boundaries | undefined {
  const quoted = quotedParameter.exec(value)?.[1];
  const bare = bareParameter.exec(value)?.[1];
  const one = quoted ?? bare;
  if (one === undefined || one.length > boundaryCharsMax || encodedWord.test(one)) return undefined;
  const end = bare?.search(tspecial) ?? -1;
  const cut = end === -1 ? {} : { cut: one.slice(0, end) };
  return { values: [one], agreed: true, ...cut, incomplete: false };
}
