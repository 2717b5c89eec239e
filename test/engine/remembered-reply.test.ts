import { expect, test } from '@jest/globals';
import { rememberedReply } from '../../src/engine/remembered-reply.ts';
import { encodeRecord, recordBytesMax } from '../../src/store/ledger-journal.ts';

const usual = { code: 250, enhanced: '2.0.0', lines: ['Ok: queued as 4jcFsS07XNzJbJx'] };
/** Three bytes each in UTF-8. */
const endless = { code: 250, lines: Array.from({ length: 200 }, () => '\u20ac'.repeat(2000)) };

test.each([1, 1000])('a usual one is remembered whole, %d times', (entries) => {
  expect(rememberedReply(usual, entries)).toEqual(usual);
});

test.each([1, 1000, 10_000])('%d of any length go into one record', (entries) => {
  const reply = rememberedReply(endless, entries);
  expect(reply.lines).toHaveLength(4);
  const changes = Array.from({ length: entries }, () => JSON.stringify({ reply }));
  expect(encodeRecord(1, 0, changes).length).toBeLessThan(recordBytesMax / 2);
});
