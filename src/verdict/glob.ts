/**
 * Patterns with `*` for any characters and `?` for one, as administrators write them. Their cost is
 * bounded by pattern times text, whatever a sender puts in.
 */

/** Whether all of `text` is of the form of `glob`. Case counts. */
export function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  let from = 0;
  /** Behind the last `*`, and where the text went on behind it. */
  let star = -1;
  let resume = 0;
  while (from < text.length) {
    const letter = glob[at];
    if (letter === '*') {
      star = ++at;
      resume = from;
    } else if (letter === '?' || (letter !== undefined && letter === text[from])) {
      at++;
      from++;
    } else if (star !== -1) {
      at = star;
      from = ++resume;
    } else return false;
  }
  return /^\**$/.test(glob.slice(at));
}
