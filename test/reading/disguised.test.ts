/** Whatever hides it, what a reader would get is among the readings. */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultReadingLimits } from '../../src/reading/plan.ts';
import { disguised } from './disguise.ts';
import { readAll, type Readings } from './read-all.ts';

/** As text, which is compared faster than buffers. */
function shown({ readings, ...rest }: Readings) {
  return {
    ...rest,
    readings: readings.map((one) => ({ ...one, bytes: one.bytes.toString('latin1') })),
  };
}

/** Behind empty lines, which all readers have where they stand. */
function begins(bytes: Buffer, payload: Buffer): boolean {
  let at = 0;
  while (bytes[at] === 0x0d || bytes[at] === 0x0a) at++;
  return bytes.subarray(at, at + payload.length).equals(payload);
}

const numRuns = Number(process.env['RUNS'] ?? 400);

it('any payload in any disguise is among the readings', () => {
  fc.assert(
    fc.property(disguised, ({ payload, message }) => {
      const { readings, exceeded } = readAll([message]);
      const found = readings.some(({ bytes }) => begins(bytes, payload));
      expect([found, exceeded]).toEqual([true, undefined]);
    }),
    { numRuns },
  );
}, 60_000);

it('the readings of a disguise are the same however it is cut, and within their bounds', () => {
  const limits = { ...defaultReadingLimits, readingsMax: 40, bodiesMax: 30 };
  fc.assert(
    fc.property(disguised, fc.array(fc.nat(4000), { maxLength: 6 }), ({ message }, cuts) => {
      const places = [0, ...cuts.map((cut) => cut % (message.length + 1)), message.length];
      places.sort((a, b) => a - b);
      const pieces = places.slice(1).map((end, index) => message.subarray(places[index], end));
      const whole = shown(readAll([message], limits));
      expect(shown(readAll(pieces, limits))).toEqual(whole);
      expect(whole.readings.length).toBeLessThanOrEqual(limits.readingsMax);
    }),
    { numRuns: numRuns / 5 },
  );
}, 60_000);

it('a text in another charset is found behind base64 that decoders take in several ways', () => {
  const fields = 'Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64';
  const body = Buffer.from('hidden', 'utf16le').toString('base64').replace(/./g, '$&=');
  const { readings } = readAll([Buffer.from(`${fields}\r\n\r\n${body}\r\n`)]);
  expect(readings.map(({ bytes }) => bytes.toString())).toContain('hidden');
});
