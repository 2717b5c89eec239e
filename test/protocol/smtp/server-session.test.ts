import { describe, expect, test } from '@jest/globals';
import { ImpossibleState } from '../../../src/assert.ts';
import { reply } from '../../../src/protocol/smtp/reply.ts';
import type {
  ServerEvent,
  ServerSessionOptions,
} from '../../../src/protocol/smtp/server-session.ts';
import { chops } from '../../support/chop.ts';
import {
  accept,
  type Answer,
  converse,
  defer,
  limits,
  newSession,
  Peer,
  refuse,
  yes,
} from './converse.ts';

interface Case {
  readonly says: readonly string[];
  /** The replies after the greeting: their code and enhanced code; the rest of the lines if given. */
  readonly hears: readonly string[];
  readonly events?: readonly string[];
  readonly answer?: (event: ServerEvent) => Answer;
  readonly options?: Partial<ServerSessionOptions>;
}

const hello = 'EHLO client.example';
const lhlo = 'LHLO client.example';
const mail = 'MAIL FROM:<a@example.org>';
const rcpt = (name: string): string => `RCPT TO:<${name}@example.org>`;
const lmtp = { flavour: 'lmtp' } as const;

/** Last lines only: an EHLO has many. */
function repliesIn(output: string): string[] {
  return output
    .split('\r\n')
    .filter((line) => /^\d{3} /.test(line))
    .map((line) => /^\d{3}(?: \d\.\d\.\d)?/.exec(line)?.[0] ?? line)
    .slice(1);
}

function check({ says, hears, events, answer = yes, options = {} }: Case): void {
  const input = Buffer.from(says.map((line) => `${line}\r\n`).join(''), 'latin1');
  for (const manner of ['at once', 'late'] as const) {
    for (const { name, pieces } of chops(input)) {
      const record = converse(pieces, answer, manner, options);
      const where = `${manner}, ${name}`;
      expect({ where, hears: repliesIn(record.output) }).toEqual({ where, hears });
      if (events) {
        expect({ where, events: record.events }).toEqual({ where, events: [...events, 'close'] });
      }
    }
  }
}

/** Answers MAIL or RCPT of the given address with `answer`, everything else with yes. */
const except =
  (address: string, answer: Answer) =>
  (event: ServerEvent): Answer =>
    'path' in event && event.path.address === address ? answer : yes(event);

describe('a message', () => {
  test('over SMTP', () => {
    check({
      says: [hello, mail, rcpt('b'), rcpt('c'), 'DATA', 'Subject: x', '', '..', '.', 'QUIT'],
      hears: ['250', '250 2.0.0', '250 2.0.0', '250 2.0.0', '354', '250 2.0.0', '221 2.0.0'],
      events: [
        'mail <a@example.org>',
        'rcpt <b@example.org>',
        'rcpt <c@example.org>',
        'data',
        'content Subject: x\r\n\r\n.\r\n',
        'end-of-data',
      ],
    });
  });

  test('two in a session, with HELO', () => {
    const message = [mail, rcpt('b'), 'DATA', 'x', '.'];
    const events = [
      'mail <a@example.org>',
      'rcpt <b@example.org>',
      'data',
      'content x\r\n',
      'end-of-data',
    ];
    const replies = ['250 2.0.0', '250 2.0.0', '354', '250 2.0.0'];
    check({
      says: ['HELO x', ...message, ...message],
      hears: ['250', ...replies, ...replies],
      events: [...events, ...events],
    });
  });

  test('over LMTP has a reply for each accepted recipient, in order', () => {
    check({
      options: lmtp,
      says: [lhlo, mail, rcpt('b'), rcpt('c'), rcpt('b'), 'DATA', 'x', '.', 'NOOP'],
      answer: (event) =>
        event.type === 'end-of-data' ? [accept, defer] : except('c@example.org', refuse)(event),
      hears: [
        '250',
        '250 2.0.0',
        '250 2.0.0',
        '550 5.7.1',
        '250 2.0.0',
        '354',
        '250 2.0.0',
        '451 4.3.2',
        '250 2.0.0',
      ],
    });
  });

  test('over LMTP one reply stands for all', () => {
    check({
      options: lmtp,
      says: [lhlo, mail, rcpt('b'), rcpt('c'), 'DATA', 'x', '.'],
      answer: (event) => (event.type === 'end-of-data' ? defer : yes(event)),
      hears: ['250', '250 2.0.0', '250 2.0.0', '250 2.0.0', '354', '451 4.3.2', '451 4.3.2'],
    });
  });

  test('with a bare LF or above the ceiling keeps the session in step', () => {
    check({
      says: [hello, mail, rcpt('b'), 'DATA', 'x\n.\r\nMAIL FROM:<evil@example.org>', '.', 'NOOP'],
      answer: (event) => (event.type === 'end-of-data' ? refuse : yes(event)),
      hears: ['250', '250 2.0.0', '250 2.0.0', '354', '550 5.7.1', '250 2.0.0'],
      events: [
        'mail <a@example.org>',
        'rcpt <b@example.org>',
        'data',
        'content x',
        'end-of-data bareLf lineEnd',
      ],
    });
    check({
      options: { limits: { ...limits, messageBytesMax: 3 } },
      says: [hello, mail, rcpt('b'), 'DATA', 'abcdef', '.', 'NOOP'],
      answer: (event) => (event.type === 'end-of-data' ? refuse : yes(event)),
      hears: ['250', '250 2.0.0', '250 2.0.0', '354', '550 5.7.1', '250 2.0.0'],
      events: [
        'mail <a@example.org>',
        'rcpt <b@example.org>',
        'data',
        'content abc',
        'end-of-data tooLarge',
      ],
    });
  });
});

