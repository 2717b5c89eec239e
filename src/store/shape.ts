/**
 * What a JSON document has to be like that we have written ourselves. For so little a library would
 * be as large as the rest of the store; what people write is checked by one (daemon/config-schema).
 */

/** What is wrong with a value, a line each; keys that are not known are nobody's business. */
export type Shape = (value: unknown, at: string) => readonly string[];

function primitive(type: 'string' | 'number'): Shape {
  return (value, at) => (typeof value === type ? [] : [`${at} is no ${type}`]);
}

export const text = primitive('string');
export const number = primitive('number');

/** One of a few values. */
export function oneOf(...values: readonly unknown[]): Shape {
  return (value, at) =>
    values.includes(value) ? [] : [`${at} is none of ${values.map(String).join(', ')}`];
}

/** Absent, or of this shape. */
export function optional(shape: Shape): Shape {
  return (value, at) => (value === undefined ? [] : shape(value, at));
}

export function list(shape: Shape): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return [`${at} is no list`];
    return value.flatMap((one, index) => shape(one, `${at}[${index}]`));
  };
}

export function object(keys: Readonly<Record<string, Shape>>): Shape {
  return (value, at) => {
    if (typeof value !== 'object' || value === null) return [`${at} is no object`];
    const own = new Map<string, unknown>(Object.entries(value));
    return Object.entries(keys).flatMap(([key, shape]) => shape(own.get(key), `${at}.${key}`));
  };
}
