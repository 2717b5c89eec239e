import { describe, expect, test } from '@jest/globals';
import { doorAnswers } from '../../src/cli/scan-doors.ts';
import type { Situation } from '../../src/verdict/situation.ts';
import type { Verdict } from '../../src/verdict/verdict.ts';

const clean: Verdict = {
  kind: 'clean',
  action: 'pass',
  coverage: 'full',
  because: [],
  unscanned: [],
};
const smuggling: Verdict = { ...clean, kind: 'smuggling', action: 'reject' };

function atMilter(verdict: Verdict, refused?: Situation): unknown {
  const doors = doorAnswers({ refused, verdict, verdictAtMilter: verdict });
  return doors.find(({ position }) => position === 'milter');
}

describe('at a Milter', () => {
  test.each<[Verdict['action'], string, string]>([
    ['pass', 'accept', "Postfix's own"],
    ['tag', 'accept, tagged', "Postfix's own"],
    ['discard', 'discard', "Postfix's own"],
    ['quarantine', 'refuse (infected), or hold', '550 5.7.1 Message content rejected'],
    ['reject', 'refuse (infected)', '550 5.7.1 Message content rejected'],
    ['defer', 'refuse (deferred)', '451 4.7.1 Message deferred, try again later'],
  ])('%s: %s', (action, disposition, reply) => {
    const verdict: Verdict = { ...clean, kind: 'infected', action };
    expect(atMilter(verdict)).toEqual({ position: 'milter', disposition, reply });
  });

  test('what only the wire shows is no matter of its', () => {
    const doors = doorAnswers({
      refused: undefined,
      verdict: smuggling,
      verdictAtMilter: clean,
    });
    expect(doors.map(({ disposition }) => disposition)).toEqual([
      'refuse (smuggling)',
      'refuse (smuggling)',
      'accept',
      'no objection',
    ]);
    expect(atMilter(clean, 'bare-line-end')).toMatchObject({
      disposition: 'not known: its MTA gives every line its CRLF first',
    });
  });
});

test('too large for us: at each door', () => {
  const doors = doorAnswers({ refused: 'too-large', verdict: clean, verdictAtMilter: clean });
  expect(doors.map(({ reply }) => reply)).toEqual([
    '552 5.3.4 Message too large',
    '552 5.3.4 Message too large',
    '552 5.3.4 Message too large',
    'REJECT 5.3.4 Message too large',
  ]);
});
