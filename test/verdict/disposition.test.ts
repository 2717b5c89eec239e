import { describe, expect, test } from '@jest/globals';
import { dispose, type Disposition, type Position } from '../../src/verdict/disposition.ts';
import type { Action } from '../../src/verdict/rules.ts';
import { isFinal, type Situation } from '../../src/verdict/situation.ts';
import type { Verdict } from '../../src/verdict/verdict.ts';

const verdict = (kind: Verdict['kind'], action: Action): Verdict => ({
  kind,
  action,
  coverage: 'full',
  unscanned: [],
  because: [],
});
const refuse = (situation: Situation): Disposition => ({ kind: 'refuse', situation });
const positions: Position[] = ['after-queue', 'before-queue'];

describe('the same at both positions', () => {
  test.each<[Verdict['kind'], Action, Disposition]>([
    ['clean', 'pass', { kind: 'relay', tagged: false }],
    ['macro', 'pass', { kind: 'relay', tagged: false }],
    ['encrypted', 'tag', { kind: 'relay', tagged: true }],
    ['infected', 'discard', { kind: 'discard' }],
    ['infected', 'reject', refuse('infected')],
    ['partial', 'reject', refuse('partial')],
    ['smuggling', 'reject', refuse('smuggling')],
    ['macro', 'reject', refuse('banned')],
    ['encrypted', 'reject', refuse('banned')],
    ['unavailable', 'defer', refuse('scan-failed')],
    ['infected', 'defer', refuse('deferred')],
    ['old-signatures', 'defer', refuse('deferred')],
    ['clean', 'reject', refuse('deferred')],
  ])('%s, %s', (kind, action, disposition) => {
    for (const position of positions) {
      expect(dispose(verdict(kind, action), position)).toEqual(disposition);
    }
  });
});

test.each<[Verdict['kind'], Situation]>([
  ['infected', 'infected'],
  ['oversize', 'partial'],
  ['limits', 'partial'],
  ['partial', 'partial'],
  ['limits-silent', 'partial'],
  ['smuggling', 'smuggling'],
  ['macro', 'banned'],
  ['encrypted', 'banned'],
  ['ambiguous', 'banned'],
])('%s in quarantine: custody after the queue, the truth before it', (kind, situation) => {
  const kept = verdict(kind, 'quarantine');
  expect(dispose(kept, 'after-queue')).toEqual({ kind: 'quarantine' });
  expect(dispose(kept, 'before-queue')).toEqual(refuse(situation));
});

test('what a peer is told for good, and what not', () => {
  const final: Situation[] = ['infected', 'banned', 'partial', 'smuggling', 'too-large'];
  const temporary: Situation[] = ['taken', 'scan-failed', 'deferred', 'busy', 'impossible'];
  expect(final.filter((situation) => !isFinal(situation))).toEqual([]);
  expect(temporary.filter(isFinal)).toEqual([]);
});
