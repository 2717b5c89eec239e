import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Finding, PartialReason } from '../../src/verdict/finding.ts';
import { type Action, defaultRules, ruleOf, type Rules } from '../../src/verdict/rules.ts';
import { decide, type Verdict } from '../../src/verdict/verdict.ts';

const actions: Action[] = ['pass', 'tag', 'defer', 'quarantine', 'discard', 'reject'];
const reasons: Readonly<Record<PartialReason, keyof Rules>> = {
  'stream-length': 'oversize',
  'file-size': 'oversize',
  'limits-exceeded': 'limits',
  'scan-time': 'limits',
  parts: 'partial',
  unparsed: 'partial',
  readings: 'partial',
  fragment: 'partial',
  archive: 'partial',
  'limits-silent': 'limits-silent',
};
const isReason = (what: What): what is PartialReason => what in reasons;

type What = Exclude<Finding['kind'], 'partial'> | PartialReason;
const whats: What[] = [
  ...(Object.keys(reasons) as PartialReason[]),
  'infected',
  'unavailable',
  'encrypted',
  'banned',
  'macro',
  'smuggling',
  'ambiguous',
  'old-signatures',
  'unscannable',
];

function finding(what: What, detail = ''): Finding {
  const at = { stream: 'message', detail };
  return isReason(what) ? { kind: 'partial', reason: what, ...at } : { kind: what, ...at };
}

const action = fc.constantFrom(...actions);
const anyRules = fc.record({
  infected: action,
  oversize: action,
  limits: action,
  partial: action,
  'limits-silent': action,
  encrypted: action,
  banned: action,
  macro: action,
  smuggling: action,
  ambiguous: action,
  'old-signatures': fc.constantFrom<Rules['old-signatures']>('pass', 'defer'),
  unscannable: fc.constantFrom<Rules['unscannable']>('quarantine', 'defer'),
});
const anyFindings = fc.array(
  fc.constantFrom(...whats).map((what) => finding(what)),
  { maxLength: 6 },
);

const rank = (one: Action): number => actions.indexOf(one);
const has = (findings: readonly Finding[], kind: Finding['kind']): boolean =>
  findings.some((one) => one.kind === kind);

test('nothing found is clean, and passes', () => {
  expect(decide([], defaultRules)).toEqual({
    kind: 'clean',
    action: 'pass',
    coverage: 'full',
    unscanned: [],
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

test('what was not looked at, each reason once', () => {
  const findings = [finding('file-size'), finding('macro'), finding('encrypted')];
  const verdict = decide([...findings, finding('file-size', 'again')], defaultRules);
  expect(verdict).toMatchObject({ coverage: 'partial', unscanned: ['file-size', 'encrypted'] });
});

test.each(Object.entries(reasons))('%s is under the rule %s, and no other', (reason, rule) => {
  const one = finding(reason as PartialReason);
  expect(ruleOf(one)).toBe(rule);
  expect(decide([one], { ...defaultRules, [rule]: 'tag' })).toMatchObject({
    kind: rule,
    action: 'tag',
    coverage: 'partial',
    because: [one],
  });
});

test('silent limits pass by default, and are named', () => {
  expect(decide([finding('limits-silent')], defaultRules)).toMatchObject({
    kind: 'limits-silent',
    action: 'pass',
    unscanned: ['limits-silent'],
  });
});

test('old signatures pass by default, and are named: all was looked at', () => {
  expect(decide([finding('old-signatures')], defaultRules)).toMatchObject({
    kind: 'old-signatures',
    action: 'pass',
    coverage: 'full',
  });
});

test.each<[What[], Partial<Rules>, Verdict['kind']]>([
  [['encrypted', 'parts'], { partial: 'tag' }, 'partial'],
  [['parts', 'file-size', 'limits-exceeded'], {}, 'oversize'],
  [['parts', 'limits-exceeded'], {}, 'limits'],
  [['limits-silent', 'ambiguous'], {}, 'ambiguous'],
  [['limits-silent', 'encrypted'], { 'limits-silent': 'quarantine' }, 'limits-silent'],
  [['limits-exceeded', 'encrypted', 'macro', 'infected'], {}, 'infected'],
  [['macro', 'smuggling'], { macro: 'quarantine' }, 'smuggling'],
  [['encrypted', 'macro'], {}, 'macro'],
  [['encrypted', 'macro'], { encrypted: 'reject' }, 'encrypted'],
  [['ambiguous', 'encrypted'], {}, 'encrypted'],
  [['ambiguous'], {}, 'ambiguous'],
  [['old-signatures', 'limits-silent'], {}, 'limits-silent'],
  [['old-signatures', 'ambiguous'], { 'old-signatures': 'defer' }, 'old-signatures'],
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
          ...seen.map((one) => {
            const rule = ruleOf(one);
            return rank(rule === 'unavailable' ? 'defer' : rules[rule]);
          }),
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
