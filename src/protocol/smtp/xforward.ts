/**
 * The XFORWARD command of Postfix (XFORWARD_README): who the original client was. Which peers may
 * send it, and when, is not decided here.
 */

import { type Client, clientAttributes } from '../../envelope.ts';
import { type Reply, reply } from './reply.ts';
import { decodeXtext, encodeXtext } from './xtext.ts';

type Attribute = (typeof clientAttributes)[number];

/** XFORWARD_README: at most 255 characters a value and 512 a command, its CRLF included. */
const valueLengthMax = 255;
const lineLengthMax = 512 - '\r\n'.length;

/** The two commands that Postfix sends. */
const commandGroups: readonly (readonly Attribute[])[] = [
  ['name', 'addr', 'port'],
  ['proto', 'helo', 'ident', 'source'],
];

/** The argument of one XFORWARD. @returns its attributes, or the reply that refuses all of them. */
export function parseXforward(argument: string): Client | Reply {
  const attributes: Partial<Record<Attribute, string>> = {};
  const words = argument.split(' ').filter((word) => word !== '');
  if (words.length === 0) return reply(501, '5.5.4', 'Syntax: XFORWARD attribute=value...');
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals === -1) return reply(501, '5.5.4', 'Syntax: XFORWARD attribute=value...');
    const name = word.slice(0, equals).toLowerCase();
    const attribute = clientAttributes.find((known) => known === name);
    if (attribute === undefined) return reply(501, '5.5.4', 'Unknown XFORWARD attribute');
    const encoded = word.slice(equals + 1);
    const value = encoded.length > valueLengthMax ? undefined : decodeXtext(encoded);
    if (value === undefined) return reply(501, '5.5.4', `Bad value of ${name.toUpperCase()}`);
    attributes[attribute] = value;
  }
  return attributes;
}

/**
 * The commands that pass `client` on, without CRLF, each short enough for XFORWARD_README; none
 * when nothing of it is offered. A value that is too long once it is xtext is left out: to the
 * next hop it is then unavailable, where a refused command would lose its neighbours as well.
 *
 * @param offered the attributes behind XFORWARD in the next hop's reply to EHLO, in any case.
 */
export function encodeXforward(client: Client, offered: readonly string[]): string[] {
  const wanted = new Set(offered.map((name) => name.toLowerCase()));
  return commandGroups.flatMap((group) =>
    fillLines(group.filter((attribute) => wanted.has(attribute)).flatMap(encodeAttribute)),
  );

  function encodeAttribute(attribute: Attribute): string[] {
    const value = client[attribute];
    const encoded = value === undefined ? undefined : encodeXtext(value);
    if (encoded === undefined || encoded.length > valueLengthMax) return [];
    return [` ${attribute.toUpperCase()}=${encoded}`];
  }
}

function fillLines(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length <= lineLengthMax) {
      lines[lines.length - 1] = last + word;
    } else {
      lines.push(`XFORWARD${word}`);
    }
  }
  return lines;
}
