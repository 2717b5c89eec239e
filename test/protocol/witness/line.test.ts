import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  answerLine,
  isQueueId,
  parseAnswer,
  parseRequest,
  requestLine,
  witnessLineBytesMax,
  witnessVerbs,
  witnessWords,
} from '../../../src/protocol/witness/line.ts';

const number = fc.nat({ max: 999_999_999_999_999 });
const queueId = fc.stringMatching(/^[0-9A-Za-z]{1,64}$/);

function lineOf(text: string): Buffer {
  expect(text.length).toBeLessThanOrEqual(witnessLineBytesMax);
  return Buffer.from(text.slice(0, -1));
}

test('what one side writes the other reads', () => {
  const request = fc.record({ number, verb: fc.constantFrom(...witnessVerbs), queueId });
  const answer = fc.record({ number, word: fc.constantFrom(...witnessWords) });
  fc.assert(
    fc.property(request, answer, (asked, said) => {
      expect(parseRequest(lineOf(requestLine(asked)))).toEqual(asked);
      expect(parseAnswer(lineOf(answerLine(said)))).toEqual(said);
    }),
  );
});

test.each([
  '',
  '1 hold',
  '1 hold ',
  'hold A',
  '1 keep A',
  '1  hold A',
  '1 hold A ',
  '1 hold A B',
  '1 hold A\r',
  '-1 hold A',
  '1 hold ../etc',
  '1 hold a/b',
  '1 hold .',
  '1 hold A\0',
  '1 hold a_b',
  `1 hold ${'a'.repeat(65)}`,
  `${'1'.repeat(16)} hold A`,
])('%j is no request', (line) => {
  expect(parseRequest(Buffer.from(line))).toBeUndefined();
});

test.each(['', '1', '1 yes', 'held', '1 held ', '1 held x', '1 HELD'])(
  '%j is no answer',
  (line) => {
    expect(parseAnswer(Buffer.from(line))).toBeUndefined();
  },
);

test('a queue id has nothing in it that means something in a path', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 70 }), (text) => {
      expect(isQueueId(text)).toBe(text !== '' && text.length <= 64 && !/[^0-9A-Za-z]/.test(text));
    }),
  );
  expect(['4XYz', 'a\n', '\u00e4', 'A'.repeat(64)].map(isQueueId)).toEqual([
    true,
    false,
    false,
    true,
  ]);
});
