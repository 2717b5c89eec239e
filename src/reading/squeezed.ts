/** Names as lenient readers compare them. */

/** In lower case, letters and digits only. */
export function squeezed(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}
