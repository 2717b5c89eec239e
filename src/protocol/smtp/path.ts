/**
 * Reverse-path and forward-path with their parameters: the arguments of MAIL and RCPT (RFC 5321
 * §4.1.1.2, §4.1.1.3, §4.1.2; UTF-8 as in RFC 6531 §3.3). Addresses stay as they were sent; only a
 * source route is dropped (RFC 5321 appendix C).
 *
 * The domain is looked at less strictly than the grammar asks: host names with an underscore exist
 * and Postfix passes them on.
 */

import type { Path } from '../../envelope.ts';
import { isAscii, parseParameters } from './parameters.ts';
import { type Reply, reply } from './reply.ts';

const utf8 = '\\u0080-\\u{10FFFF}';
const atom = `[A-Za-z0-9!#$%&'*+\\/=?^_\`\\{\\|\\}~\\-${utf8}]+`;
const dotString = `${atom}(?:\\.${atom})*`;
/** HT is RFC 5322's; RFC 5321 leaves it out, but nothing comes of refusing it. */
const quotedString = `"(?:[\\t !#-\\[\\]-~${utf8}]|\\\\[\\t -~])*"`;
const label = `[A-Za-z0-9_\\-${utf8}]+`;
const domain = `(?:${label}(?:\\.${label})*|\\[[!-Z^-~]+\\])`;
const sourceRoute = `@${domain}(?:,@${domain})*:`;
const mailbox = `(?:${dotString}|${quotedString})@${domain}`;

const reversePath = new RegExp(`^<(?:(?:${sourceRoute})?(${mailbox}))?>`, 'u');
/** RFC 5321 §4.1.1.3: the one address that needs no domain. */
const forwardPath = new RegExp(`^<(?:${sourceRoute})?(${mailbox}|postmaster)>`, 'iu');

/** The argument of MAIL. @returns the path, or the reply that refuses it. */
export function parseMailArgument(argument: string): Path | Reply {
  const text = afterKeyword('FROM:', argument);
  if (text === undefined) return reply(501, '5.5.4', 'Syntax: MAIL FROM:<address>');
  const [brackets, address = ''] = reversePath.exec(text) ?? [];
  if (brackets === undefined) return reply(501, '5.1.7', 'Bad sender address syntax');
  return withParameters('MAIL', address, text.slice(brackets.length));
}

/** The argument of RCPT. @returns the path, or the reply that refuses it. */
export function parseRcptArgument(argument: string): Path | Reply {
  const text = afterKeyword('TO:', argument);
  if (text === undefined) return reply(501, '5.5.4', 'Syntax: RCPT TO:<address>');
  const [brackets, address = ''] = forwardPath.exec(text) ?? [];
  if (brackets === undefined) return reply(501, '5.1.3', 'Bad recipient address syntax');
  return withParameters('RCPT', address, text.slice(brackets.length));
}

/** Whether the path can only travel where SMTPUTF8 is understood (RFC 6531 §3.4). */
export function needsSmtputf8(path: Path): boolean {
  return ![path.address, ...path.parameters.map(({ value }) => value ?? '')].every(isAscii);
}

/** RFC 5321 §3.3 has no space behind the colon, but many clients send one. */
function afterKeyword(keyword: string, argument: string): string | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined;
  const rest = argument.slice(keyword.length);
  return rest.startsWith(' ') ? rest.slice(1) : rest;
}

function withParameters(command: 'MAIL' | 'RCPT', address: string, text: string): Path | Reply {
  if (text !== '' && !text.startsWith(' ')) {
    return reply(501, '5.5.4', `Bad ${command} syntax behind the address`);
  }
  const parameters = parseParameters(command, text);
  return 'code' in parameters ? parameters : { address, parameters };
}