describe('greeting and EHLO', () => {
  const greeted = (options: Partial<ServerSessionOptions>, line: string): string =>
    converse([Buffer.from(`${line}\r\n`)], yes, 'at once', options).output;

  test('announce what we can', () => {
    expect(greeted({}, hello).split('\r\n')).toEqual([
      '220 gate.example ESMTP',
      '250-gate.example',
      '250-PIPELINING',
      '250-SIZE 1000',
      '250-8BITMIME',
      '250-SMTPUTF8',
      '250-DSN',
      '250-ENHANCEDSTATUSCODES',
      '250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE',
      '',
    ]);
  });

  test('announce XFORWARD only to whom it is allowed', () => {
    expect(greeted({ xforwardAllowed: false }, hello)).not.toContain('XFORWARD');
  });

  test('over LMTP', () => {
    expect(greeted(lmtp, lhlo)).toMatch(/^220 gate\.example LMTP\r\n250-gate\.example\r\n/);
  });
});

describe('replies of the session itself', () => {
  const long = 'x'.repeat(300);
  const manyErrors = Array.from({ length: 6 }, () => 'WHAT');
  const cases: [name: string, Case][] = [
    ['MAIL before EHLO', { says: [mail], hears: ['503 5.5.1'], events: [] }],
    ['RCPT before EHLO', { says: [rcpt('b')], hears: ['503 5.5.1'], events: [] }],
    [
      'RCPT and DATA without MAIL',
      { says: [hello, rcpt('b'), 'DATA'], hears: ['250', '503 5.5.1', '503 5.5.1'], events: [] },
    ],
    [
      'MAIL in a transaction',
      { says: [hello, mail, mail], hears: ['250', '250 2.0.0', '503 5.5.1'] },
    ],
    ['EHLO without a name', { says: ['EHLO', 'HELO '], hears: ['501 5.5.4', '501 5.5.4'] }],
    ['LHLO over SMTP', { says: [lhlo], hears: ['500 5.5.1'] }],
    [
      'EHLO and HELO over LMTP',
      { options: lmtp, says: [hello, 'HELO x'], hears: ['500 5.5.1', '500 5.5.1'] },
    ],
    [
      'NOOP, HELP, VRFY',
      {
        says: ['NOOP', 'NOOP x', 'HELP', 'HELP MAIL', 'VRFY a', 'VRFY'],
        hears: ['250 2.0.0', '250 2.0.0', '214 2.0.0', '214 2.0.0', '252 2.0.0', '501 5.5.4'],
      },
    ],
    [
      'not implemented',
      {
        says: ['EXPN a', 'TURN', 'ETRN a', 'STARTTLS', 'AUTH PLAIN'],
        hears: Array<string>(5).fill('502 5.5.1'),
      },
    ],
    ['unknown', { says: ['WHAT'], hears: ['500 5.5.2'] }],
    [
      'no command',
      { says: ['', ' NOOP', 'NOOP \0', 'NOOP \xff'], hears: Array<string>(4).fill('500 5.5.2') },
    ],
    [
      'a bare LF ends no command, but the line',
      { says: ['NOOP\nNOOP', 'NOOP'], hears: ['500 5.5.2', '250 2.0.0', '250 2.0.0'] },
    ],
    ['a line too long', { says: [long, 'NOOP'], hears: ['500 5.5.2', '250 2.0.0'] }],
    [
      'an argument where there is none',
      {
        says: [hello, mail, rcpt('b'), 'DATA x', 'RSET x', 'QUIT x'],
        hears: ['250', '250 2.0.0', '250 2.0.0', '501 5.5.4', '501 5.5.4', '501 5.5.4'],
      },
    ],
    [
      'bad MAIL',
      {
        says: [hello, 'MAIL FROM:a', 'MAIL FROM:<a@b> X=1', 'MAIL FROM:<a@b> BODY=x'],
        hears: ['250', '501 5.1.7', '555 5.5.4', '501 5.5.4'],
      },
    ],
    [
      'SIZE too large',
      {
        says: [hello, `${mail} SIZE=1001`, `${mail} SIZE=1000`],
        hears: ['250', '552 5.3.4', '250 2.0.0'],
      },
    ],
    [
      'UTF-8 without SMTPUTF8',
      {
        says: [hello, 'MAIL FROM:<\xc3\xbc@b>', mail, 'RCPT TO:<\xc3\xbc@b>'],
        hears: ['250', '553 5.6.7', '250 2.0.0', '553 5.6.7'],
      },
    ],
    [
      'UTF-8 with SMTPUTF8',
      {
        says: [hello, 'MAIL FROM:<\xc3\xbc@b> SMTPUTF8', 'RCPT TO:<\xc3\xbc@b>'],
        hears: ['250', '250 2.0.0', '250 2.0.0'],
      },
    ],
    [
      'too many recipients',
      {
        says: [hello, mail, ...'bcdef'.split('').map(rcpt)],
        hears: [
          '250',
          '250 2.0.0',
          '250 2.0.0',
          '250 2.0.0',
          '250 2.0.0',
          '452 4.5.3',
          '452 4.5.3',
        ],
      },
    ],
    [
      'refused recipients take no place',
      {
        says: [hello, mail, ...'bcdef'.split('').map(rcpt)],
        answer: except('c@example.org', refuse),
        hears: [
          '250',
          '250 2.0.0',
          '250 2.0.0',
          '550 5.7.1',
          '250 2.0.0',
          '250 2.0.0',
          '452 4.5.3',
        ],
      },
    ],
    [
      'too many errors in a row',
      {
        says: [...manyErrors, 'NOOP'],
        hears: [...Array<string>(5).fill('500 5.5.2'), '421 4.7.0'],
        events: [],
      },
    ],
    [
      'errors with a success between',
      {
        says: [...manyErrors.slice(1), 'NOOP', ...manyErrors.slice(1)],
        hears: [
          ...Array<string>(5).fill('500 5.5.2'),
          '250 2.0.0',
          ...Array<string>(5).fill('500 5.5.2'),
        ],
      },
    ],
    [
      'too many commands',
      {
        options: { limits: { ...limits, sessionCommandsMax: 2 } },
        says: ['NOOP', 'NOOP', 'NOOP', 'NOOP'],
        hears: ['250 2.0.0', '250 2.0.0', '421 4.7.0'],
      },
    ],
    ['QUIT, and nothing after it', { says: ['QUIT', 'NOOP'], hears: ['221 2.0.0'], events: [] }],
    [
      'BDAT, whose octets are no commands',
      {
        says: [hello, mail, rcpt('b'), 'BDAT 4', 'NOOP'],
        hears: ['250', '250 2.0.0', '250 2.0.0', '502 5.5.1'],
        events: ['mail <a@example.org>', 'rcpt <b@example.org>', 'reset'],
      },
    ],
    ['HTTP', { says: ['POST / HTTP/1.1', 'NOOP'], hears: ['421 4.7.0'] }],
    [
      'DATA without an accepted recipient',
      {
        says: [hello, mail, rcpt('b'), 'DATA'],
        answer: except('b@example.org', refuse),
        hears: ['250', '250 2.0.0', '550 5.7.1', '554 5.5.1'],
      },
    ],
    [
      'the same over LMTP',
      { options: lmtp, says: [lhlo, mail, 'DATA'], hears: ['250', '250 2.0.0', '503 5.5.1'] },
    ],
  ];
  test.each(cases)('%s', (_, vector) => {
    check(vector);
  });
});

