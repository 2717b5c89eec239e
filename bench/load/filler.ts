/** What fills the messages up: words, and bytes that are of no kind. Pure. */
import { randomness } from '../stage/signatures.ts';
import { serialWord } from './template.ts';

/** Random bytes behind the start of a file and the place of the serial number, `bytes` in all. */
export function withSerial(start: Buffer, bytes: number, seed: string): Buffer {
  const rest = randomness(seed)(Math.max(0, bytes - start.length - serialWord.length));
  return Buffer.concat([start, Buffer.from(serialWord), rest]);
}

/** Lines of words, CRLF at the end included; `bytes` in all, and none where there is room for none. */
export function prose(bytes: number): string {
  if (bytes < 2) return '';
  // No word is shorter than two letters, and a space stands before each.
  const numbers = randomness('prose')(Math.ceil(bytes / 3));
  const words = ['time', 'letter', 'monday', 'meeting', 'you', 'we', 'the', 'of', 'invoice', 'see'];
  let text = '';
  let column = 0;
  for (let index = 0; text.length < bytes; index++) {
    const word = words[(numbers[index] ?? 0) % words.length] ?? '';
    const wraps = column + word.length > 70;
    text += `${wraps ? '\r\n' : ' '}${word}`;
    column = wraps ? word.length : column + 1 + word.length;
  }
  // Not to end in the middle of a line's end.
  return `${text.slice(0, bytes - 2).replace(/[\r\n]{1,2}$/, (cut) => '-'.repeat(cut.length))}\r\n`;
}
