import { describe, expect, test } from '@jest/globals';
import { answerTo, verdictForAll } from '../../src/engine/milter-answer.ts';
import type { BannedRule } from '../../src/verdict/banned.ts';
import type { Finding, FindingKind } from '../../src/verdict/finding.ts';
import { type Action, defaultRules, type Rules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';

const stamp = { enabled: true, text: 'clamgate' };
const finding = (kind: FindingKind): Finding =>
  ({
    kind,
    stream: 'message',
    detail: 'x',
    ...(kind === 'partial' && { reason: 'parts' }),
  }) as Finding;

function said(kinds: readonly FindingKind[], rules: Partial<Rules>, holds: boolean): string {
  const verdict = decide(kinds.map(finding), { ...defaultRules, ...rules });
  const answer = answerTo(verdict, stamp, holds);
  switch (answer.kind) {
    case 'take':
      return `take ${answer.stamp ?? ''}`;
    case 'hold':
      return `hold ${answer.reason}`;
    case 'refuse':
      return `refuse ${answer.situation}`;
    case 'discard':
      return answer.kind;
  }
}

describe('answerTo', () => {
  test.each<[readonly FindingKind[], Partial<Rules>, refusing: string, holding: string]>([
    [[], {}, 'take clamgate', 'take clamgate'],
    [['infected'], {}, 'refuse infected', 'hold clamgate: infected'],
    [['infected'], { infected: 'reject' }, 'refuse infected', 'refuse infected'],
    [['infected'], { infected: 'discard' }, 'discard', 'discard'],
    [['infected'], { infected: 'tag' }, 'take clamgate (infected)', 'take clamgate (infected)'],
    [['infected'], { infected: 'defer' }, 'refuse deferred', 'refuse deferred'],
    [['partial'], {}, 'refuse partial', 'hold clamgate: partial'],
    [['banned'], {}, 'refuse banned', 'hold clamgate: banned'],
    [
      ['encrypted'],
      {},
      'take clamgate (encrypted); coverage=partial',
      'take clamgate (encrypted); coverage=partial',
    ],
    [['unavailable'], {}, 'refuse scan-failed', 'refuse scan-failed'],
    [['infected', 'unavailable'], {}, 'refuse infected', 'hold clamgate: infected'],
    // It comes again, and an administrator sees it in the log: held, it would be forgotten.
    [['unscannable'], {}, 'refuse scan-failed', 'refuse scan-failed'],
  ])('%j under %j: %s, or where Postfix holds: %s', (kinds, rules, refusing, holding) => {
    expect([said(kinds, rules, false), said(kinds, rules, true)]).toEqual([refusing, holding]);
  });

  test('without a stamp there is none', () => {
    const off = { enabled: false, text: '' };
    expect(answerTo(decide([], defaultRules), off, false)).toEqual({
      kind: 'take',
      stamp: undefined,
    });
  });
});

describe('verdictForAll', () => {
  const rule = (action: Action, recipient: string): BannedRule => ({
    name: action,
    action,
    names: ['*.exe'],
    types: [],
    realTypes: [],
    tricks: [],
    unlisted: false,
    inArchives: true,
    listeners: [],
    senders: [],
    recipients: [recipient],
  });
  const banned = [
    rule('pass', 'p@*'),
    rule('discard', 'd@*'),
    rule('reject', 'r@*'),
    rule('defer', 'w@*'),
  ];
  const seen: Finding = {
    kind: 'banned',
    stream: '1',
    detail: 'a.exe',
    rules: banned.map(({ name }) => name),
  };

  test.each([
    [[], 'quarantine'],
    [['p@x'], 'pass'],
    [['d@x'], 'discard'],
    [['d@x', 'd@y'], 'discard'],
    // Discarded for one it would be lost for the other.
    [['d@x', 'p@x'], 'quarantine'],
    [['p@x', 'r@x'], 'reject'],
    [['r@x', 'd@x'], 'reject'],
    // Who has to wait makes all wait: nothing is final for them.
    [['r@x', 'w@x', 'p@x'], 'defer'],
  ])('for %j it is %s', (recipients, action) => {
    const addressed = { listener: 'l', sender: 's@x', recipients };
    const verdict = verdictForAll([seen], { rules: defaultRules, banned }, addressed);
    expect(verdict.action).toBe(action);
  });
});
