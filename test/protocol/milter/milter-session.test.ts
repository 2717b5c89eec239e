import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MilterSession } from '../../../src/protocol/milter/milter-session.ts';
import { reply } from '../../../src/protocol/smtp/reply.ts';
import { chops } from '../../support/chop.ts';
import {
  type Answers,
  body,
  connect,
  converse,
  end,
  endOfHeader,
  frame,
  hello,
  helo,
  limits,
  mail,
  message,
  negotiation,
  postfixOffer,
  postfixTerms,
  rcpt,
  said,
  subject,
} from './mta.ts';

const client = { name: 'client.example', addr: '192.0.2.1', port: '25', helo: 'client.example' };
const mailEvent = {
  type: 'mail',
  client,
  path: {
    address: 'a@example.net',
    parameters: [
      { keyword: 'SIZE', value: '100' },
      { keyword: 'BODY', value: '8BITMIME' },
    ],
  },
};
const recipient = {
  type: 'recipient',
  path: { address: 'b@example.org', parameters: [{ keyword: 'NOTIFY', value: 'NEVER' }] },
};
const header = { type: 'header', name: 'Subject', line: 'Subject: x\r\n' };
const content = (bytes: string): object => ({ type: 'content', bytes });
const endEvent = { type: 'end-of-message', queueId: undefined, tooManyRecipients: false };
const wholeMessage = [mailEvent, recipient, header, content('\r\n'), content('x\r\n'), endEvent];
const terms = said([postfixTerms]);
/** All that a MTA hears that waits for everything. */
const oldTerms = (version: number): string[] => said([negotiation(version, 0x31, 0)]);

interface Vector {
  readonly what: string;
  readonly bytes: readonly Buffer[];
  readonly events: readonly object[];
  readonly output: readonly string[];
}

const eaten = frame('L', 'Subject\0x\0');
const queueIdMacro = (letter: string, id: string): Buffer => frame('D', `${letter}i\0${id}\0`);

