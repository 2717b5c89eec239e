import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  History,
  type HistoryQuery,
  type KeptRecord,
  recordCharactersMax,
} from '../../src/daemon/history.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
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

function kept(change: Partial<TransactionRecord>): KeptRecord {
  return keptOf(aRecord(change));
}

function keptOf(whole: TransactionRecord): KeptRecord {
  const history = new History(1);
  history.add(whole);
  const [record] = history.find({}, 1);
  if (!record) throw new Error('it is not kept');
  return record;
}

const aStream = { label: '', bytes: 1, digest: '', answer: '', endpoint: '', ms: 1 };
const reply = { code: 250, enhanced: '2.1.5', lines: ['Ok'] };

describe('of a record', () => {
  test('of ordinary size all is kept as it was', () => {
    const whole = aRecord({
      messageId: `<${'m'.repeat(994)}@x>`,
      client: { name: 'mx.example', addr: '192.0.2.1' },
      recipients: Array.from({ length: 50 }, (_, at) => ({ address: `${at}@x.org`, reply })),
      findings: [{ kind: 'infected', stream: '1.2', detail: 'Eicar-Test-Signature' }],
      streams: [{ stream: 'message', ...aStream, digest: 'd'.repeat(64) }],
    });
    expect(kept(whole)).toEqual(whole);
  });

  test('an ordinary one is kept as it is, until any text of it is longer', () => {
    const short = aRecord({
      recipients: [{ address: 'b@example.org' }],
      streams: [],
      findings: [],
    });
    expect(keptOf(short)).toBe(short);
    const long = 'x'.repeat(1000);
    const longer: Partial<TransactionRecord>[] = [
      { sender: long },
      { messageId: long },
      { detail: long },
      { client: { helo: long } },
      { recipients: [{ address: long }] },
      { recipients: [{ address: 'b@example.org', reply }] },
      { reply: { code: 250, lines: [long] } },
      { streams: [{ ...aStream, stream: 'message', answer: long }] },
      { streams: [{ ...aStream, stream: 'message', label: long }] },
      { findings: [{ kind: 'encrypted', stream: '1', detail: '' }] },
    ];
    for (const change of longer) {
      const record = { ...short, ...change };
      expect(keptOf(record)).not.toBe(record);
      expect(keptOf(record)).toEqual(record);
    }
  });

  test('with a thousand recipients, parts and findings some are kept, and it says so', () => {
    const thousand = Array.from({ length: 1000 }, (_, at) => String(at));
    const record = kept({
      recipients: thousand.map((address) => ({ address })),
      findings: thousand.map((stream) => ({ kind: 'encrypted', stream, detail: '' })),
      streams: thousand.map((stream) => ({ stream, ...aStream })),
    });
    const { recipients, findings, streams } = record;
    expect([recipients, findings, streams].map(({ length }) => length)).toEqual([50, 50, 50]);
    expect(recipients.at(-1)).toEqual({ address: '49' });
    expect(record.leftOut).toEqual({ recipients: 950, findings: 950, streams: 950 });
  });

  test('a long text is cut, and says so', () => {
    const long = 'x'.repeat(4096);
    const cut = `${'x'.repeat(1000)}...(3096 more)`;
    const record = kept({
      sender: long,
      recipients: [{ address: long, reply: { ...reply, lines: [long] } }],
      client: { helo: long },
      streams: [{ ...aStream, stream: '1', label: long }],
    });
    expect(record).toMatchObject({
      sender: cut,
      recipients: [{ address: cut, reply: { lines: [cut] } }],
      client: { helo: cut },
      streams: [{ label: cut }],
    });
    expect(record.leftOut).toBeUndefined();
  });

  test('long texts in long lists leave shorter lists, never more than a record may hold', () => {
    const long = fc
      .string({ maxLength: 3, unit: 'grapheme' })
      .chain((piece) => fc.constantFrom(0, 1, 400, 2000).map((times) => piece.repeat(times)));
    const many = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
      fc
        .tuple(one, fc.constantFrom(0, 1, 40, 400))
        .map(([each, count]) => Array<T>(count).fill(each));
    const longReply = fc.record({ code: fc.constant(550), lines: many(long) });
    const change = fc.record({
      sender: long,
      messageId: long,
      detail: long,
      client: fc.record({ name: long, helo: long, ident: long }),
      reply: longReply,
      recipients: many(fc.record({ address: long, reply: longReply })),
      findings: many(fc.record({ kind: fc.constant('infected'), stream: long, detail: long })),
      streams: many(
        fc
          .record({ stream: long, label: long, answer: long })
          .map((texts) => ({ ...aStream, ...texts })),
      ),
    });
    fc.assert(
      fc.property(change, (one) => {
        const record = kept(one);
        expect(charactersIn(record)).toBeLessThanOrEqual(recordCharactersMax);
        for (const list of ['recipients', 'findings', 'streams'] as const) {
          expect(record[list].length + (record.leftOut?.[list] ?? 0)).toBe(one[list].length);
        }
        expect([record.outcome, record.verdict, record.size]).toEqual(['relayed', 'clean', 1234]);
      }),
      { numRuns: 60 },
    );
  });
});

function charactersIn(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, one) => sum + charactersIn(one), 0);
}
