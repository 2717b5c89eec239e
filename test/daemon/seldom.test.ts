import { expect, test } from '@jest/globals';
import { Seldom } from '../../src/daemon/seldom.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('says one thing in a while, and how many it did not say', () => {
  const clock = new FakeClock();
  const seldom = new Seldom(1000, clock);
  const said: unknown[] = [];
  const say = (): void => {
    seldom.say((more) => said.push(more));
  };
  for (const ms of [0, 0, 999, 1, 999, 1, 5000]) {
    clock.advance(ms);
    say();
  }
  expect(said).toEqual([{}, { unsaid: 2 }, { unsaid: 1 }, {}]);
});