const legal: readonly Vector[] = [
  { what: 'nothing', bytes: [], events: [], output: [] },
  { what: 'a negotiation', bytes: [postfixOffer], events: [], output: terms },
  {
    what: 'a message as Postfix sends it',
    bytes: [...hello, ...message],
    events: wholeMessage,
    output: [...terms, 'c', 'c', 'c', 'a'],
  },
  {
    what: 'a message, each step answered (version 2)',
    // The MTA eats the blank, and it is put back.
    bytes: [negotiation(2, 0x3f, 0x7f), connect, helo, mail, rcpt, eaten, endOfHeader, body, end],
    events: wholeMessage,
    output: [...oldTerms(2), 'c', 'c', 'c', 'c', 'c', 'c', 'c', 'a'],
  },
  {
    what: 'DATA and an unknown command (version 4)',
    bytes: [negotiation(4, 0x3f, 0), connect, helo, frame('U', 'WIZ\0'), mail, rcpt, frame('T')],
    events: [mailEvent, recipient],
    output: [...oldTerms(4), 'c', 'c', 'c', 'c', 'c', 'c'],
  },
  {
    what: 'the last of the body with the end, as Sendmail may',
    bytes: [...hello, mail, rcpt, subject, endOfHeader, frame('E', 'x\r\n')],
    events: wholeMessage,
    output: [...terms, 'c', 'c', 'a'],
  },
  {
    what: 'a message without a field or a body, and an empty chunk',
    bytes: [...hello, mail, endOfHeader, frame('B'), end],
    events: [mailEvent, content('\r\n'), endEvent],
    output: [...terms, 'c', 'c', 'a'],
  },
  {
    what: 'several messages',
    bytes: [...hello, ...message, frame('A'), ...message],
    events: [...wholeMessage, ...wholeMessage],
    output: [...terms, ...['c', 'c', 'c', 'a'], ...['c', 'c', 'c', 'a']],
  },
  {
    what: 'a message that is given up in its envelope, its header and its body',
    bytes: [
      ...hello,
      ...[mail, rcpt, frame('A')],
      ...[mail, rcpt, subject, frame('A')],
      ...[mail, endOfHeader, frame('A'), frame('A')],
    ],
    events: [
      ...[mailEvent, recipient, { type: 'abort' }],
      ...[mailEvent, recipient, header, { type: 'abort' }],
      ...[mailEvent, content('\r\n'), { type: 'abort' }],
    ],
    output: [...terms, 'c', 'c', 'c', 'c', 'c'],
  },
  {
    what: 'HELO behind MAIL, then an abort, as Postfix does',
    bytes: [...hello, mail, frame('H', 'other\0'), frame('A'), mail],
    events: [mailEvent, { type: 'abort' }, { ...mailEvent, client: { ...client, helo: 'other' } }],
    output: [...terms, 'c', 'c'],
  },
  {
    what: 'a queue id, of this message only',
    bytes: [
      ...hello,
      ...[mail, queueIdMacro('T', '4F1'), subject, endOfHeader, end],
      ...[mail, subject, endOfHeader, queueIdMacro('E', '4F2'), end],
      ...[mail, subject, endOfHeader, end],
      ...[mail, queueIdMacro('T', '4F3'), frame('A'), mail, subject, endOfHeader, end],
    ],
    events: [
      ...[mailEvent, header, content('\r\n'), { ...endEvent, queueId: '4F1' }],
      ...[mailEvent, header, content('\r\n'), { ...endEvent, queueId: '4F2' }],
      ...[mailEvent, header, content('\r\n'), endEvent],
      ...[mailEvent, { type: 'abort' }, mailEvent, header, content('\r\n'), endEvent],
    ],
    output: [...terms, 'c', 'a', 'c', 'a', 'c', 'a', 'c', 'c', 'a'],
  },
  {
    what: 'a new client on the same connection',
    bytes: [...hello, mail, frame('K'), frame('C', 'other\x00U'), mail],
    events: [mailEvent, { type: 'abort' }, { ...mailEvent, client: { name: 'other' } }],
    output: [...terms, 'c', 'c'],
  },
  {
    what: 'the end, with a message open',
    bytes: [...hello, mail, frame('Q'), mail],
    events: [mailEvent, { type: 'abort' }, { type: 'close' }],
    output: [...terms, 'c'],
  },
  {
    what: 'the end, before anything else',
    bytes: [frame('Q'), mail],
    events: [{ type: 'close' }],
    output: [],
  },
];

