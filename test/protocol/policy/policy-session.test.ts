import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type PolicyEvent, PolicySession } from '../../../src/protocol/policy/policy-session.ts';
import { chops } from '../../support/chop.ts';

const limits = { lineBytesMax: 40, attributesMax: 5, requestBytesMax: 120 };

type Seen =
  Exclude<PolicyEvent, { type: 'request' }> | { type: 'request'; attributes: [string, string][] };

/** Drives a session as the loop does; each request is answered with its number. */
function converse(pieces: readonly Buffer[]): { events: Seen[]; output: string } {
  const session = new PolicySession(limits);
  const events: Seen[] = [];
  let requests = 0;
  for (const piece of pieces) {
    session.receive(piece);
    for (let event = session.next(); event !== 'need-data'; event = session.next()) {
      if (event === 'paused') {
        requests += 1;
        session.answer(`WARN ${requests}`);
        continue;
      }
      events.push(
        event.type === 'request' ? { ...event, attributes: [...event.attributes] } : event,
      );
      if (event.type === 'close') return { events, output: said(session) };
    }
  }
  return { events, output: said(session) };
}

function said(session: PolicySession): string {
  return Buffer.concat(session.takeOutput()).toString();
}

const request = (...attributes: [string, string][]): Seen => ({ type: 'request', attributes });

const good: { bytes: string; events: Seen[] }[] = [
  { bytes: '', events: [] },
  { bytes: 'request=x\n', events: [] },
  { bytes: 'request=x\n\n', events: [request(['request', 'x'])] },
  {
    bytes: 'request=x\nhelo_name=\nsender=a=b\n\n',
    events: [request(['request', 'x'], ['helo_name', ''], ['sender', 'a=b'])],
  },
  {
    bytes: 'request=x\nqueue_id=1\n\nrequest=y\n\n',
    events: [request(['request', 'x'], ['queue_id', '1']), request(['request', 'y'])],
  },
  {
    bytes: 'request=x\nsender=\u00fc\n\n',
    events: [request(['request', 'x'], ['sender', '\u00fc'])],
  },
  // The first of one name counts.
  { bytes: 'request=x\na=1\na=2\n\n', events: [request(['request', 'x'], ['a', '1'])] },
  { bytes: 'request=x\na= b \n\n', events: [request(['request', 'x'], ['a', ' b '])] },
  { bytes: 'request=a\rb\n\n', events: [request(['request', 'a\rb'])] },
];

const bad: { what: string; bytes: string }[] = [
  { what: 'a lone empty line', bytes: '\n' },
  { what: 'no attribute "request"', bytes: 'sender=a\n\n' },
  { what: 'no =', bytes: 'request\n' },
  { what: 'no name', bytes: '=x\n' },
  { what: 'NUL in a value', bytes: 'request=a\0b\n' },
  { what: 'NUL in a name', bytes: 'req\0uest=a\n' },
  { what: 'CRLF', bytes: 'request=x\r\n' },
  { what: 'an empty line with CR', bytes: 'request=x\n\r\n' },
  { what: 'SMTP', bytes: 'EHLO x\r\n' },
  { what: 'a line above the limit', bytes: `request=${'x'.repeat(33)}\n` },
  { what: 'a line above the limit that does not end', bytes: 'x'.repeat(41) },
  { what: 'too many attributes', bytes: 'request=x\na=1\nb=1\nc=1\nd=1\ne=1\n' },
  { what: 'one name too often', bytes: `request=x\n${'a=1\n'.repeat(5)}` },
  { what: 'a request above the limit', bytes: `request=x\n${`a=${'x'.repeat(36)}\n`.repeat(3)}` },
  {
    what: 'one that does not end',
    bytes: `request=x\n${`a=${'x'.repeat(38)}\n`.repeat(2)}${'x'.repeat(28)}`,
  },
];

