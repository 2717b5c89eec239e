import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chaosMessage } from './message.ts';
import { type Fates, tallyOf } from './tally.ts';

const one = chaosMessage('1', ['ben@sink.test'], false);
const two = chaosMessage('2', ['ben@sink.test', 'carl@sink.test'], false);
const eicar = chaosMessage('3', ['ben@sink.test'], true);
const nowhere: Fates = { arrivals: [], kept: [], inDoubt: [], bounced: [], queued: [] };

function arrival(id: string, queueId: string, recipient = 'ben@sink.test') {
  return { id, queueId, before: [`in-front-${id}`], recipient, at: 0 };
}

describe('tallyOf', () => {
  test.each([
    ['once', [one], { arrivals: [arrival(one.id, 'A')] }, { once: 1 }],
    ['nowhere', [one], {}, { lost: 1, suspects: [one.id] }],
    [
      'handed over twice',
      [one],
      { arrivals: [arrival(one.id, 'A'), arrival(one.id, 'B')] },
      { twice: 1, suspects: [one.id] },
    ],
    [
      'handed over twice, as the ledger lists',
      [one],
      {
        arrivals: [arrival(one.id, 'A'), arrival(one.id, 'B')],
        inDoubt: [{ queueId: `in-front-${one.id}`, recipient: 'ben@sink.test' }],
      },
      { twice: 1, listed: 1, suspects: [one.id] },
    ],
    [
      'handed over more often than the ledger lists',
      [one],
      {
        arrivals: [arrival(one.id, 'A'), arrival(one.id, 'B'), arrival(one.id, 'C')],
        inDoubt: [{ queueId: `in-front-${one.id}`, recipient: 'ben@sink.test' }],
      },
      { twice: 1, suspects: [one.id] },
    ],
    [
      'handed over twice, while others are listed',
      [two],
      {
        arrivals: [
          arrival(two.id, 'A'),
          arrival(two.id, 'B'),
          arrival(two.id, 'A', 'carl@sink.test'),
        ],
        inDoubt: [
          { queueId: `in-front-${two.id}`, recipient: 'carl@sink.test' },
          { queueId: `in-front-${one.id}`, recipient: 'ben@sink.test' },
        ],
      },
      { twice: 1, suspects: [two.id] },
    ],
    [
      'repeated by Postfix itself',
      [one],
      { arrivals: [arrival(one.id, 'A'), arrival(one.id, 'A')] },
      { once: 1, repeated: 1 },
    ],
    [
      'for two recipients, in one hand-over or in two',
      [two],
      { arrivals: [arrival(two.id, 'A'), arrival(two.id, 'B', 'carl@sink.test')] },
      { once: 1 },
    ],
    ['for one recipient of two', [two], { arrivals: [arrival(two.id, 'A')] }, { lost: 1 }],
    [
      'for one recipient of two, the other waits',
      [two],
      { arrivals: [arrival(two.id, 'A')], queued: [two.id] },
      { queued: 1 },
    ],
    [
      'twice for one recipient, never for the other',
      [two],
      { arrivals: [arrival(two.id, 'A'), arrival(two.id, 'B')] },
      { twice: 1, lost: 1, suspects: [two.id] },
    ],
    ['still queued', [one], { queued: [one.id] }, { queued: 1 }],
    ['bounced', [one], { bounced: [one.id] }, { bounced: 1 }],
    ['quarantined', [eicar], { kept: [eicar.id] }, { stopped: 1 }],
    ['quarantined twice', [eicar], { kept: [eicar.id, eicar.id] }, { stopped: 1, keptTwice: 1 }],
    ['infected and nowhere', [eicar], {}, { lost: 1, suspects: [eicar.id] }],
    [
      'infected and delivered',
      [eicar],
      { arrivals: [arrival(eicar.id, 'A')] },
      { once: 1, unscanned: 1 },
    ],
  ] as const)('%s', (_, sent, fates, expected) => {
    const none = { once: 0, stopped: 0, bounced: 0, queued: 0, lost: 0, twice: 0 };
    const rest = { listed: 0, unscanned: 0, repeated: 0, keptTwice: 0 };
    const tally = tallyOf(sent, { ...nowhere, ...fates }, false);
    expect(tally).toEqual({
      sent: 1,
      ...none,
      ...rest,
      suspects: 'lost' in expected || 'twice' in expected ? [sent[0].id] : [],
      ...expected,
    });
  });

  test('what a filter drops on purpose is not lost, unless it was clean', () => {
    expect(tallyOf([one, eicar], nowhere, true)).toMatchObject({ stopped: 1, lost: 1 });
  });

  test('each message that is nowhere twice is counted in exactly one place', () => {
    const places = ['arrived', 'kept', 'bounced', 'queued', 'nowhere'] as const;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...places)), (drawn) => {
        const sent = drawn.map((_, at) => chaosMessage(String(at), ['ben@sink.test'], false));
        const at = (place: string): string[] =>
          sent.filter((__, index) => drawn[index] === place).map(({ id }) => id);
        const tally = tallyOf(
          sent,
          {
            arrivals: at('arrived').map((id) => arrival(id, 'A')),
            kept: at('kept'),
            inDoubt: [],
            bounced: at('bounced'),
            queued: at('queued'),
          },
          false,
        );
        const { once, stopped, bounced, queued, lost } = tally;
        expect([once, stopped, bounced, queued, lost]).toEqual(
          places.map((place) => at(place).length),
        );
        expect(tally.twice).toBe(0);
      }),
    );
  });
});