const illegal: readonly { what: string; bytes: readonly Buffer[]; detail: string }[] = [
  { what: 'SMTP', bytes: [Buffer.from('EHLO x\r\n')], detail: 'which reads "EHLO"' },
  { what: 'a frame without a letter', bytes: [Buffer.alloc(4)], detail: 'without a letter' },
  {
    what: 'a frame above the limit',
    bytes: [postfixOffer, Buffer.from([0, 0, 3, 0xe9])],
    detail: 'a frame of 1001 bytes',
  },
  { what: 'a letter that is no command', bytes: [frame('x')], detail: 'an unknown command, "x"' },
  { what: 'anything before the negotiation', bytes: [connect], detail: 'connect while new' },
  {
    what: 'a second negotiation',
    bytes: [postfixOffer, postfixOffer],
    detail: 'negotiate while negotiated',
  },
  { what: 'version 1', bytes: [negotiation(1, 0x0f, 0)], detail: 'version 1' },
  { what: 'a short negotiation', bytes: [frame('O', 'short')], detail: 'too short' },
  { what: 'MAIL before CONNECT', bytes: [postfixOffer, mail], detail: 'mail while negotiated' },
  { what: 'RCPT before MAIL', bytes: [...hello, rcpt], detail: 'rcpt while connected' },
  { what: 'MAIL in a message', bytes: [...hello, mail, mail], detail: 'mail while envelope' },
  {
    what: 'a body before the end of the header',
    bytes: [...hello, mail, subject, body],
    detail: 'body while header',
  },
  {
    what: 'an end without a header section',
    bytes: [...hello, mail, end],
    detail: 'end while envelope',
  },
  {
    what: 'RCPT behind the header',
    bytes: [...hello, mail, subject, rcpt],
    detail: 'rcpt while header',
  },
  {
    what: 'more macros than may be',
    bytes: [postfixOffer, frame('D', `C{j}\0${'x'.repeat(60)}\0`)],
    detail: 'too many macros',
  },
  ...(
    [
      ['D', 'Cj', 'macro'],
      ['D', 'Cj\0', 'macro'],
      ['D', '', 'macro'],
      ['C', 'x', 'connect'],
      ['C', 'x\x009', 'connect'],
      ['C', 'x\x004\0', 'connect'],
      ['C', 'x\x004\0\x19192.0.2.1', 'connect'],
    ] as const
  ).map(([letter, data, command]) => ({
    what: JSON.stringify(letter + data),
    bytes: [postfixOffer, frame(letter, data)],
    detail: `${command} with data that it does not have`,
  })),
  ...(
    [
      ['H', 'x', 'helo'],
      ['M', '', 'mail'],
      ['M', '<a@b>', 'mail'],
    ] as const
  ).map(([letter, data, command]) => ({
    what: JSON.stringify(letter + data),
    bytes: [...hello, frame(letter, data)],
    detail: `${command} with data that it does not have`,
  })),
  ...['', 'Subject\0', '\0x\0', 'Subject\0x'].map((data) => ({
    what: JSON.stringify(`L${data}`),
    bytes: [...hello, mail, frame('L', data)],
    detail: 'header with data that it does not have',
  })),
];

