import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultReadingLimits } from '../../src/reading/plan.ts';
import * as messages from '../support/messages.ts';
import { readAll } from './read-all.ts';

/** Pieces of which messages that mean much to the segmentation are made. */
const fragments = fc.constantFrom(
  ...[
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    ' ',
    '--',
    '--b',
    '\r\n--b\r\n',
    '\r\n--b--\r\n',
    '--c',
    'From ',
  ],
  ...['Content-Type: multipart/mixed; boundary=b\r\n', 'Content-Type: message/rfc822\r\n'],
  ...[
    'Content-Type: multipart/mixed; boundary=c; boundary=b',
    'Content-Transfer-Encoding: base64\r\n',
  ],
  ...['Content-Transfer-Encoding: x\r\n', 'Content-Transfer-Encoding: quoted-printable\r\n'],
  ...['Subject: x\r\n', 'QUJD', 'QQ==', '=41', '=\r\n', 'begin 644 x\r\n', '#04)#\r\n', 'end\r\n'],
  ...[
    '=ybegin line=1 size=2 name=x\r\n',
    '=yend',
    'data:x;base64,QUJD"',
    ':',
    '(BinHex)\r\n:',
    '\xff\xfe',
  ],
);
/** More than is passed over at once of lines that do not matter (lines.ts). */
const fillers = fc
  .tuple(
    fc.constantFrom('QUJD'.repeat(19), 'words', '- : -', ''),
    fc.constantFrom('\r\n', '\n', '\r'),
  )
  .map(([line, end]) => `${line}${end}`.repeat(Math.ceil(1500 / (line.length + end.length))));
const longMessage = fc
  .array(fc.oneof({ weight: 4, arbitrary: fragments }, { weight: 1, arbitrary: fillers }), {
    maxLength: 30,
  })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
const message = fc
  .array(fc.oneof(fragments, fc.string({ maxLength: 4 })), { maxLength: 60 })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

describe('the readings', () => {
  it('are the same however the message is cut', () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(2000), { maxLength: 8 }), (bytes, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
        places.sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(readAll(pieces)).toEqual(readAll([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  it('are the same in pieces of which nothing is passed over', () => {
    fc.assert(
      fc.property(longMessage, (bytes) => {
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += 500) pieces.push(bytes.subarray(at, at + 500));
        expect(readAll(pieces)).toEqual(readAll([bytes]));
      }),
      { numRuns: 60 },
    );
  });

  it('end at a delimiter among many lines that do not matter', () => {
    const lines = 'words\r\n'.repeat(500);
    const header = 'Content-Type: multipart/mixed; boundary=b\r\n';
    const bytes = Buffer.from(`${header}\r\n--b\r\n\r\n${lines}\r\n--b--\r\n${lines}`);
    const { readings } = readAll([bytes]);
    expect(readings.map((one) => one.bytes.toString())).toContain(lines);
  });

  it('are the same byte by byte', () => {
    for (const { bytes } of messages.sampleMessages().filter((one) => one.bytes.length < 5000)) {
      expect(readAll([...bytes].map((byte) => Buffer.from([byte])))).toEqual(readAll([bytes]));
    }
  });

  it('hold any payload in any encoding, of a message, a part or a message in it', () => {
    const encodings: Record<string, (bytes: Buffer) => string> = {
      base64: (bytes) => bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n'),
      'quoted-printable': (bytes) =>
        [...bytes]
          .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
          .join('')
          .replace(/(?:.{3}){1,24}/g, '$&=\r\n'),
    };
    const wraps: readonly ((entity: messages.Entity) => messages.Entity)[] = [
      (entity) => entity,
      (entity) => messages.multipart('mixed', [messages.text(), entity], 'outer'),
      (entity) => messages.multipart('related', [entity, entity], 'inner'),
      (entity) => messages.forwarded(messages.message(entity), 'middle'),
    ];
    const wrapped = fc.tuple(fc.constantFrom(...wraps), fc.constantFrom(...wraps));
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.constantFrom('base64', 'quoted-printable'),
        wrapped,
        (payload, name, [inner, outer]) => {
          const bytes = Buffer.from(payload);
          const body = Buffer.from(encodings[name]?.(bytes) ?? '');
          const fields = ['Content-Type: application/x', `Content-Transfer-Encoding: ${name}`];
          const { readings } = readAll([messages.message(outer(inner({ fields, body })))]);
          expect(readings.some((reading) => reading.bytes.equals(bytes))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('stay below their ceilings, which are told', () => {
    fc.assert(
      fc.property(message, fc.nat(6), fc.nat(3), (bytes, bodiesMax, openMax) => {
        const limits = {
          ...defaultReadingLimits,
          bodiesMax,
          openMax: openMax + 1,
          readingsMax: 10,
          stepsMax: 3,
        };
        const all = readAll([bytes]);
        const { readings, exceeded } = readAll([bytes], limits);
        expect(readings.length).toBeLessThanOrEqual(10);
        if (exceeded === undefined) expect(readings).toEqual(all.readings);
      }),
      { numRuns: 500 },
    );
  });
});