describe('the end of a transaction', () => {
  const opened = ['mail <a@example.org>', 'rcpt <b@example.org>'];
  const cases: [name: string, Case][] = [
    [
      'RSET',
      {
        says: [hello, mail, rcpt('b'), 'RSET', rcpt('b')],
        hears: ['250', '250 2.0.0', '250 2.0.0', '250 2.0.0', '503 5.5.1'],
        events: [...opened, 'reset'],
      },
    ],
    [
      'EHLO',
      {
        says: [hello, mail, rcpt('b'), hello, mail],
        hears: ['250', '250 2.0.0', '250 2.0.0', '250', '250 2.0.0'],
        events: [...opened, 'reset', 'mail <a@example.org>', 'reset'],
      },
    ],
    [
      'QUIT',
      {
        says: [hello, mail, rcpt('b'), 'QUIT'],
        hears: ['250', '250 2.0.0', '250 2.0.0', '221 2.0.0'],
        events: [...opened, 'reset'],
      },
    ],
    [
      'the end of input',
      {
        says: [hello, mail, rcpt('b')],
        hears: ['250', '250 2.0.0', '250 2.0.0'],
        events: [...opened, 'reset'],
      },
    ],
    [
      'the end of input in the data',
      {
        says: [hello, mail, rcpt('b'), 'DATA', 'x'],
        hears: ['250', '250 2.0.0', '250 2.0.0', '354'],
        events: [...opened, 'data', 'content x\r\n', 'reset'],
      },
    ],
    [
      'DATA refused',
      {
        says: [hello, mail, rcpt('b'), 'DATA', 'DATA'],
        answer: (event) => (event.type === 'data' ? defer : yes(event)),
        hears: ['250', '250 2.0.0', '250 2.0.0', '451 4.3.2', '503 5.5.1'],
        events: [...opened, 'data'],
      },
    ],
    [
      'RSET without one',
      {
        says: ['RSET', mail, hello, 'RSET', mail],
        hears: ['250 2.0.0', '503 5.5.1', '250', '250 2.0.0', '250 2.0.0'],
        events: ['mail <a@example.org>', 'reset'],
      },
    ],
    [
      'too many errors',
      {
        says: [hello, mail, ...Array<string>(6).fill('WHAT')],
        hears: ['250', '250 2.0.0', ...Array<string>(5).fill('500 5.5.2'), '421 4.7.0'],
        events: ['mail <a@example.org>', 'reset'],
      },
    ],
    [
      'too many bad recipients while MAIL is asked',
      {
        says: [hello, mail, ...Array<string>(6).fill('RCPT TO:b')],
        hears: ['250', '250 2.0.0', ...Array<string>(5).fill('501 5.1.3'), '421 4.7.0'],
        events: ['mail <a@example.org>', 'reset'],
      },
    ],
  ];
  test.each(cases)('%s', (_, vector) => {
    check(vector);
  });
});

