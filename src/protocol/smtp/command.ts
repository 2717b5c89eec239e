/** A command line of the peer (RFC 5321 §4.1.1) taken apart into verb and argument, no further. */

import { isUtf8 } from 'node:buffer';

export interface Command {
  /** In capitals. */
  readonly verb: string;
  /** Without the space before it and the white space behind it; '' when there is none. */
  readonly argument: string;
}

/** Everything but HT, which a quoted string may hold. */
const controlCharacter = /[\0-\x08\x0a-\x1f\x7f]/;
const verbPattern = /^[A-Za-z][A-Za-z0-9-]*$/;

/**
 * @param line without its CRLF.
 * @returns undefined when no command can be made out: NUL and other control characters, 8-bit
 *   that is not UTF-8 (RFC 6531 §3.1), an empty line, a verb that is not a word.
 */
export function parseCommand(line: Buffer): Command | undefined {
  if (!isUtf8(line)) return undefined;
  const text = line.toString();
  if (controlCharacter.test(text)) return undefined;
  const space = text.indexOf(' ');
  const verb = space === -1 ? text : text.slice(0, space);
  if (!verbPattern.test(verb)) return undefined;
  const argument = space === -1 ? '' : withoutTrailingSpace(text.slice(space + 1));
  return { verb: verb.toUpperCase(), argument };
}

/** RFC 5321 §4.1.1: white space before the CRLF should be tolerated. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1;
  return text.slice(0, end);
}
