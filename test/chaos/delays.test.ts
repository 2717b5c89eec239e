import { expect, test } from '@jest/globals';
import { delaysOf } from './delays.ts';
import { chaosMessage } from './message.ts';

const accepted = [1, 2, 3].map((serial) => ({
  ...chaosMessage(String(serial), ['ben@sink.test', 'carl@sink.test'], false),
  acceptedAt: serial * 1000,
}));
const arrival = (serial: number, at: number, recipient = 'ben@sink.test') => ({
  ...{ id: accepted[serial - 1]?.id ?? '', queueId: `${at}`, before: [], recipient, at },
});

test.each([
  ['nothing', [], undefined, undefined],
  ['one of them', [arrival(2, 2300)], 300, 300],
  ['all of them', [arrival(1, 1900), arrival(2, 2100), arrival(3, 3500)], 500, 900],
  [
    'two copies for one recipient: the first counts',
    [arrival(1, 1900), arrival(1, 1200)],
    200,
    200,
  ],
  [
    'copies for two recipients: the last counts',
    [arrival(1, 1200), arrival(1, 1700, 'carl@sink.test')],
    700,
    700,
  ],
])('when there arrived %s', (_, arrivals, p50Ms, maxMs) => {
  expect(delaysOf(accepted, arrivals)).toEqual({ p50Ms, maxMs });
});
