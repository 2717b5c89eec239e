import { expect, test } from '@jest/globals';
import { Stopwatch } from '../../src/engine/stopwatch.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('each stage has its time, one that is entered again adds up, and the total is their sum', () => {
  const clock = new FakeClock();
  const stopwatch = new Stopwatch(clock);
  clock.advance(1);
  stopwatch.enter('receive');
  clock.advance(20);
  stopwatch.enter('scan');
  clock.advance(300);
  stopwatch.enter('receive');
  clock.advance(4000);
  expect(stopwatch.read()).toEqual({ wait: 1, receive: 4020, scan: 300, handover: 0, total: 4321 });
  clock.advance(5);
  expect(stopwatch.read()).toMatchObject({ receive: 4025, total: 4326 });
});
