/**
 * What a parameter of a field says, to whichever reader: quoted or not, said several times, with
 * comments, in RFC 2231's continuations and percent-encoding.
 */

/** Parameters of one name in one field that are looked at. */
export const parametersMax = 16;
/** Of one of them. */
export const parameterCharsMax = 2048;

/** @param value the field's, unfolded. @param name in lower case, letters only. */
export function parameterReadings(value: string, name: string): ReadonlySet<string> {
  const readings = new Set<string>();
  if (!value.toLowerCase().includes(name)) return readings;
  for (const form of new Set([value, withoutComments(value)])) {
    for (const one of readingsOf(form, name)) readings.add(one);
  }
  return readings;
}

function readingsOf(value: string, name: string): ReadonlySet<string> {
  const readings = new Set<string>();
  const segments: { number: number; text: string }[] = [];
  const parameter = new RegExp(
    `${name}[\\s\\0]{0,8}((?:\\*\\d{0,4}[\\s\\0]{0,8}){0,2})=[\\s\\0]{0,8}`,
    'gi',
  );
  let index = 0;
  for (const match of value.matchAll(parameter)) {
    if (++index > parametersMax) break;
    const from = match.index + match[0].length;
    const text = value.slice(from, from + parameterCharsMax);
    for (const reading of valueReadings(text)) readings.add(reading);
    const number = /\d+/.exec(match[1] ?? '')?.[0];
    if (number !== undefined) {
      segments.push({ number: Number(number), text: valueReadings(text)[0] ?? '' });
    }
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
