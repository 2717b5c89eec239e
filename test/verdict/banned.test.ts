import { describe, expect, it, test } from '@jest/globals';
import { bannedFor, type BannedRule, rulesAgainst, type Thing } from '../../src/verdict/banned.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import { type Action, defaultRules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';

const rule = (name: string, over: Partial<BannedRule> = {}): BannedRule => ({
  name,
  action: 'quarantine',
  names: [],
  types: [],
  realTypes: [],
  tricks: [],
  unlisted: false,
  inArchives: true,
  listeners: [],
  senders: [],
  recipients: [],
  ...over,
});

const exe = rule('exe', { names: ['*.exe'] });

describe('rules against a thing', () => {
  it.each<[string, BannedRule, Thing, boolean]>([
    ['a name', exe, { names: ['x', 'a.EXE'] }, true],
    ['another name', exe, { names: ['a.exe.txt'] }, false],
    ['a declared type', rule('t', { types: ['image/*'] }), { types: ['image/png'] }, true],
    ['a real type', rule('t', { realTypes: ['exe'] }), { realTypes: ['a/b', 'exe'] }, true],
    [
      'a real type is not a declared one',
      rule('t', { realTypes: ['a/b'] }),
      { types: ['a/b'] },
      false,
    ],
    ['a trick', rule('t', { tricks: ['direction-override'] }), { names: ['\u202e'] }, true],
    ['no such trick', rule('t', { tricks: ['trailing-dots'] }), { names: ['\u202e'] }, false],
    ['in an archive', exe, { names: ['a.exe'], isInArchive: true }, true],
    [
      'not in an archive',
      rule('x', { names: ['*'], inArchives: false }),
      { names: ['a'], isInArchive: true },
      false,
    ],
    ['names not read', rule('u', { unlisted: true }), { isUnlisted: true }, true],
    ['names read', rule('u', { unlisted: true }), {}, false],
    [
      'nothing',
      rule('n'),
      { names: ['a'], types: ['a/b'], realTypes: ['c'], isUnlisted: true },
      false,
    ],
  ])('%s', (_, one, thing, isAgainst) => {
    expect(rulesAgainst(thing, [one])).toEqual(isAgainst ? [one.name] : []);
  });

  it('are told in their order', () => {
    const all = rule('all', { names: ['*'] });
    expect(rulesAgainst({ names: ['a.exe'] }, [all, exe])).toEqual(['all', 'exe']);
  });
});

describe('for a recipient', () => {
  const to = { listener: 'l:1', sender: 'A@Example.net', recipient: 'b@example.org' };
  const found = (...rules: string[]): Finding => ({
    kind: 'banned',
    rules,
    stream: '1',
    detail: rules.join(),
  });
  const verdictOf = (findings: Finding[], rules: BannedRule[]): [string, Action, string[]] => {
    const here = bannedFor(findings, defaultRules, rules, to);
    const { kind, action, because } = decide(here.findings, here.rules);
    return [kind, action, because.map(({ detail }) => detail)];
  };
  const reject = rule('r', { action: 'reject' });
  const tag = rule('t', { action: 'tag' });

  test.each<[string, Finding[], BannedRule[], [string, Action, string[]]]>([
    ['nothing is banned', [], [reject], ['clean', 'pass', []]],
    ['a rule decides', [found('r')], [reject], ['banned', 'reject', ['r']]],
    ['the first rule decides', [found('t', 'r')], [tag, reject], ['banned', 'tag', ['t,r']]],
    [
      'their order is that of the rules',
      [found('t', 'r')],
      [reject, tag],
      ['banned', 'reject', ['t,r']],
    ],
    [
      'the strictest thing decides',
      [found('t'), found('r')],
      [tag, reject],
      ['banned', 'reject', ['r']],
    ],
    [
      'a rule for others',
      [found('r')],
      [{ ...reject, recipients: ['x@*'] }],
      ['clean', 'pass', []],
    ],
    [
      'for this recipient',
      [found('r')],
      [{ ...reject, recipients: ['*@example.org'] }],
      ['banned', 'reject', ['r']],
    ],
    [
      'for this sender',
      [found('r')],
      [{ ...reject, senders: ['a@example.net'] }],
      ['banned', 'reject', ['r']],
    ],
    ['for another sender', [found('r')], [{ ...reject, senders: [''] }], ['clean', 'pass', []]],
    [
      'for this listener',
      [found('r')],
      [{ ...reject, listeners: ['l:*'] }],
      ['banned', 'reject', ['r']],
    ],
    [
      'for another listener',
      [found('r')],
      [{ ...reject, listeners: ['m'] }],
      ['clean', 'pass', []],
    ],
    [
      'an exception',
      [found('t', 'r')],
      [{ ...tag, action: 'pass', recipients: ['b@*'] }, reject],
      ['banned', 'pass', ['t,r']],
    ],
    ['a rule that is gone', [found('old')], [reject], ['clean', 'pass', []]],
  ])('%s', (_, findings, rules, expected) => {
    expect(verdictOf(findings, rules)).toEqual(expected);
  });

  it('whichever way the address writes its letters', () => {
    const rules = [{ ...reject, recipients: ['jürgen@*'] }];
    const to = { listener: 'l:1', sender: '', recipient: 'JU\u0308RGEN@example.org' };
    const { findings } = bannedFor([found('r')], defaultRules, rules, to);
    expect(findings).toHaveLength(1);
  });

  test('other findings are left as they are', () => {
    const macro: Finding = { kind: 'macro', stream: '1', detail: 'm' };
    expect(bannedFor([macro, found('x')], defaultRules, [], to).findings).toEqual([macro]);
  });
});
