/**
 * A session of the SMTP and LMTP server. The first byte chooses flavour, rules and answers; the rest
 * is what the peer sends.
 */
import fc from 'fast-check';
import type { ServerEvent } from '../../../src/protocol/smtp/server-session.ts';
import {
  accept,
  type Answer,
  converse,
  defer,
  refuse,
  type Transcript,
} from '../../protocol/smtp/converse.ts';
import { holds, latin1, type Target, usualBounds, whole } from '../target.ts';
import { chosen } from '../valid.ts';

const hello = ['EHLO a.example\r\n', 'LHLO a.example\r\n', 'HELO a.example\r\n'];
const mail = [
  'MAIL FROM:<a@b.example>\r\n',
  'MAIL FROM:<>\r\n',
  'MAIL FROM:<a@b> SIZE=99 BODY=8BITMIME SMTPUTF8\r\n',
];
const rcpt = ['RCPT TO:<c@d.example>\r\n', 'RCPT TO:<e@f> NOTIFY=NEVER ORCPT=rfc822;x@y\r\n'];
const content = ['DATA\r\n', 'Subject: x\r\n\r\n', 'text\r\n', '..\r\n', '\r\n.\r\n', '.\r\n'];
const other = ['RSET\r\n', 'NOOP\r\n', 'QUIT\r\n', 'BDAT 3\r\nabc', 'GET / HTTP/1.1\r\n']
  .concat(['XFORWARD NAME=x ADDR=1.2.3.4\r\n', 'VRFY x\r\n', 'HELP\r\n', 'STARTTLS\r\n'])
  .concat(['\n', '\r', '\0', '\xff', 'x'.repeat(199), '\r.\r', '\n.\n', '\r\n.\r', '\r\n\0.\r\n']);

const talk = fc
  .tuple(
    fc.constantFrom(...hello),
    fc.array(fc.constantFrom(...mail, ...rcpt, ...other), { maxLength: 3 }),
    fc.array(
      fc
        .tuple(
          fc.constantFrom(...mail),
          fc.array(fc.constantFrom(...rcpt), { minLength: 1, maxLength: 4 }),
          fc.array(fc.constantFrom(...content), { maxLength: 6 }),
        )
        .map(([from, to, data]) => [from, ...to, 'DATA\r\n', ...data, '\r\n.\r\n'].join('')),
      { maxLength: 3 },
    ),
  )
  .map(([first, few, messages]) => latin1([first, ...few, ...messages].join('')));

/** Which events may follow which: each transaction that is open ends, and ends once. */
const follow: Readonly<Record<string, readonly string[]>> = {
  start: ['mail', 'close'],
  mail: ['rcpt', 'mail', 'reset', 'close'],
  rcpt: ['rcpt', 'mail', 'data', 'reset', 'close'],
  data: ['content', 'end-of-data', 'mail', 'reset', 'close'],
  content: ['end-of-data', 'reset'],
  'end-of-data': ['mail', 'close'],
  reset: ['mail', 'close'],
  close: [],
};

function answering(choice: number): (event: ServerEvent) => Answer {
  const answers = [accept, choice & 8 ? refuse : accept, choice & 16 ? defer : accept];
  let turn = 0;
  return ({ type }) => {
    const given = answers[turn++ % answers.length] ?? accept;
    return type === 'data' && given === accept ? undefined : given;
  };
}

function check(input: Buffer): void {
  const [choice = 0] = input;
  const transcript = whole(input.subarray(1), (pieces) =>
    converse(pieces, answering(choice), 'at once', {
      flavour: choice & 1 ? 'lmtp' : 'smtp',
      bareCr: (['pass', 'refuse', 'space', 'pass'] as const)[(choice >> 1) & 3] ?? 'pass',
      xforwardAllowed: (choice & 32) === 0,
    }),
  );
  checkTranscript(transcript);
}

function checkTranscript({ events, output }: Transcript): void {
  const types = events.map((event) => event.split(' ', 1)[0] ?? '');
  types.reduce((before, type) => {
    holds(follow[before]?.includes(type) ?? false, `${type} follows ${before}`);
    return type;
  }, 'start');
  holds(types.at(-1) === 'close', 'the session ends');
  const lines = output.split('\r\n');
  holds(lines.pop() === '', 'the last reply is whole');
  for (const line of lines) {
    holds(/^[2-5]\d\d[ -][\x20-\x7e]{1,200}$/.test(line), `a reply line: ${line}`);
  }
}

export const smtpServer: Target = {
  ...usualBounds,
  name: 'smtp-server',
  tokens: [...hello, ...mail, ...rcpt, ...content, ...other],
  valid: chosen(64, talk),
  check,
};
