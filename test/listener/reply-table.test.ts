import { describe, expect, test } from '@jest/globals';
import { inSituation, type Answer } from '../../src/engine/answer.ts';
import { failed, relayed, refused } from '../../src/engine/outcome.ts';
import { Cancelled, OperationalError, type CancelCause } from '../../src/errors.ts';
import { render, replyTable } from '../../src/listener/render.ts';
import { reply, type Reply } from '../../src/protocol/smtp/reply.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import { dispose, type Position } from '../../src/verdict/disposition.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import { defaultRules, type Action, type Rules } from '../../src/verdict/rules.ts';
import { isFinal, type Situation } from '../../src/verdict/situation.ts';
import { decide } from '../../src/verdict/verdict.ts';

/** The table of docs/architecture.md, row by row: what Postfix is told, at both positions. */

const at = { stream: 'message', detail: '' };
const infected: Finding = { kind: 'infected', ...at };
const unavailable: Finding = { kind: 'unavailable', ...at };
const partial: Finding = { kind: 'partial', reason: 'parts', ...at };
const encrypted: Finding = { kind: 'encrypted', ...at };
const smuggling: Finding = { kind: 'smuggling', ...at };
const macro: Finding = { kind: 'macro', ...at };

/** What is said at the end of data for these findings: 'relay' is "the next hop's reply". */
function said(findings: Finding[], position: Position, rules: Partial<Rules> = {}): string {
  const disposition = dispose(decide(findings, { ...defaultRules, ...rules }), position);
  switch (disposition.kind) {
    case 'relay':
      return disposition.tagged ? 'relay, tagged' : 'relay';
    case 'quarantine':
      return `quarantine, ${words(inSituation('taken'), position)}`;
    case 'discard':
      return `discard, ${words(inSituation('taken'), position)}`;
    case 'refuse':
      return words(inSituation(disposition.situation), position);
  }
}

function words(answer: Answer, position: Position): string {
  const { code, enhanced } = render(answer, position);
  return `${code} ${enhanced ?? ''}`;
}

describe('findings, after the queue and before it', () => {
  const rows: [string, Finding[], Partial<Rules>, string, string][] = [
    ['clean, coverage full', [], {}, 'relay', 'relay'],
    ['infected', [infected], {}, 'quarantine, 250 2.7.0', '550 5.7.1'],
    [
      'infected, rule discard',
      [infected],
      { infected: 'discard' },
      'discard, 250 2.7.0',
      'discard, 250 2.7.0',
    ],
    ['infected, rule reject', [infected], { infected: 'reject' }, '550 5.7.1', '550 5.7.1'],
    ['infected, rule tag', [infected], { infected: 'tag' }, 'relay, tagged', 'relay, tagged'],
    ['coverage partial', [partial], {}, 'quarantine, 250 2.7.0', '552 5.3.4'],
    ['coverage partial, rule reject', [partial], { partial: 'reject' }, '552 5.3.4', '552 5.3.4'],
    ['coverage partial, rule defer', [partial], { partial: 'defer' }, '451 4.7.1', '451 4.7.1'],
    ['encrypted part', [encrypted], {}, 'relay, tagged', 'relay, tagged'],
    ['encrypted part, rule reject', [encrypted], { encrypted: 'reject' }, '550 5.7.1', '550 5.7.1'],
    ['macro, rule reject', [macro], { macro: 'reject' }, '550 5.7.1', '550 5.7.1'],
    ['no clamd answers, or scan failed', [unavailable], {}, '451 4.7.1', '451 4.7.1'],
    ['bare CR followed by a lone dot', [smuggling], {}, 'quarantine, 250 2.7.0', '550 5.6.11'],
    // Several findings at once.
    [
      'infected beats a failed scan',
      [unavailable, infected],
      {},
      'quarantine, 250 2.7.0',
      '550 5.7.1',
    ],
    [
      'a failed scan beats all that is let through',
      [infected, unavailable],
      { infected: 'tag' },
      '451 4.7.1',
      '451 4.7.1',
    ],
    [
      'a failed scan beats custody',
      [partial, unavailable, smuggling],
      {},
      '451 4.7.1',
      '451 4.7.1',
    ],
    [
      'the strictest rule decides',
      [encrypted, macro, partial],
      {},
      'quarantine, 250 2.7.0',
      '552 5.3.4',
    ],
    ['whatever the order', [partial, macro, encrypted], {}, 'quarantine, 250 2.7.0', '552 5.3.4'],
  ];
  test.each(rows)('%s', (_, findings, rules, afterQueue, beforeQueue) => {
    expect(said(findings, 'after-queue', rules)).toBe(afterQueue);
    expect(said(findings, 'before-queue', rules)).toBe(beforeQueue);
  });
});

