import { expect, test } from '@jest/globals';
import type { AttemptState, LedgerEntry } from '../../src/store/ledger.ts';
import { Unfolded } from '../../src/store/ledger-unfolded.ts';

const entry = (recipient: string, state: AttemptState): LedgerEntry => ({
  ...{ attempt: 'a', queueId: '4Xy1', digest: 'd', recipient, orcpt: '', nextHop: 'n', state },
  ...{ began: 1, changed: 1 },
});

test.each([['in the database already'], ['not in the database yet']])(
  'who was kept stays kept when the rest of the attempt is delivered: %s',
  (where) => {
    const kept = entry('kept', 'quarantined');
    const unfolded = new Unfolded();
    const stored = where.startsWith('in') ? [kept] : [];
    if (stored.length === 0) unfolded.take([{ kind: 'begin', entries: [kept] }], 1);
    unfolded.take([{ kind: 'begin', entries: [entry('sent', 'sending')] }], 2);
    const from = ['sending', 'prepared', 'in-doubt'] as const;
    unfolded.take([{ kind: 'settle', attempt: 'a', from, state: 'delivered', changed: 2 }], 3);
    const states = unfolded.ofMessage(stored, '4Xy1').map((one) => [one.recipient, one.state]);
    expect(states).toEqual([
      ['kept', 'quarantined'],
      ['sent', 'delivered'],
    ]);
    expect(unfolded.unsettled(stored)).toEqual([]);
  },
);