describe('pipelining', () => {
  test('a refused MAIL turns the answers to its RCPTs into 503, and they are no mistakes', () => {
    check({
      says: [hello, mail, ...Array<string>(8).fill(rcpt('b')), 'DATA', 'MAIL FROM:<c@example.org>'],
      answer: except('a@example.org', defer),
      hears: ['250', '451 4.3.2', ...Array<string>(9).fill('503 5.5.1'), '250 2.0.0'],
    });
  });

  test('replies of our own wait for those before them', () => {
    check({
      says: [hello, mail, 'RCPT TO:bad', rcpt('b'), `${rcpt('c')} X=1`, 'NOOP'],
      answer: except('b@example.org', refuse),
      hears: ['250', '250 2.0.0', '501 5.1.3', '550 5.7.1', '555 5.5.4', '250 2.0.0'],
    });
  });

  test('RCPTs come without the answers before them, everything else waits', () => {
    const session = newSession();
    session.greet();
    session.receive(Buffer.from([hello, mail, rcpt('b'), rcpt('c'), 'NOOP', ''].join('\r\n')));
    const types = Array.from({ length: 4 }, () => {
      const event = session.next();
      return typeof event === 'string' ? event : event.type;
    });
    expect(types).toEqual(['mail', 'rcpt', 'rcpt', 'paused']);
    expect(Buffer.concat(session.takeOutput()).toString()).toMatch(/XFORWARD .*\r\n$/);
    session.answer(accept);
    expect(Buffer.concat(session.takeOutput()).toString()).toBe('250 2.0.0 OK\r\n');
    expect(session.next()).toBe('paused');
    session.answer(refuse);
    session.answer(accept);
    expect(session.next()).toBe('need-data');
    expect(Buffer.concat(session.takeOutput()).toString()).toBe(
      '550 5.7.1 No\r\n250 2.0.0 OK\r\n250 2.0.0 OK\r\n',
    );
  });

  test('content behind DATA is not read as commands, whatever the answer takes', () => {
    check({
      says: [hello, mail, rcpt('b'), 'DATA', 'QUIT', rcpt('c'), '.', 'QUIT'],
      hears: ['250', '250 2.0.0', '250 2.0.0', '354', '250 2.0.0', '221 2.0.0'],
      events: [
        'mail <a@example.org>',
        'rcpt <b@example.org>',
        'data',
        `content QUIT\r\n${rcpt('c')}\r\n`,
        'end-of-data',
      ],
    });
  });
});

