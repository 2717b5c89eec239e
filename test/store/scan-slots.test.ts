import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../support/fake-clock.ts';
import type { PlacedFile } from '../../src/store/placed-file.ts';
import { ScanSlots, slotBytes, slotsMax } from '../../src/store/scan-slots.ts';

/** A file whose writes end when the test says so. */
class SlowFile implements PlacedFile {
  content = Buffer.alloc(0);
  readonly waiting: (() => void)[] = [];
  writes = 0;
  problem: Error | undefined;

  write(bytes: Buffer, position: number, done: (problem: Error | undefined) => void): void {
    this.writes++;
    this.waiting.push(() => {
      const grown = Buffer.alloc(Math.max(this.content.length, position + bytes.length));
      this.content.copy(grown);
      if (!this.problem) bytes.copy(grown, position);
      this.content = grown;
      done(this.problem);
    });
  }

  end(): void {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) next();
  }

  close(): void {
    this.end();
  }
}

let file: SlowFile;
let warnings: string[];
let clock: FakeClock;

beforeEach(() => {
  [file, warnings, clock] = [new SlowFile(), [], new FakeClock(0)];
});

const open = () =>
  new ScanSlots(file, file.content, { clock, warn: (what) => warnings.push(what) });
const digest = (number: number) => number.toString(16).padStart(64, '0');

test('what began and did not end is counted, also by the next process', () => {
  const step = fc.record({ what: fc.constantFrom('began', 'ended', 'restart'), which: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      file = new SlowFile();
      const counts = [0, 0, 0, 0];
      let slots = open();
      steps.forEach(({ what, which }, now) => {
        const count = counts[which] ?? 0;
        if (what === 'began') slots.began(digest(which), now);
        if (what === 'ended') slots.ended(digest(which));
        if (what !== 'restart') counts[which] = Math.max(0, count + (what === 'began' ? 1 : -1));
        if (now % 2 === 0) file.end();
        if (what === 'restart') {
          clock.advance(5);
          file.end();
          slots = open();
        }
        expect(counts.map((_, at) => slots.unended(digest(at)))).toEqual(counts);
      });
      expect(warnings).toEqual([]);
    }),
  );
});

test('a disk that hangs holds nobody up, and is asked for one write more at most', () => {
  const slots = open();
  for (let n = 1; n <= 100; n++) slots.began(digest(n), n);
  for (let n = 1; n <= 99; n++) slots.ended(digest(n));
  clock.advance(5);
  expect(file.writes).toBe(1);
  file.end();
  expect(file.writes).toBe(2);
  const next = open();
  for (let n = 1; n <= 99; n++) expect(next.unended(digest(n))).toBe(0);
  expect(next.unended(digest(100))).toBe(1);
});

test('an end is written with the next beginning, or soon', () => {
  const slots = open();
  slots.began(digest(1), 1);
  file.end();
  slots.ended(digest(1));
  expect(file.writes).toBe(1);
  slots.began(digest(2), 2);
  file.end();
  expect([file.writes, open().unended(digest(1)), open().unended(digest(2))]).toEqual([2, 0, 1]);
  slots.ended(digest(2));
  clock.advance(4);
  expect(file.writes).toBe(2);
  clock.advance(1);
  file.end();
  expect([file.writes, open().unended(digest(2)), clock.pending]).toEqual([3, 0, 0]);
});

test('a write that fails is told of once, and its slot is written with the next', () => {
  const slots = open();
  file.problem = new Error('no room');
  slots.began(digest(1), 1);
  file.end();
  slots.began(digest(2), 2);
  file.end();
  expect(warnings).toEqual([expect.stringContaining('no room')]);
  file.problem = undefined;
  slots.began(digest(3), 3);
  file.end();
  expect([1, 2, 3].map((n) => open().unended(digest(n)))).toEqual([1, 1, 1]);
});

describe('a file that is damaged', () => {
  test.each([0, 31, 32, 40, 43, 44, 47])('torn at %i loses that slot alone, aloud, once', (at) => {
    const slots = open();
    slots.began(digest(1), 1);
    slots.began(digest(2), 2);
    file.end();
    file.content[at] = (file.content[at] ?? 0) ^ 0xff;
    const next = open();
    expect([1, 2].map((n) => next.unended(digest(n)))).toEqual([0, 1]);
    expect(warnings).toEqual([expect.stringContaining('begun anew')]);
    file.end();
    open();
    expect(warnings).toHaveLength(1);
  });

  test.each([
    ['cut in a slot', () => file.content.subarray(0, slotBytes + 7)],
    ['too long', () => Buffer.concat([file.content, Buffer.alloc(slotsMax * slotBytes)])],
  ])('%s is read as far as it goes', (_, harmed) => {
    open().began(digest(1), 1);
    file.end();
    file.content = Buffer.concat([file.content, Buffer.alloc(slotBytes)]);
    file.content = Buffer.from(harmed());
    expect(open().unended(digest(1))).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('begun anew')]);
  });
});

test('there is an end to the scans that are remembered: the oldest go', () => {
  const slots = open();
  for (let n = 1; n <= slotsMax + 5; n++) slots.began(digest(n), n);
  file.end();
  expect(file.content.length).toBeLessThanOrEqual(slotsMax * slotBytes);
  for (const one of [slots, open()]) {
    const known = Array.from({ length: slotsMax + 5 }, (_, at) => one.unended(digest(at + 1)));
    expect(known).toEqual([0, 0, 0, 0, 0, ...Array.from({ length: slotsMax }, () => 1)]);
  }
});

test('what is older than asked for is forgotten', () => {
  const slots = open();
  for (const n of [1, 2, 3]) slots.began(digest(n), n);
  slots.expire(3);
  file.end();
  expect([1, 2, 3].map((n) => open().unended(digest(n)))).toEqual([0, 0, 1]);
});
