/**
 * The ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2): those of the extensions we announce and
 * no others. Values are checked, because the next hop would refuse a bad one much later; they are
 * not decoded, because they travel on as they came.
 */

import type { EsmtpParameter } from '../../envelope.ts';
import { type Reply, reply } from './reply.ts';
import { decodeXtext } from './xtext.ts';

type Check = (value: string) => boolean;

const matches =
  (pattern: RegExp): Check =>
  (value) =>
    pattern.test(value);

const isXtext: Check = (value) => isAscii(value) && decodeXtext(value) !== undefined;

/** A parameter that must come without a value. */
const flag = 'flag';

const mailParameters: ReadonlyMap<string, Check | typeof flag> = new Map<
  string,
  Check | typeof flag
>([
  ['SIZE', matches(/^[0-9]{1,20}$/)], // RFC 1870 §4
  ['BODY', matches(/^(?:7BIT|8BITMIME)$/i)], // RFC 6152 §2
  ['SMTPUTF8', flag], // RFC 6531 §3.4
  ['RET', matches(/^(?:FULL|HDRS)$/i)], // RFC 3461 §4.3
  ['ENVID', isXtext], // RFC 3461 §4.4
  ['AUTH', isXtext], // RFC 4954 §5; '<>' is xtext, too
]);

const rcptParameters: ReadonlyMap<string, Check> = new Map([
  // RFC 3461 §4.1
  ['NOTIFY', matches(/^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*)$/i)],
  ['ORCPT', isOriginalRecipient],
]);

/** esmtp-param of RFC 5321 §4.1.2; RFC 6531 §3.3 lets UTF-8 into the value. */
const parameterPattern = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\0-\x20=\x7f]+))?$/;

/** @returns the parameters in `text`, or the reply that refuses them. */
export function parseParameters(
  command: 'MAIL' | 'RCPT',
  text: string,
): readonly EsmtpParameter[] | Reply {
  const known = command === 'MAIL' ? mailParameters : rcptParameters;
  const parameters: EsmtpParameter[] = [];
  const seen = new Set<string>();
  for (const word of text.split(' ').filter((piece) => piece !== '')) {
    const [whole, keyword = '', value] = parameterPattern.exec(word) ?? [];
    if (whole === undefined) return reply(501, '5.5.4', 'Bad parameter syntax');
    const name = keyword.toUpperCase();
    const check = known.get(name);
    if (check === undefined) return reply(555, '5.5.4', `Unsupported ${command} parameter`);
    if (seen.has(name)) return reply(501, '5.5.4', `${name} given twice`);
    seen.add(name);
    if (!fits(check, value)) return reply(501, '5.5.4', `Bad value of ${name}`);
    parameters.push(value === undefined ? { keyword } : { keyword, value });
  }
  return parameters;
}

function fits(check: Check | typeof flag, value: string | undefined): boolean {
  if (check === flag) return value === undefined;
  return value !== undefined && check(value);
}

/** RFC 3461 §4.2; an address of the type utf-8 may hold UTF-8 as it is (RFC 6533 §3). */
function isOriginalRecipient(value: string): boolean {
  const [, type = '', address] = /^([A-Za-z0-9-]+);(.+)$/.exec(value) ?? [];
  if (address === undefined || decodeXtext(address) === undefined) return false;
  return isAscii(address) || type.toLowerCase() === 'utf-8';
}

export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
