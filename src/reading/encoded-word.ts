/** RFC 2047's encoded words, also where they may not stand. */

/** Of one word's text; what is longer is left as it stands. */
const wordCharsMax = 4096;
const encodedWord = new RegExp(
  `=\\?([\\w-]{1,40})(?:\\*[\\w-]{0,20})?\\?([bq])\\?([^?]{0,${wordCharsMax}})\\?=`,
  'gi',
);

/** @param text its bytes as latin1. @param textOf what the bytes of a word are, in its character set. */
export function wordsDecoded(
  text: string,
  textOf: (bytes: Buffer, charset: string) => string,
): string {
  // RFC 2047 §6.2: blanks between two of them are no part of the text.
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(encodedWord, (_, charset: string, encoding: string, word: string) =>
      textOf(bytesOf(word, encoding), charset),
    );
}

function bytesOf(word: string, encoding: string): Buffer {
  if (encoding.toLowerCase() === 'b') return Buffer.from(word, 'base64');
  const text = word
    .replaceAll('_', ' ')
    .replace(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}
