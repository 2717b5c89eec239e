import { describe, expect, test } from '@jest/globals';
import {
  type Answer,
  answerOf,
  detailOf,
  inSituation,
  isAccepted,
  relayOutcome,
} from '../../src/engine/answer.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';

const said = (code: number): RelayResult => ({ kind: 'reply', reply: reply(code, undefined, 'x') });
const unreachable: RelayResult = { kind: 'unreachable', detail: 'refused' };
const unknown: RelayResult = { kind: 'unknown', detail: 'silent' };

describe('answerOf', () => {
  test.each<[string, RelayResult, Answer]>([
    ['its own words', said(554), { kind: 'next-hop', reply: reply(554, undefined, 'x') }],
    ['closing, not answering', said(421), inSituation('next-hop-unreachable')],
    ['unreachable', unreachable, inSituation('next-hop-unreachable')],
    ['unknown', unknown, inSituation('next-hop-unreachable')],
    ['no SMTPUTF8', { kind: 'lacks', extension: 'SMTPUTF8' }, inSituation('lacks-smtputf8')],
    ['no 8BITMIME', { kind: 'lacks', extension: '8BITMIME' }, inSituation('lacks-8bitmime')],
  ])('%s', (_, result, answer) => {
    expect(answerOf(result)).toEqual(answer);
  });
});

test.each([
  [answerOf(said(250)), true],
  [answerOf(said(354)), false],
  [answerOf(said(450)), false],
  [inSituation('taken'), true],
])('isAccepted %j', (answer, accepted) => {
  expect(isAccepted(answer)).toBe(accepted);
});

test.each([
  [[said(250)], 'relayed'],
  [[said(550), said(250), said(450)], 'relayed'],
  [[said(550), said(554)], 'rejected'],
  [[said(550), said(450)], 'deferred'],
  [[said(450)], 'deferred'],
  [[unreachable], 'deferred'],
  [[unknown, said(550)], 'deferred'],
] as const)('relayOutcome %j', (results, outcome) => {
  expect(relayOutcome(results.map(answerOf))).toBe(outcome);
});

test('detailOf: the first thing that went wrong', () => {
  expect(detailOf([said(250), unknown, unreachable])).toBe('silent');
  expect(detailOf([unreachable, unknown])).toBe('refused');
  expect(detailOf([said(450)])).toBeUndefined();
});