describe('XFORWARD', () => {
  const first = 'XFORWARD NAME=mail.example.org ADDR=192.0.2.1';
  const second = 'XFORWARD HELO=a+20b';
  const known = ' name=mail.example.org addr=192.0.2.1 helo=a b';
  const message = [mail, rcpt('b'), 'DATA', 'x', '.'];
  const heard = ['250 2.0.0', '250 2.0.0', '354', '250 2.0.0'];
  const rest = ['rcpt <b@example.org>', 'data', 'content x\r\n', 'end-of-data'];

  test('belongs to one transaction', () => {
    check({
      says: [hello, first, second, ...message, ...message],
      hears: ['250', '250 2.0.0', '250 2.0.0', ...heard, ...heard],
      events: [`mail <a@example.org>${known}`, ...rest, 'mail <a@example.org>', ...rest],
    });
  });

  test.each(['RSET', hello])('ends with %s', (command) => {
    const { events } = converse(
      [Buffer.from([hello, first, command, mail, ''].join('\r\n'))],
      yes,
      'at once',
    );
    expect(events[0]).toBe('mail <a@example.org>');
  });

  test('outlives a refused MAIL, and a bad XFORWARD changes nothing', () => {
    check({
      says: [hello, first, mail, 'XFORWARD NAME=x LOGIN=y', second, 'MAIL FROM:<c@example.org>'],
      answer: except('a@example.org', defer),
      hears: ['250', '250 2.0.0', '451 4.3.2', '501 5.5.4', '250 2.0.0', '250 2.0.0'],
      events: [
        'mail <a@example.org> name=mail.example.org addr=192.0.2.1',
        `mail <c@example.org>${known}`,
        'reset',
      ],
    });
  });

  test('inside a transaction is out of order', () => {
    check({ says: [hello, mail, first], hears: ['250', '250 2.0.0', '503 5.5.1'] });
  });

  test('from a peer that may not', () => {
    check({
      options: { xforwardAllowed: false },
      says: [hello, first, mail],
      hears: ['250', '550 5.7.0', '250 2.0.0'],
      events: ['mail <a@example.org>', 'reset'],
    });
  });
});

