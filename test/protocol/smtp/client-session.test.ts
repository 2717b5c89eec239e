import { describe, expect, test } from '@jest/globals';
import { ImpossibleState } from '../../../src/assert.ts';
import {
  type ClientEvent,
  ClientSession,
  type Flavour,
  type Verb,
} from '../../../src/protocol/smtp/client-session.ts';
import { chops } from '../../support/chop.ts';

/** Gives the session replies, each line without CRLF, and takes what it reports. */
function hear(session: ClientSession, ...lines: string[]): ClientEvent[] {
  session.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
  return events(session);
}

function events(session: ClientSession): ClientEvent[] {
  const seen: ClientEvent[] = [];
  for (let event = session.next(); event; event = session.next()) seen.push(event);
  return seen;
}

/** An event as 'reply 250', 'closing 421', 'nonsense'. */
function inShort(event: ClientEvent): string {
  return event.kind === 'nonsense' ? event.kind : `${event.kind} ${event.reply.code}`;
}

function output(session: ClientSession): string {
  return session.output().toString();
}

function opened(flavour: Flavour, ...extensions: string[]): ClientSession {
  const session = new ClientSession(flavour);
  hear(session, '220 next.example');
  session.hello('gate.example');
  session.output();
  const lines = ['next.example', ...extensions];
  hear(session, ...lines.map((line, at) => `250${at === lines.length - 1 ? ' ' : '-'}${line}`));
  expect(session.phase).toBe('open');
  return session;
}

const mail = 'MAIL FROM:<a@example.org>';
const rcpt = 'RCPT TO:<b@example.org>';

/** A session with one recipient whose DATA was answered 354. */
function inContent(flavour: Flavour = 'smtp'): ClientSession {
  const session = opened(flavour, 'PIPELINING');
  session.say('MAIL', mail);
  session.say('RCPT', rcpt);
  session.say('DATA');
  session.output();
  hear(session, '250 ok', '250 ok', '354 go');
  expect(session.phase).toBe('content');
  return session;
}

describe('what may be sent', () => {
  test('nothing before the greeting was heard and HELLO said', () => {
    const session = new ClientSession('smtp');
    expect(output(session)).toBe('');
    expect(() => {
      session.hello('gate.example');
    }).toThrow(ImpossibleState);
  });

  test.each([
    { flavour: 'smtp', hello: 'EHLO gate.example\r\n' },
    { flavour: 'lmtp', hello: 'LHLO gate.example\r\n' },
  ] as const)('$flavour opens with $hello', ({ flavour, hello }) => {
    const session = new ClientSession(flavour);
    hear(session, '220 next.example');
    session.hello('gate.example');
    expect(output(session)).toBe(hello);
    expect(output(session)).toBe('');
  });

  test('with PIPELINING a group in one piece, DATA as its last, and nothing behind it', () => {
    const session = opened('smtp', 'PIPELINING');
    session.say('XFORWARD', 'XFORWARD NAME=x');
    session.say('MAIL', mail);
    session.say('RCPT', rcpt);
    expect(output(session)).toBe(`XFORWARD NAME=x\r\n${mail}\r\n${rcpt}\r\n`);
    session.say('RCPT', rcpt);
    session.say('DATA');
    expect(output(session)).toBe(`${rcpt}\r\nDATA\r\n`);
    expect(session.awaited).toBe(5);
  });

  test('without PIPELINING one command at a time', () => {
    const session = opened('smtp', 'SIZE 10');
    session.say('XFORWARD', 'XFORWARD NAME=x');
    session.say('MAIL', mail);
    session.say('RCPT', rcpt);
    session.say('DATA');
    expect(output(session)).toBe('XFORWARD NAME=x\r\n');
    expect(output(session)).toBe('');
    const rest = ['250 ok', '250 ok', '250 ok'].map((reply) => {
      hear(session, reply);
      return output(session);
    });
    expect(rest).toEqual([`${mail}\r\n`, `${rcpt}\r\n`, 'DATA\r\n']);
  });

  test('EHLO alone, even behind a RSET that could be pipelined', () => {
    const session = opened('smtp', 'PIPELINING');
    session.say('MAIL', mail);
    session.say('RSET');
    session.hello('gate.example');
    expect(output(session)).toBe(`${mail}\r\nRSET\r\n`);
    hear(session, '250 ok');
    expect(output(session)).toBe('');
    hear(session, '250 ok');
    expect(output(session)).toBe('EHLO gate.example\r\n');
  });

  test('of the extensions only those that the latest hello announced', () => {
    const session = opened('smtp', 'PIPELINING', 'DSN');
    session.say('RSET');
    session.output();
    hear(session, '250 ok');
    session.hello('gate.example');
    session.output();
    hear(session, '250-next.example', '250 SIZE 10');
    expect([...session.extensions.keys()]).toEqual(['SIZE']);
  });

  test('a command of more than one line never', () => {
    const session = opened('smtp');
    for (const evil of ['\r', '\n', '\0']) {
      expect(() => {
        session.say('MAIL', `MAIL FROM:<a${evil}b>`);
      }).toThrow(ImpossibleState);
    }
  });
});

