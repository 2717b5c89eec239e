import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Finding, FindingKind } from '../../src/verdict/finding.ts';
import { type Action, defaultRules, type Rules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';

const actions: Action[] = ['pass', 'tag', 'defer', 'quarantine', 'discard', 'reject'];
const kinds: FindingKind[] = [
  'infected',
  'unavailable',
  'partial',
  'encrypted',
  'banned',
  'macro',
  'smuggling',
  'ambiguous',
  'unscannable',
];

function finding(kind: FindingKind, detail = ''): Finding {
  const at = { stream: 'message', detail };
  return kind === 'partial' ? { kind, reason: 'parts', ...at } : { kind, ...at };
}

const action = fc.constantFrom(...actions);
const anyRules = fc.record({
  infected: action,
  partial: action,
  encrypted: action,
  banned: action,
  macro: action,
  smuggling: action,
  ambiguous: action,
  unscannable: fc.constantFrom<Rules['unscannable']>('quarantine', 'defer'),
});
const anyFindings = fc.array(
  fc.constantFrom(...kinds).map((kind) => finding(kind)),
  { maxLength: 6 },
);

const rank = (one: Action): number => actions.indexOf(one);
const has = (findings: readonly Finding[], kind: FindingKind): boolean =>
  findings.some((one) => one.kind === kind);

test('nothing found is clean, and passes', () => {
  expect(decide([], defaultRules)).toEqual({
    kind: 'clean',
    action: 'pass',
    coverage: 'full',
    because: [],
  });
});

test('a finding whose rule says pass is named all the same', () => {
  const verdict = decide([finding('macro')], { ...defaultRules, macro: 'pass' });
  expect(verdict).toMatchObject({ kind: 'macro', action: 'pass', because: [finding('macro')] });
});

test('because: the findings that decided, all of them and no others', () => {
  const findings = [finding('infected', 'A'), finding('macro'), finding('infected', 'B')];
  const verdict = decide(findings, defaultRules);
  expect(verdict.because).toEqual([finding('infected', 'A'), finding('infected', 'B')]);
});

test.each<[FindingKind[], Partial<Rules>, FindingKind]>([
  [['encrypted', 'partial'], { partial: 'tag' }, 'partial'],
  [['macro', 'smuggling'], { macro: 'quarantine' }, 'smuggling'],
  [['encrypted', 'macro'], {}, 'macro'],
  [['encrypted', 'macro'], { encrypted: 'reject' }, 'encrypted'],
  [['ambiguous', 'encrypted'], {}, 'encrypted'],
  [['ambiguous'], {}, 'ambiguous'],
  [['infected', 'partial'], {}, 'infected'],
])('%j with %j: named by %s', (found, rules, kind) => {
  const findings = found.map((one) => finding(one));
  expect(decide(findings, { ...defaultRules, ...rules }).kind).toBe(kind);
});

describe('whatever is found and ruled', () => {
  test('what could not be scanned never gets through', () => {
    fc.assert(
      fc.property(anyFindings, anyRules, (findings, rules) => {
        const verdict = decide([...findings, finding('unavailable')], rules);
        const stopped = has(findings, 'infected') && rank(rules.infected) > rank('defer');
        expect(verdict.action).toBe(stopped ? rules.infected : 'defer');
        expect(verdict.coverage).toBe('none');
      }),
    );
  });

  test('no rule of a finding is undercut', () => {
    fc.assert(
      fc.property(anyFindings, anyRules, (findings, rules) => {
        const seen = findings.filter(({ kind }) => kind !== 'unavailable');
        const verdict = decide(seen, rules);
        const stopped = has(seen, 'infected') && rank(rules.infected) > rank('defer');
        const strictest = Math.max(
          0,
          ...seen.map(({ kind }) => rank(kind === 'unavailable' ? 'defer' : rules[kind])),
        );
        expect(verdict.action).toBe(stopped ? rules.infected : actions[strictest]);
      }),
    );
  });

  test('the order of the findings does not matter', () => {
    fc.assert(
      fc.property(anyFindings, anyRules, (findings, rules) => {
        const there = decide(findings, rules);
        const back = decide(findings.toReversed(), rules);
        expect([back.kind, back.action]).toEqual([there.kind, there.action]);
      }),
    );
  });
});