describe('what goes wrong', () => {
  const aborted = (why: CancelCause): AbortSignal => AbortSignal.abort(new Cancelled(why));
  const quiet = new AbortController().signal;
  const rows: [string, () => readonly Answer[], string][] = [
    [
      'deadline reached',
      () => failed(new Cancelled('deadline'), aborted('deadline')).answers,
      '451 4.4.7',
    ],
    [
      'going down',
      () => failed(new Cancelled('shutdown'), aborted('shutdown')).answers,
      '451 4.3.2',
    ],
    ['too busy', () => refused('busy').answers, '451 4.3.2'],
    ['larger than our SIZE', () => refused('too-large').answers, '552 5.3.4'],
    ['bare LF in data', () => refused('bare-line-end').answers, '550 5.6.11'],
    [
      'disk full',
      () => failed(new OperationalError('STORE', 'ENOSPC'), quiet).answers,
      '452 4.3.1',
    ],
    [
      'an impossible state',
      () => failed(new TypeError('x is undefined'), quiet).answers,
      '451 4.3.0',
    ],
    [
      'next hop unreachable',
      () => relayed([{ kind: 'unreachable', detail: '' }]).answers,
      '451 4.4.1',
    ],
    [
      'no reply to the final dot',
      () => relayed([{ kind: 'unknown', detail: '' }]).answers,
      '451 4.4.1',
    ],
    [
      'next hop lacks SMTPUTF8',
      () => relayed([{ kind: 'lacks', extension: 'SMTPUTF8' }]).answers,
      '550 5.6.7',
    ],
    [
      'next hop lacks 8BITMIME',
      () => relayed([{ kind: 'lacks', extension: '8BITMIME' }]).answers,
      '550 5.6.3',
    ],
    [
      "the next hop's 4xx",
      () => relayed([from(reply(450, '4.2.0', 'later'))]).answers,
      '450 4.2.0',
    ],
    ["the next hop's 5xx", () => relayed([from(reply(554, '5.2.0', 'no'))]).answers, '554 5.2.0'],
    ["the next hop's 2xx", () => relayed([from(reply(250, '2.0.0', 'Ok'))]).answers, '250 2.0.0'],
  ];
  test.each(rows)('%s', (_, answers, expected) => {
    for (const position of ['after-queue', 'before-queue'] as const) {
      expect(answers().map((answer) => words(answer, position))).toEqual([expected]);
    }
  });

  function from(answer: Reply): RelayResult {
    return { kind: 'reply', reply: answer };
  }

  test('a peer that is gone is told nothing', () => {
    expect(failed(new Cancelled('peer-gone'), aborted('peer-gone')).answers).toEqual([]);
  });
});

describe('the table itself', () => {
  const rows = Object.entries(replyTable) as [Situation, Record<Position, Reply>][];

  test.each(rows)('%s: classes agree, and nothing is given away', (situation, row) => {
    for (const answer of Object.values(row)) {
      expect(answer.enhanced?.startsWith(`${Math.floor(answer.code / 100)}.`)).toBe(true);
      expect(isFinal(situation)).toBe(answer.code >= 500);
      expect(answer.lines.join()).not.toMatch(/quarantine|clamd|clamav|virus|infected|\//i);
      expect(answer.lines.join()).toMatch(/^[\x20-\x7e]{1,60}$/);
    }
  });

  test('a rule never makes a failed scan pass', () => {
    const actions: Action[] = ['pass', 'tag', 'quarantine', 'reject', 'discard', 'defer'];
    for (const action of actions) {
      const rules: Partial<Rules> = {
        encrypted: action,
        macro: action,
        partial: action,
        smuggling: action,
      };
      const findings = [unavailable, encrypted, macro, partial, smuggling];
      expect(said(findings, 'after-queue', rules)).toBe('451 4.7.1');
    }
  });
});