describe('out of turn', () => {
  const busy = reply(421, '4.3.2', 'Busy');
  const input = (...lines: string[]): Buffer =>
    Buffer.from(lines.map((line) => `${line}\r\n`).join(''));

  test('refused in place of the greeting', () => {
    const peer = new Peer(newSession(), yes, 'at once');
    peer.session.refuse(busy);
    peer.run();
    expect(peer.transcript).toEqual({ events: ['close'], output: '421 4.3.2 Busy\r\n' });
  });

  test('refused in the data: the transaction is over', () => {
    const peer = new Peer(newSession(), yes, 'at once');
    peer.session.greet();
    peer.send(input(hello, mail, rcpt('b'), 'DATA', 'x'));
    peer.session.refuse(busy);
    peer.send(input('.', 'NOOP'));
    expect(peer.transcript.events.slice(-3)).toEqual(['content x\r\n', 'reset', 'close']);
    expect(peer.transcript.output).toMatch(/354 [^\n]*\r\n421 4\.3\.2 Busy\r\n$/);
  });

  test('refused while answers are due: they are not needed any more', () => {
    const session = newSession();
    session.greet();
    session.receive(input(hello, mail, 'NOOP'));
    expect(session.next()).toMatchObject({ type: 'mail' });
    session.refuse(busy);
    session.refuse(busy);
    session.answer(accept);
    expect(session.next()).toEqual({ type: 'close' });
    expect(session.next()).toEqual({ type: 'close' });
    expect(Buffer.concat(session.takeOutput()).toString()).toMatch(/XFORWARD .*\r\n421 .*\r\n$/);
  });

  test('what is not greeted yet is not served, and what arrives meanwhile is counted', () => {
    const session = newSession();
    session.receive(input('NOOP'));
    expect(session.next()).toBe('paused');
    expect(session.backlog).toBe(6);
  });
});

describe('our own mistakes are assertions', () => {
  const asked = (type: ServerEvent['type'], options: Partial<ServerSessionOptions> = {}) => {
    const session = newSession(options);
    session.greet();
    const lines = [
      options.flavour === 'lmtp' ? lhlo : hello,
      mail,
      rcpt('b'),
      rcpt('c'),
      'DATA',
      '.',
      '',
    ];
    session.receive(Buffer.from(lines.join('\r\n')));
    for (;;) {
      const event = session.next();
      if (typeof event === 'string') throw new Error('the event does not come');
      if (event.type === type) return session;
      session.answer(yes(event));
    }
  };
  const interim = reply(354, undefined, 'Go on');

  test.each<[string, ServerEvent['type'], Answer, Partial<ServerSessionOptions>]>([
    ['no reply to MAIL', 'mail', undefined, {}],
    ['two replies to MAIL', 'mail', [accept, accept], {}],
    ['354 to MAIL', 'mail', interim, {}],
    ['a positive reply to DATA', 'data', accept, {}],
    ['354 to the content', 'end-of-data', interim, {}],
    ['no reply to the content', 'end-of-data', undefined, {}],
    ['two replies over SMTP', 'end-of-data', [accept, accept], {}],
    ['three replies for two recipients', 'end-of-data', [accept, accept, accept], lmtp],
    ['a reply without text', 'mail', { code: 250, lines: [] }, {}],
  ])('%s', (_, type, answer, options) => {
    const session = asked(type, options);
    expect(() => {
      session.answer(answer);
    }).toThrow(ImpossibleState);
  });

  test('an answer that nobody asked for', () => {
    const session = newSession();
    session.greet();
    expect(() => {
      session.answer(accept);
    }).toThrow('an answer belongs to an event');
  });
});

test('a text of another server cannot end a reply', () => {
  const evil = { code: 550, enhanced: '5.7.1', lines: ['a\r\n250 b', 'c\0'] };
  const { output } = converse([Buffer.from(`${hello}\r\n${mail}\r\n`)], () => evil, 'at once');
  expect(output).toMatch(/\r\n550-5\.7\.1 a\?\?250 b\r\n550 5\.7\.1 c\?\r\n$/);
});
