/**
 * What a next hop announces in its answer to EHLO or LHLO, and what may therefore be said to it.
 * A parameter of MAIL or RCPT travels on as it came where its extension is announced; where it is
 * not, it is dropped if the message can be delivered without it, and named as lacking if not.
 */
import { type EsmtpParameter, type Path, parameterOf } from '../../envelope.ts';
import type { Reply } from './reply.ts';

/** Keyword in upper case → its parameters as they were written (RFC 5321 §4.1.1.1). */
export type Extensions = ReadonlyMap<string, readonly string[]>;

/** What HELO leaves us with. */
export const noExtensions: Extensions = new Map();

/** Extensions that a message cannot be delivered without, once MAIL asks for them. */
export type NeededExtension = 'SMTPUTF8' | '8BITMIME';

/** Older servers write `AUTH=PLAIN`, so "=" parts too. */
const ehloLine = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =](.*))?$/u;

export function parseExtensions(answer: Reply): Extensions {
  const extensions = new Map<string, readonly string[]>();
  for (const line of answer.lines.slice(1)) {
    const [, keyword, parameters = ''] = ehloLine.exec(line) ?? [];
    if (keyword === undefined) continue;
    extensions.set(keyword.toUpperCase(), parameters.split(' ').filter(Boolean));
  }
  return extensions;
}

/** Which extension a parameter belongs to; one that has no row here is named as its extension. */
const extensionOf = new Map([
  ['BODY', '8BITMIME'], // RFC 6152
  ['RET', 'DSN'], // RFC 3461
  ['ENVID', 'DSN'],
  ['NOTIFY', 'DSN'],
  ['ORCPT', 'DSN'],
]);

/** What MAIL asks for and the next hop cannot do: then nothing of the message may be sent to it. */
export function lackingExtension(path: Path, extensions: Extensions): NeededExtension | undefined {
  // RFC 6531 §3.2: a message that needs SMTPUTF8 must not go to a server without it.
  if (parameterOf(path, 'SMTPUTF8') && !extensions.has('SMTPUTF8')) return 'SMTPUTF8';
  // RFC 6152 §3: the content would have to be converted, and we change none.
  const eightBit = parameterOf(path, 'BODY')?.value?.toUpperCase() === '8BITMIME';
  return eightBit && !extensions.has('8BITMIME') ? '8BITMIME' : undefined;
}

/** The line of MAIL, without CRLF. */
export function mailLine(path: Path, extensions: Extensions): string {
  return pathLine('MAIL FROM', path, extensions);
}

/** The line of RCPT, without CRLF. */
export function recipientLine(path: Path, extensions: Extensions): string {
  return pathLine('RCPT TO', path, extensions);
}

function pathLine(verb: string, path: Path, extensions: Extensions): string {
  const offered = path.parameters.filter(({ keyword }) => {
    const upper = keyword.toUpperCase();
    return extensions.has(extensionOf.get(upper) ?? upper);
  });
  return [`${verb}:<${path.address}>`, ...offered.map(parameterText)].join(' ');
}

function parameterText({ keyword, value }: EsmtpParameter): string {
  return value === undefined ? keyword : `${keyword}=${value}`;
}