describe('HELO', () => {
  test('follows where EHLO is refused for good, and has no extensions', () => {
    const session = opened('smtp', 'PIPELINING');
    session.say('RSET');
    session.output();
    hear(session, '250 ok');
    session.hello('gate.example');
    session.output();
    expect(hear(session, '502 5.5.1 what?')).toEqual([]);
    expect(output(session)).toBe('HELO gate.example\r\n');
    expect(hear(session, '250-next.example', '250 DSN').map(inShort)).toEqual(['reply 250']);
    expect(session.phase).toBe('open');
    expect(session.extensions.size).toBe(0);
  });

  test('is not followed by another one, and EHLO is tried again the next time', () => {
    const session = new ClientSession('smtp');
    hear(session, '220 hi');
    session.hello('gate.example');
    session.output();
    hear(session, '500 what?');
    session.output();
    expect(hear(session, '550 go away').map(inShort)).toEqual(['reply 550']);
    expect(session.phase).toBe('ready');
    session.hello('gate.example');
    expect(output(session)).toBe('EHLO gate.example\r\n');
    hear(session, '250-next.example', '250 DSN');
    expect([...session.extensions.keys()]).toEqual(['DSN']);
  });

  test.each([
    { flavour: 'lmtp', reply: '500 what?' },
    { flavour: 'smtp', reply: '450 later' },
  ] as const)('does not follow $reply over $flavour', ({ flavour, reply }) => {
    const session = new ClientSession(flavour);
    hear(session, '220 hi');
    session.hello('gate.example');
    session.output();
    expect(hear(session, reply).map(inShort)).toEqual([`reply ${reply.slice(0, 3)}`]);
    expect(output(session)).toBe('');
  });
});

/** Sessions in which the answer to the named step is the next thing to come. */
const awaiting = {
  GREETING: () => new ClientSession('smtp'),
  HELLO: () => {
    const session = new ClientSession('lmtp');
    hear(session, '220 hi');
    session.hello('gate.example');
    session.output();
    return session;
  },
  MAIL: () => said(opened('smtp'), 'MAIL'),
  RCPT: () => said(opened('smtp'), 'MAIL', 'RCPT'),
  DATA: () => said(opened('smtp'), 'MAIL', 'RCPT', 'DATA'),
  RSET: () => said(opened('smtp'), 'RSET'),
  DOT: () => {
    const session = inContent();
    session.endOfData(1);
    return session;
  },
};

function said(session: ClientSession, ...verbs: Verb[]): ClientSession {
  for (const [at, verb] of verbs.entries()) {
    session.say(verb);
    session.output();
    if (at < verbs.length - 1) hear(session, '250 ok');
  }
  return session;
}

