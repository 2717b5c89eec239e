/**
 * What is in the frames of an MTA: strings that end with NUL. Each function gives undefined for
 * data that are not what the command has; nobody guesses then.
 */
import type { Client, EsmtpParameter, Path } from '../../envelope.ts';

/**
 * Macros with their values, or ESMTP parameters, that a frame may have: of NULs alone it would have
 * millions, each of which costs a hundred bytes to keep.
 */
const stringsMax = 1000;

/** All strings of `data`; undefined when it does not end with one, or has more than are kept. */
export function strings(data: Buffer): Buffer[] | undefined {
  const all: Buffer[] = [];
  let start = 0;
  while (start < data.length) {
    const end = data.indexOf(0, start);
    if (end < 0 || all.length === stringsMax) return undefined;
    all.push(data.subarray(start, end));
    start = end + 1;
  }
  return all;
}

/** Macros: a command's letter, then names and values in turn. */
export interface Macros {
  readonly letter: string;
  readonly values: readonly (readonly [name: string, value: string])[];
}

export function parseMacros(data: Buffer): Macros | undefined {
  const words = strings(data.subarray(1));
  if (data.length === 0 || !words || words.length % 2 !== 0) return undefined;
  const values: [string, string][] = [];
  for (let at = 0; at < words.length; at += 2) {
    values.push([macroName(text(words[at])), text(words[at + 1])]);
  }
  return { letter: String.fromCharCode(data[0] ?? 0), values };
}

/** A name of several letters comes in braces, one of a single letter from some in them, too. */
function macroName(name: string): string {
  return /^\{(.*)\}$/s.exec(name)?.[1] ?? name;
}

const familyHasAddress: Readonly<Record<string, boolean>> = {
  U: false,
  L: true,
  '4': true,
  '6': true,
};

/**
 * Who the SMTP client is: a name, the family's letter and, where that is known, a port and an
 * address. Sendmail writes IPv6 addresses with "IPv6:" before them, Postfix does not.
 */
export function parseConnect(data: Buffer): Client | undefined {
  const end = data.indexOf(0);
  const family = end < 0 ? undefined : data[end + 1];
  if (family === undefined) return undefined;
  const name = text(data.subarray(0, end));
  const hasAddress = familyHasAddress[String.fromCharCode(family)];
  if (hasAddress === undefined) return undefined;
  if (!hasAddress) return { name };
  if (data.length < end + 4) return undefined;
  const port = data.readUInt16BE(end + 2);
  const [address] = strings(data.subarray(end + 4)) ?? [];
  if (!address) return undefined;
  const addr = text(address).replace(/^IPv6:/i, '');
  return { name, addr, ...(port !== 0 && { port: String(port) }) };
}

/** A path with its ESMTP parameters, the address with or without angle brackets. */
export function parsePath(data: Buffer): Path | undefined {
  const [first, ...rest] = strings(data) ?? [];
  if (!first) return undefined;
  const address = text(first);
  return {
    address: /^<(.*)>$/s.exec(address)?.[1] ?? address,
    parameters: rest.map((word) => parameterOf(text(word))),
  };
}

function parameterOf(word: string): EsmtpParameter {
  const equals = word.indexOf('=');
  if (equals < 0) return { keyword: word };
  return { keyword: word.slice(0, equals), value: word.slice(equals + 1) };
}

export function parseHelo(data: Buffer): string | undefined {
  const [name] = strings(data) ?? [];
  return name && text(name);
}

export interface HeaderField {
  /** As the MTA has it, each byte a character. */
  readonly name: string;
  /** The field as it stood in the message, its CRLF included. */
  readonly line: Buffer;
}

const colon = Buffer.from(':');
const colonAndSpace = Buffer.from(': ');
const crlf = Buffer.from('\r\n');
const cr = 0x0d;
const lf = 0x0a;

/**
 * A field of the header section: a name and a value whose lines are separated by LF. Each of those
 * stood for CRLF; a CR before it was one more. Without `leadingSpace` the MTA has eaten one space
 * behind the colon; where there was none, there is one now. What stands behind a NUL would be content
 * that we are not sure to see as the MTA delivers it, so such a field is none.
 */
export function parseHeader(data: Buffer, leadingSpace: boolean): HeaderField | undefined {
  const [name, value, ...more] = strings(data) ?? [];
  if (!name || !value || name.length === 0 || more.length > 0) return undefined;
  const line = [name, leadingSpace ? colon : colonAndSpace, withCrlf(value), crlf];
  return { name: name.toString('latin1'), line: Buffer.concat(line) };
}

/**
 * Byte by byte into one buffer: a value of nothing but LFs would make millions of slices, or of calls
 * out of JavaScript. By index, which takes a fifth of the time of an iterator.
 */
function withCrlf(value: Buffer): Buffer {
  if (!value.includes(lf)) return value;
  const all = Buffer.allocUnsafe(value.length + countOf(lf, value));
  let at = 0;
  for (let from = 0; from < value.length; from++) {
    const byte = value[from] ?? 0;
    if (byte === lf) all[at++] = cr;
    all[at++] = byte;
  }
  return all;
}

function countOf(wanted: number, bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) count += bytes[at] === wanted ? 1 : 0;
  return count;
}

function text(bytes: Buffer | undefined): string {
  return bytes?.toString('utf8') ?? '';
}