describe('MilterSession', () => {
  test.each(legal)('at every cut: $what', ({ bytes, events, output }) => {
    for (const { name, pieces } of chops(Buffer.concat(bytes))) {
      expect({ name, ...converse(pieces) }).toEqual({ name, events, output });
    }
  });

  test.each(illegal)('closes without an answer at every cut: $what', ({ bytes, detail }) => {
    const all = Buffer.concat([...bytes, endOfHeader]);
    const before = converse([Buffer.concat(bytes.slice(0, -1))]);
    for (const { name, pieces } of chops(all)) {
      const { events, output } = converse(pieces);
      expect({ name, events: events.slice(-2), output }).toEqual({
        name,
        events: [
          { type: 'protocol-error', detail: expect.stringContaining(detail) },
          { type: 'close' },
        ],
        output: before.output,
      });
    }
  });

  test.each([
    [6, 0x1ff, 0x1fffff],
    [6, 0, 0],
    [7, 0x7fffffff, 0x7fffffff],
    [0x7fffffff, -1, -1],
    [3, 0x2f, 0x7f],
    [2, 0x10, 0x400],
  ])('asks for nothing that was not offered: %i %i %i', (version, actions, steps) => {
    const session = new MilterSession(limits);
    session.receive(negotiation(version, actions, steps));
    session.next();
    const answer = Buffer.concat(session.takeOutput()).subarray(5);
    const [said6, saidActions, saidSteps] = [0, 4, 8].map((at) => answer.readInt32BE(at));
    expect(said6).toBe(Math.min(6, version));
    expect((saidActions ?? -1) & ~actions).toBe(0);
    expect((saidSteps ?? -1) & ~steps).toBe(0);
    expect(session.terms).toEqual({ version: said6, actions: saidActions, steps: saidSteps });
  });

  test('a refusal to MAIL opens no message', () => {
    const refusal = reply(451, '4.3.2', 'System busy, try again later');
    const refuses: Answers = () => [{ kind: 'reply', reply: refusal }];
    const { events, output } = converse([...hello, mail, frame('A'), mail], refuses);
    expect(events).toEqual([mailEvent, mailEvent]);
    const said451 = 'y451 4.3.2 System busy, try again later\0';
    expect(output).toEqual([...terms, said451, said451]);
  });

  test('modifications come before the verdict, with the blank that was agreed on', () => {
    const field = { name: 'X-Virus-Scanned', value: 'clamgate' };
    const answers: Answers = ({ type }) =>
      type === 'mail'
        ? [{ kind: 'continue' }]
        : [
            { kind: 'accept' },
            [
              { kind: 'delete-header', index: 2, name: 'X-Virus-Scanned' },
              { kind: 'insert-header', index: 1, ...field },
              { kind: 'add-header', ...field },
              { kind: 'quarantine', reason: 'infected' },
            ],
          ];
    const heard = converse([...hello, ...message], answers).output.slice(4);
    expect(heard).toEqual([
      'm\0\0\0\x02X-Virus-Scanned\0\0',
      'i\0\0\0\x01X-Virus-Scanned\0 clamgate\0',
      'hX-Virus-Scanned\0 clamgate\0',
      'qinfected\0',
      'a',
    ]);
    const old = [negotiation(4, 0x3f, 0), connect, helo, ...message];
    expect(converse(old, answers).output).toContain('hX-Virus-Scanned\0clamgate\0');
  });

  test.each([
    ['Postfix', postfixOffer, 's'],
    ['an MTA that cannot skip', negotiation(4, 0x3f, 0), 'c'],
  ])('once the rest of a body is not needed, %s hears of it', (_, offer, expected) => {
    const session = new MilterSession(limits);
    session.receive(Buffer.concat([offer, connect, mail]));
    session.next();
    session.answer({ kind: 'continue' });
    session.receive(Buffer.concat([endOfHeader, body]));
    session.next();
    session.takeOutput();
    expect(session.next()).toMatchObject({ type: 'content' });
    session.skipBody();
    expect(session.next()).toBe('need-data');
    expect(said(session.takeOutput()).at(-1)).toBe(expected);
    // The next message is needed again.
    session.receive(Buffer.concat([end, mail, endOfHeader, body]));
    session.next();
    session.answer({ kind: 'accept' });
    session.next();
    session.answer({ kind: 'continue' });
    while (session.next() !== 'need-data');
    expect(said(session.takeOutput()).at(-1)).toBe('c');
  });

  test('the MTA is not told to go on before the content was taken', () => {
    const session = new MilterSession(limits);
    session.receive(Buffer.concat([...hello, mail]));
    session.next();
    session.answer({ kind: 'continue' });
    session.receive(Buffer.concat([endOfHeader, body]));
    session.next();
    session.takeOutput();
    expect(session.next()).toMatchObject({ type: 'content' });
    expect(session.takeOutput()).toEqual([]);
    session.next();
    expect(said(session.takeOutput())).toEqual(['c']);
  });

  test('waits for the answer before it reads on, and says that it is at work', () => {
    const session = new MilterSession(limits);
    session.receive(Buffer.concat([...hello, mail, rcpt]));
    session.progress();
    expect(session.next()).toMatchObject({ type: 'mail' });
    expect([session.next(), session.next()]).toEqual(['paused', 'paused']);
    session.progress();
    expect(said(session.takeOutput())).toEqual([...terms, 'p']);
    session.answer({ kind: 'continue' });
    expect(session.next()).toMatchObject({ type: 'recipient' });
  });

  test.each([
    ['while an answer is due', [...hello, mail], ['t']],
    ['else', hello, []],
  ])('hung up %s it says no more than this', (_, bytes, expected) => {
    const session = new MilterSession(limits);
    session.receive(Buffer.concat(bytes));
    session.next();
    session.takeOutput();
    session.hangUp({ kind: 'tempfail' });
    session.answer({ kind: 'accept' });
    session.progress();
    session.receive(Buffer.concat(message));
    expect([session.next(), said(session.takeOutput())]).toEqual([{ type: 'close' }, expected]);
  });

  test('recipients beyond the limit are not told, and the end says so', () => {
    const many = Array.from({ length: 20 }, () => rcpt);
    const { events } = converse([...hello, mail, ...many, endOfHeader, end]);
    const told = events.filter((event) => 'type' in event && event.type === 'recipient');
    expect(told.length).toBeGreaterThan(1);
    expect(told.length).toBeLessThan(20);
    expect(events.at(-1)).toEqual({ ...endEvent, tooManyRecipients: true });
    const next = converse([...hello, mail, ...many, endOfHeader, end, ...message]).events;
    expect(next.at(-1)).toEqual(endEvent);
  });

  test('recipients that say nothing are not kept by the million', () => {
    const many = Array.from({ length: 1000 }, () => frame('R', '\0'));
    const session = new MilterSession({ ...limits, envelopeBytesMax: 4096 });
    session.receive(Buffer.concat([...hello, mail]));
    session.next();
    session.answer({ kind: 'continue' });
    session.receive(Buffer.concat(many));
    let told = 0;
    while (session.next() !== 'need-data') told++;
    expect(told).toBeLessThan(4096 / 32);
  });

  test('an answer without a question is a fault, and so are modifications of MAIL', () => {
    const session = new MilterSession(limits);
    session.receive(Buffer.concat([...hello, mail]));
    expect(() => {
      session.answer({ kind: 'accept' });
    }).toThrow('an answer belongs to an event');
    session.next();
    expect(() => {
      session.answer({ kind: 'accept' }, [{ kind: 'quarantine', reason: 'x' }]);
    }).toThrow('only the end modifies');
  });

  test('gives the same for any frames however they are cut, and never throws', () => {
    const octets = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    const arbitraryFrame = fc
      .tuple(fc.constantFrom(...Array.from('ABCDEHKLMNOQRTUxyz')), octets)
      .map(([letter, data]) => frame(letter, data));
    const likely = fc.constantFrom(...hello, ...message, frame('A'), frame('K'), frame('T'));
    const stream = fc
      .tuple(
        fc.boolean(),
        fc.array(fc.oneof({ weight: 8, arbitrary: likely }, arbitraryFrame, octets)),
      )
      .map(([polite, frames]) => Buffer.concat([...(polite ? hello : []), ...frames]));
    fc.assert(
      fc.property(stream, fc.nat({ max: 300 }), (bytes, cut) => {
        const whole = converse([bytes]);
        expect(converse(Array.from(bytes, (octet) => Buffer.from([octet])))).toEqual(whole);
        expect(converse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
        // Each message that was opened ends once: with its answer, with an abort, or with the session.
        const types = whole.events.map((event) => (event as { type: string }).type);
        let open = false;
        for (const type of types) {
          if (type === 'mail') expect(open).toBe(false);
          if (type === 'content' || type === 'header' || type === 'recipient')
            expect(open).toBe(true);
          if (type === 'mail') open = true;
          if (type === 'abort' || type === 'end-of-message') open = false;
        }
      }),
      { numRuns: 500 },
    );
  });

  test('rebuilds any content that an MTA takes apart', () => {
    const name = fc.stringMatching(/^[!-9;-~]{1,12}$/);
    const line = fc
      .string({ maxLength: 20, unit: 'binary-ascii' })
      .filter((text) => !/[\0\n]/.test(text));
    const field = fc.tuple(name, fc.array(line, { minLength: 1, maxLength: 3 }));
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(field), fc.array(chunk), (fields, chunks) => {
        const headers = fields.map(([key, lines]) => frame('L', `${key}\0${lines.join('\n ')}\0`));
        const { events } = converse([
          ...hello,
          ...[mail, rcpt, ...headers, endOfHeader],
          ...chunks.map((bytes) => frame('B', bytes)),
          end,
        ]);
        const rebuilt = events.map((event) =>
          'line' in event ? event.line : 'bytes' in event ? event.bytes : '',
        );
        const sent = fields.map(([key, lines]) => `${key}:${lines.join('\r\n ')}\r\n`).join('');
        const sentBody = Buffer.concat(chunks).toString('latin1');
        expect(rebuilt.join('')).toBe(`${sent}\r\n${sentBody}`);
      }),
    );
  });
});