describe('answers', () => {
  const codes = [220, 250, 251, 354, 334, 450, 550, 421];
  const refusals = ['reply 450', 'reply 550', 'closing 421'];
  const bad = 'nonsense';
  test.each([
    { step: 'GREETING', expected: ['reply 220', bad, bad, bad, bad, ...refusals] },
    { step: 'HELLO', expected: ['reply 220', 'reply 250', 'reply 251', bad, bad, ...refusals] },
    { step: 'MAIL', expected: ['reply 220', 'reply 250', 'reply 251', bad, bad, ...refusals] },
    { step: 'RCPT', expected: ['reply 220', 'reply 250', 'reply 251', bad, bad, ...refusals] },
    { step: 'DATA', expected: [bad, bad, bad, 'reply 354', bad, ...refusals] },
    { step: 'RSET', expected: ['reply 220', 'reply 250', 'reply 251', bad, bad, ...refusals] },
    {
      step: 'DOT',
      expected: [
        'reply 220',
        'reply 250',
        'reply 251',
        bad,
        bad,
        'reply 450',
        'reply 550',
        'reply 421',
      ],
    },
  ] as const)('to $step', ({ step, expected }) => {
    const seen = codes.map((code) => hear(awaiting[step](), `${code} text`).map(inShort));
    expect(seen).toEqual(expected.map((event) => [event]));
  });

  test.each(Object.keys(awaiting) as (keyof typeof awaiting)[])(
    'to %s that are no replies at all end the session',
    (step) => {
      const session = awaiting[step]();
      expect(hear(session, 'HTTP/1.1 400 Bad Request', '250 ok').map(inShort)).toEqual([bad]);
      expect(session.phase).toBe('over');
      expect(hear(session, '250 ok')).toEqual([]);
    },
  );

  test('to XFORWARD are nobody’s business, unless they are nonsense or the end', () => {
    for (const [reply, expected] of [
      ['250 ok', []],
      ['450 no', []],
      ['550 no', []],
      ['354 go', ['nonsense']],
      ['421 bye', ['closing 421']],
    ] as const) {
      expect(hear(said(opened('smtp'), 'XFORWARD'), reply).map(inShort)).toEqual(expected);
    }
  });

  test('come in the order of the commands, at every cut', () => {
    const replies = Buffer.from(
      '450 4.0.0 XFORWARD\r\n250-2.1.0 one\r\n250 2.1.0 two\r\n550 no\r\n250 yes\r\n354 go\r\n',
    );
    for (const { name, pieces } of chops(replies)) {
      const session = opened('smtp', 'PIPELINING');
      for (const verb of ['XFORWARD', 'MAIL', 'RCPT', 'RCPT', 'DATA'] as const) session.say(verb);
      session.output();
      const seen = pieces.flatMap((piece) => {
        session.receive(piece);
        return events(session);
      });
      expect([name, ...seen.map(inShort)]).toEqual([
        name,
        'reply 250',
        'reply 550',
        'reply 250',
        'reply 354',
      ]);
      expect(session.awaited).toBe(0);
    }
  });

  test.each([
    { reply: '250 ok', idle: 'nonsense', content: 'nonsense' },
    { reply: '354 go', idle: 'nonsense', content: 'nonsense' },
    { reply: '452 4.3.1 full', idle: 'nonsense', content: 'early 452' },
    { reply: '552 5.3.4 large', idle: 'nonsense', content: 'early 552' },
    { reply: '421 4.4.2 bye', idle: 'closing 421', content: 'closing 421' },
  ])('that nobody asked for: $reply', ({ reply, idle, content }) => {
    const sessions = [opened('smtp', 'PIPELINING'), inContent()];
    expect(sessions.map((session) => hear(session, reply).map(inShort))).toEqual([
      [idle],
      [content],
    ]);
    expect(sessions.map(({ phase }) => phase)).toEqual(['over', 'over']);
  });

  test('one too many is nonsense', () => {
    const session = awaiting.MAIL();
    expect(hear(session, '250 ok', '250 ok').map(inShort)).toEqual(['reply 250', 'nonsense']);
  });
});

describe('content', () => {
  test('has its dots stuffed over the cuts, from the first line of each message on', () => {
    const session = inContent();
    const send = () =>
      Buffer.concat([
        ...session.content(Buffer.from('.a\r')),
        ...session.content(Buffer.from('\n.b')),
        session.endOfData(1),
      ]).toString();
    expect(send()).toBe('..a\r\n..b\r\n.\r\n');
    hear(session, '250 ok');
    session.hello('gate.example');
    session.output();
    hear(session, '250-next.example', '250 PIPELINING');
    for (const verb of ['MAIL', 'RCPT', 'DATA'] as const) session.say(verb);
    session.output();
    hear(session, '250 ok', '250 ok', '354 go');
    expect(send()).toBe('..a\r\n..b\r\n.\r\n');
  });

  test('over LMTP is over when the last recipient is answered', () => {
    const session = inContent('lmtp');
    session.endOfData(3);
    expect(hear(session, '250 one', '450 two').map(inShort)).toEqual(['reply 250', 'reply 450']);
    expect(session.phase).toBe('dot');
    expect(hear(session, '550 three').map(inShort)).toEqual(['reply 550']);
    expect(session.phase).toBe('ready');
    expect(hear(session, '250 four').map(inShort)).toEqual(['nonsense']);
  });

  test('is not sent when DATA was refused', () => {
    const session = awaiting.DATA();
    hear(session, '451 later');
    expect(session.phase).toBe('envelope');
    expect(() => session.content(Buffer.from('x'))).toThrow(ImpossibleState);
    expect(() => session.endOfData(1)).toThrow(ImpossibleState);
  });
});

test.each<{ where: string; session: () => ClientSession; verbs: Verb[] }>([
  {
    where: 'before HELLO',
    session: () => said(opened('smtp'), 'RSET'),
    verbs: ['XFORWARD', 'MAIL', 'RCPT', 'DATA', 'RSET'],
  },
  { where: 'after HELLO', session: () => opened('smtp'), verbs: ['RCPT', 'DATA', 'QUIT'] },
  { where: 'after MAIL', session: awaiting.MAIL, verbs: ['XFORWARD', 'MAIL', 'QUIT'] },
  {
    where: 'in content',
    session: () => inContent(),
    verbs: ['XFORWARD', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT'],
  },
  {
    where: 'after the dot',
    session: awaiting.DOT,
    verbs: ['XFORWARD', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT'],
  },
])('holds it to be impossible that $verbs is said $where', ({ session, verbs }) => {
  for (const verb of verbs) {
    expect(() => {
      session().say(verb);
    }).toThrow(ImpossibleState);
  }
});
