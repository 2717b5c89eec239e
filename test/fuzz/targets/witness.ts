/** The lines between the daemon and its witness: what is read is what was written. */
import assert from 'node:assert/strict';
import {
  answerLine,
  isQueueId,
  parseAnswer,
  parseRequest,
  requestLine,
  witnessVerbs,
  witnessWords,
} from '../../../src/protocol/witness/line.ts';
import { holds, latin1, type Target, usualBounds } from '../target.ts';
import { sequenceOf } from '../valid.ts';

const lines = [
  ...witnessVerbs.map((verb) => requestLine({ number: 7, verb, queueId: '4FzQab' })),
  ...witnessWords.map((word) => answerLine({ number: 8, word })),
].map((line) => line.trimEnd());
const tokens = [
  ...lines,
  '0',
  '1',
  ' ',
  '-',
  '/',
  '..',
  '\0',
  '999999999999999',
  'hold',
  'A'.repeat(64),
];

function check(input: Buffer): void {
  const request = parseRequest(input);
  if (request !== undefined) {
    holds(isQueueId(request.queueId), 'a queue id means nothing in a path');
    holds(Number.isSafeInteger(request.number), 'a number that is exact');
    assert.deepEqual(parseRequest(latin1(requestLine(request).slice(0, -1))), request);
  }
  const answer = parseAnswer(input);
  if (answer !== undefined) {
    holds(Number.isSafeInteger(answer.number), 'a number that is exact');
    assert.deepEqual(parseAnswer(latin1(answerLine(answer).slice(0, -1))), answer);
  }
  holds(request === undefined || answer === undefined, 'a request is no answer');
}

export const witness: Target = {
  ...usualBounds,
  name: 'witness',
  tokens,
  valid: sequenceOf(tokens, 2),
  check,
};
