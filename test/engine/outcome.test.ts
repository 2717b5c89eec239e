import { describe, expect, test } from '@jest/globals';
import { ImpossibleState } from '../../src/assert.ts';
import { inSituation } from '../../src/engine/answer.ts';
import { abandoned, cancelled, failed, refused, relayed } from '../../src/engine/outcome.ts';
import { Cancelled, type CancelCause, OperationalError } from '../../src/errors.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { Situation } from '../../src/verdict/situation.ts';

const quiet = new AbortController().signal;

test.each<[Situation, string]>([
  ['too-large', 'rejected'],
  ['bare-line-end', 'rejected'],
  ['busy', 'deferred'],
  ['scan-failed', 'deferred'],
])('refused %s is %s', (situation, kind) => {
  expect(refused(situation, 'why')).toEqual({
    kind,
    answers: [inSituation(situation)],
    detail: 'why',
  });
});

test.each<[CancelCause, Situation | undefined]>([
  ['deadline', 'deadline'],
  ['shutdown', 'stopping'],
  ['peer-gone', undefined],
  ['not-needed', undefined],
])('cancelled: %s', (why, situation) => {
  const outcome = cancelled(why);
  if (situation === undefined) expect(outcome).toEqual(abandoned);
  else expect(outcome.answers).toEqual([inSituation(situation)]);
});

describe('failed', () => {
  test('what was called off counts by the reason of the signal, not of what was thrown', () => {
    const signal = AbortSignal.abort(new Cancelled('deadline'));
    expect(failed(new Cancelled('not-needed'), signal)).toEqual(cancelled('deadline'));
  });

  test('a full disk', () => {
    const outcome = failed(new OperationalError('STORE', 'ENOSPC'), quiet);
    expect(outcome).toEqual(refused('store-failed', 'ENOSPC'));
  });

  test.each([
    ['an impossible state', new ImpossibleState('never'), /^ImpossibleState: never\n\s+at /],
    ['what nobody foresaw', new TypeError('x is undefined'), /^unforeseen: TypeError: x is/],
    ['another operation', new OperationalError('NEXT_HOP', 'gone'), /^unforeseen: .*gone/],
    ['no error at all', 'thrown', /^unforeseen: thrown$/],
  ])('%s: temporary, with its stack', (_, error, detail) => {
    const outcome = failed(error, quiet);
    expect(outcome).toMatchObject({ kind: 'deferred', answers: [inSituation('impossible')] });
    expect(outcome.detail).toMatch(detail);
  });
});

test('relayed: an answer for each result, and what went wrong', () => {
  const outcome = relayed([
    { kind: 'reply', reply: reply(250, '2.0.0', 'Ok') },
    { kind: 'unknown', detail: 'silent' },
  ]);
  expect(outcome).toEqual({
    kind: 'relayed',
    answers: [
      { kind: 'next-hop', reply: reply(250, '2.0.0', 'Ok') },
      inSituation('next-hop-unreachable'),
    ],
    detail: 'silent',
  });
});
