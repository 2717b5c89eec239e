import { describe, expect, test } from '@jest/globals';
import type { MilterAnswer } from '../../src/engine/milter-answer.ts';
import { renderMilter, renderSituation } from '../../src/listener/render-milter.ts';
import { replyTable } from '../../src/listener/render.ts';
import { encodeVerdict, type Modification } from '../../src/protocol/milter/responses.ts';
import { actions } from '../../src/protocol/milter/words.ts';
import type { Situation } from '../../src/verdict/situation.ts';

const terms = (granted: number) => ({ version: 6, actions: granted, steps: 0 });
const all = actions.addHeaders | actions.changeHeaders | actions.quarantine;
const forged: Modification[] = [{ kind: 'delete-header', index: 1, name: 'X-Virus-Scanned' }];
const field = { name: 'X-Virus-Scanned', value: 'clamgate' };
const inserted = { kind: 'insert-header', index: 1, ...field };

describe('renderMilter', () => {
  test.each<[MilterAnswer, granted: number, verdict: string, modifications: object[]]>([
    [{ kind: 'take', stamp: 'clamgate' }, all, 'accept', [...forged, inserted]],
    [{ kind: 'take', stamp: undefined }, all, 'accept', forged],
    // Sendmail 8.12 can only put it at the end.
    [
      { kind: 'take', stamp: 'clamgate' },
      actions.addHeaders | actions.changeHeaders,
      'accept',
      [...forged, { kind: 'add-header', ...field }],
    ],
    [
      { kind: 'take', stamp: 'clamgate' },
      actions.addHeaders,
      'accept',
      [{ kind: 'add-header', ...field }],
    ],
    [{ kind: 'take', stamp: 'clamgate' }, 0, 'accept', []],
    [
      { kind: 'hold', reason: 'x' },
      all,
      'accept',
      [...forged, { kind: 'quarantine', reason: 'x' }],
    ],
    [{ kind: 'discard' }, all, 'discard', []],
    [{ kind: 'refuse', situation: 'infected' }, all, 'reply', []],
  ])('%j with %i: %s', (answer, granted, verdict, modifications) => {
    const response = renderMilter(answer, terms(granted), forged);
    expect([response.verdict.kind, response.modifications]).toEqual([verdict, modifications]);
  });

  /** docs/architecture.md, the column of the Milter. */
  test.each<[Situation, string]>([
    ['infected', '550 5.7.1 '],
    ['banned', '550 5.7.1 '],
    ['partial', '552 5.3.4 '],
    ['scan-failed', '451 4.7.1 '],
    ['deadline', '451 4.4.7 '],
    ['busy', '451 4.3.2 '],
    ['stopping', '451 4.3.2 '],
    ['too-large', '552 5.3.4 '],
    ['header-too-large', '552 5.3.4 '],
    ['too-many-recipients', '452 4.5.3 '],
    ['store-failed', '452 4.3.1 '],
    ['impossible', '451 4.3.0 '],
  ])('%s is %s', (situation, beginning) => {
    const bytes = encodeVerdict(renderSituation(situation)).toString('latin1', 5);
    expect(bytes.slice(0, beginning.length)).toBe(beginning);
  });

  test('every situation but that all is done can be said to an MTA', () => {
    for (const situation of Object.keys(replyTable) as Situation[]) {
      if (situation === 'taken') continue;
      expect(encodeVerdict(renderSituation(situation)).toString('latin1', 4)).toMatch(/^y[45]/);
    }
    expect(renderSituation(undefined)).toEqual({ kind: 'continue' });
  });
});
