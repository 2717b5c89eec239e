/**
 * What boundary a Content-Type declares, to whichever reader: more than one where readers differ
 * (two parameters, quotes, comments, RFC 2231's continuations and percent-encoding).
 */

export interface Boundaries {
  readonly values: readonly string[];
  /** Whether all readers agree. */
  readonly agreed: boolean;
}

/** RFC 2046 §5.1.1 allows 70; some clients take more. */
const boundaryCharsMax = 1024;
/** Readings of one parameter, and parameters of one field, that are looked at. */
const parametersMax = 16;

const plainParameter =
  /;[ \t]*boundary=(?:"([^"\\%]{1,1024})"|([^\s;"'()\\%*]{1,1024}))[ \t]*(?:;|$)/gi;
const anyParameter = /boundary[\s\0]{0,8}((?:\*\d{0,4}[\s\0]{0,8}){0,2})=[\s\0]{0,8}/gi;

/** @param value the field's, unfolded. */
export function boundariesOf(value: string): Boundaries {
  const mentions = value.match(/boundary/gi)?.length ?? 0;
  const [plain, second] = [...value.matchAll(plainParameter)];
  if (mentions === 1 && plain !== undefined && second === undefined) {
    return { values: [(plain[1] ?? plain[2] ?? '').trimEnd()], agreed: true };
  }
  const values = new Set<string>();
  for (const form of new Set([value, withoutComments(value)])) {
    for (const one of readingsOf(form)) if (one.length <= boundaryCharsMax) values.add(one);
  }
  return { values: [...values], agreed: values.size === 0 };
}

function readingsOf(value: string): Set<string> {
  const readings = new Set<string>();
  const segments: { number: number; text: string }[] = [];
  for (const match of [...value.matchAll(anyParameter)].slice(0, parametersMax)) {
    const text = value.slice(match.index + match[0].length, match.index + 2 * boundaryCharsMax);
    for (const reading of valueReadings(text)) readings.add(reading);
    const number = /\d+/.exec(match[1] ?? '')?.[0];
    if (number !== undefined)
      segments.push({ number: Number(number), text: valueReadings(text)[0] ?? '' });
  }
  // RFC 2231 §3
  segments.sort((a, b) => a.number - b.number);
  if (segments.length > 0) {
    const joined = segments.map(({ text }) => text).join('');
    for (const one of [joined, percentDecoded(joined), withoutCharset(joined)]) readings.add(one);
  }
  return readings;
}

/** The quoted string or token first, as the standard has it. */
function valueReadings(text: string): string[] {
  const quoted = /^"((?:[^"\\]|\\.)*)/.exec(text)?.[1];
  const single = /^'([^']*)'/.exec(text)?.[1];
  const token = /^[^\s;]*/.exec(text)?.[0] ?? '';
  const all = [
    ...(quoted === undefined ? [] : [quoted.replace(/\\(.)/g, '$1'), quoted]),
    token,
    token.replace(/["']/g, ''),
    /^[^;]*/.exec(text)?.[0].trim() ?? '',
    ...(single === undefined ? [] : [single]),
  ];
  return [...new Set(all.flatMap((one) => [one, percentDecoded(one), withoutCharset(one)]))];
}

function withoutCharset(text: string): string {
  return percentDecoded(text.replace(/^[\w-]*'[\w-]*'/, ''));
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** RFC 5322 §3.2.2; from the inside out, as they nest. */
function withoutComments(text: string): string {
  let rest = text;
  for (let depth = 0; depth < 4; depth++) rest = rest.replace(/\([^()]*\)/g, '');
  return rest;
}
