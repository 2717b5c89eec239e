import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { History, type HistoryQuery } from '../../src/daemon/history.ts';
import { aRecord } from '../support/record.ts';

function historyOf(...ids: string[]): History {
  const history = new History(3);
  for (const id of ids) history.add(aRecord({ id }));
  return history;
}

function ids(history: History, query: HistoryQuery = {}, limit = 100): string[] {
  return history.find(query, limit).map(({ id }) => id);
}

test('the newest come first, and the oldest are forgotten', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.nat(30), (size, count) => {
      const history = new History(size);
      const all = Array.from({ length: count }, (_, at) => String(at));
      for (const id of all) history.add(aRecord({ id }));
      expect(ids(history)).toEqual(all.slice(-size).reverse());
    }),
  );
});

test('no more than asked for', () => {
  expect(ids(historyOf('1', '2', '3'), {}, 2)).toEqual(['3', '2']);
});

describe('looking up', () => {
  const history = new History(10);
  history.add(aRecord({ id: '1', queueId: 'Q1', messageId: '<m@x>' }));
  history.add(aRecord({ id: '2', queueId: 'Q2', messageId: 'm@x' }));
  history.add(aRecord({ id: '3', nextHopQueueId: 'Q1' }));

  test.each<[HistoryQuery, string[]]>([
    [{ id: '2' }, ['2']],
    [{ messageId: '<m@x>' }, ['2', '1']],
    [{ messageId: 'm@x' }, ['2', '1']],
    [{ queueId: 'Q1' }, ['3', '1']],
    [{ queueId: 'Q1', messageId: 'm@x' }, ['1']],
    [{ queueId: 'Q9' }, []],
    [{ messageId: '' }, []],
  ])('%j', (query, found) => {
    expect(ids(history, query)).toEqual(found);
  });
});

test('of a message with a thousand recipients, parts and findings some are kept', () => {
  const history = new History(1);
  const thousand = Array.from({ length: 1000 }, (_, at) => String(at));
  history.add(
    aRecord({
      recipients: thousand.map((address) => ({ address })),
      findings: thousand.map((stream) => ({ kind: 'encrypted', stream, detail: '' })),
      streams: thousand.map((stream) => ({
        ...{ stream, label: '', bytes: 1, digest: '', answer: '', endpoint: '', ms: 1 },
      })),
    }),
  );
  const [kept] = history.find({}, 1);
  expect([kept?.recipients, kept?.findings, kept?.streams].map((list) => list?.length)).toEqual([
    50, 50, 50,
  ]);
});