describe('PolicySession', () => {
  test.each(good.map((each) => ({ ...each, name: JSON.stringify(each.bytes) })))(
    'reads $name at every cut, and answers each request in turn',
    ({ bytes, events }) => {
      const output = events.map((_, at) => `action=WARN ${at + 1}\n\n`).join('');
      for (const { name, pieces } of chops(Buffer.from(bytes))) {
        expect({ name, ...converse(pieces) }).toEqual({ name, events, output });
      }
    },
  );

  test.each(bad)('closes without an answer at every cut: $what', ({ bytes }) => {
    for (const { name, pieces } of chops(Buffer.from(`${bytes}request=x\n\n`))) {
      const { events, output } = converse(pieces);
      expect({ name, events, output }).toEqual({
        name,
        events: [{ type: 'protocol-error', detail: expect.any(String) }, { type: 'close' }],
        output: '',
      });
    }
  });

  test.each([
    ['a line of', `request=${'x'.repeat(32)}\n\n`],
    ['attributes of', 'request=x\na=1\nb=1\nc=1\nd=1\n\n'],
    ['a request of', `request=x\n${`a=${'x'.repeat(34)}\n`.repeat(2)}a=${'x'.repeat(32)}\n\n`],
  ])('%s just the limit', (_, bytes) => {
    expect(converse([Buffer.from(bytes)]).events.map(({ type }) => type)).toEqual(['request']);
    const octets = Array.from(Buffer.from(bytes), (octet) => Buffer.from([octet]));
    expect(converse(octets).events.map(({ type }) => type)).toEqual(['request']);
  });

  test('a good request before a bad one is answered', () => {
    const { events, output } = converse([Buffer.from('request=x\n\nnonsense\n')]);
    expect(events.map(({ type }) => type)).toEqual(['request', 'protocol-error', 'close']);
    expect(output).toBe('action=WARN 1\n\n');
  });

  test('waits for the answer before it reads on', () => {
    const session = new PolicySession(limits);
    session.receive(Buffer.from('request=x\n\nrequest=y\n\n'));
    expect(session.next()).toMatchObject({ type: 'request' });
    expect([session.next(), session.next()]).toEqual(['paused', 'paused']);
    session.answer('DUNNO');
    expect(said(session)).toBe('action=DUNNO\n\n');
    expect(said(session)).toBe('');
    expect(session.next()).toMatchObject({ type: 'request' });
  });

  test('hung up, it says no more', () => {
    const session = new PolicySession(limits);
    session.receive(Buffer.from('request=x\n\n'));
    session.next();
    session.hangUp();
    session.answer('DUNNO');
    session.receive(Buffer.from('request=x\n\n'));
    expect([session.next(), said(session)]).toEqual([{ type: 'close' }, '']);
  });

  test.each(['', 'a\nb', 'a\0', 'a\r'])(
    'an action that is not one line is a fault: %j',
    (action) => {
      const session = new PolicySession(limits);
      session.receive(Buffer.from('request=x\n\n'));
      session.next();
      expect(() => {
        session.answer(action);
      }).toThrow('an action is one line');
    },
  );

  test('an action without a request is a fault', () => {
    expect(() => {
      new PolicySession(limits).answer('DUNNO');
    }).toThrow('an action belongs to a request');
  });

  test('gives the same for any bytes however they are cut, and never throws', () => {
    const octets = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const parts = fc.constantFrom('request=x\n', '\n', 'a=', 'b', '=', '\0', '\r', 'x'.repeat(30));
    const likely = fc.array(parts, { maxLength: 30 }).map((each) => Buffer.from(each.join('')));
    fc.assert(
      fc.property(fc.oneof(octets, likely), fc.nat({ max: 200 }), (bytes, cut) => {
        const whole = converse([bytes]);
        const single = converse(Array.from(bytes, (octet) => Buffer.from([octet])));
        const halves = converse([bytes.subarray(0, cut), bytes.subarray(cut)]);
        expect(single).toEqual(whole);
        expect(halves).toEqual(whole);
        const requests = whole.events.filter(({ type }) => type === 'request').length;
        expect(whole.output.match(/action=/g) ?? []).toHaveLength(requests);
      }),
      { numRuns: 300 },
    );
  });

  test('reads back what was written, whatever the values', () => {
    const value = fc
      .string({ maxLength: 10, unit: 'grapheme' })
      .filter((text) => !/[\0\r\n]/.test(text));
    const name = fc.stringMatching(/^[a-z_]{1,6}$/).filter((text) => text !== 'request');
    const extras = fc.uniqueArray(fc.tuple(name, value), {
      maxLength: 2,
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(fc.array(extras, { maxLength: 4 }), (requests) => {
        const written = requests.map((extra): [string, string][] => [['request', 'x'], ...extra]);
        const bytes = written.map((each) => each.map((pair) => `${pair.join('=')}\n`).join(''));
        const small = written.every((each) => Buffer.byteLength(each.join()) < 60);
        fc.pre(small && requests.flat().every(([, text]) => Buffer.byteLength(text) < 30));
        const { events } = converse([Buffer.from(bytes.map((each) => `${each}\n`).join(''))]);
        expect(events).toEqual(written.map((each) => request(...each)));
      }),
    );
  });
});
