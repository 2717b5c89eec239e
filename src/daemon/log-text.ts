/**
 * Makes text from the outside fit for a log line or a terminal. A Message-ID, an address or a file
 * name is chosen by whoever wrote the message: it must not end the line, hide or reorder it, or
 * reach the terminal as a command.
 */

/**
 * What is not a visible character in its place: the controls C0 and C1 (RFC 20, ECMA-48) except
 * the newline, the line separators of Unicode, the marks that reorder text (UAX #9) or are
 * invisible, and halves of surrogate pairs.
 */
const controls =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/gu;

/** Replaces every control but the newline by its JSON escape; valid JSON stays valid. */
export function escapeControls(text: string): string {
  return text.replace(controls, escaped);
}

/** One value of a text log line: bare where it is one plain word, else a JSON string. */
export function logValue(value: string): string {
  return /^[\w!#$%&'*+\-./:;<>@[\]^|~]+$/.test(value)
    ? value
    : escapeControls(JSON.stringify(value));
}

/** At most `max` characters; what was cut is said. */
export function bounded(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}...(${text.length - max} more)`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
