/** Arguments of MAIL, RCPT and XFORWARD: what is accepted is passed on, and means the same there. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  parseExtensions,
  mailLine,
  recipientLine,
} from '../../../src/protocol/smtp/client-extensions.ts';
import { parseCommand } from '../../../src/protocol/smtp/command.ts';
import { parseMailArgument, parseRcptArgument } from '../../../src/protocol/smtp/path.ts';
import { encodeXforward, parseXforward } from '../../../src/protocol/smtp/xforward.ts';
import { clientAttributes } from '../../../src/envelope.ts';
import { holds, type Target, usualBounds } from '../target.ts';

const all = parseExtensions({
  code: 250,
  lines: ['x', 'SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'AUTH'],
});

const local = ['a', 'a.b', '"a b"', '"\\""', 'postmaster', '\u00fc', "o'n", 'a+b'];
const domains = ['b', 'b.example', '[127.0.0.1]', '[IPv6:::1]', 'x_y.z', '\u00fc.example'];
const parameters = [
  'SIZE=1',
  'BODY=8BITMIME',
  'BODY=7BIT',
  'SMTPUTF8',
  'RET=HDRS',
  'ENVID=a+2Bb',
].concat([
  'AUTH=<>',
  'NOTIFY=NEVER',
  'NOTIFY=SUCCESS,DELAY',
  'ORCPT=rfc822;a@b',
  'ORCPT=utf-8;\u00fc@b',
]);
const words = ['MAIL FROM:', 'RCPT TO:', '<', '>', '@', ',', ':', ' ', '"', '\\', '<@a,@b:c@d>']
  .concat([
    'XFORWARD ',
    'NAME=',
    'ADDR=1.2.3.4',
    'PORT=25',
    'PROTO=SMTP',
    'HELO=',
    'IDENT=',
    'SOURCE=LOCAL',
  ])
  .concat(['[UNAVAILABLE]', '+41', '+', '=', '\ud83d\ude00', '\t', '\0']);

const command = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('MAIL FROM:<', 'RCPT TO:<', 'mail from: <', 'RCPT TO:<@a,@b.c:'),
      fc.constantFrom(...local),
      fc.constant('@'),
      fc.constantFrom(...domains),
      fc.constant('>'),
      fc
        .array(fc.constantFrom(...parameters.map((one) => ` ${one}`)), { maxLength: 3 })
        .map((some) => some.join('')),
    ),
    fc
      .array(
        fc.constantFrom('NAME=a+20b', 'ADDR=IPV6:::1', 'PORT=1', 'IDENT=4F', 'HELO=x', 'NAME='),
      )
      .map((some) => ['XFORWARD ', some.join(' ')]),
  )
  .map((pieces) => Buffer.from(pieces.join('')));

function check(input: Buffer): void {
  const parsed = parseCommand(input);
  if (parsed === undefined) return;
  const { verb, argument } = parsed;
  holds(!/[\0\r\n]/.test(`${verb}${argument}`), 'a command is one line');
  if (verb === 'MAIL') roundTrip(argument, parseMailArgument, (path) => mailLine(path, all));
  if (verb === 'RCPT') roundTrip(argument, parseRcptArgument, (path) => recipientLine(path, all));
  if (verb === 'XFORWARD') xforward(argument);
}

function roundTrip(
  argument: string,
  parse: typeof parseMailArgument,
  lineOf: (path: Exclude<ReturnType<typeof parseMailArgument>, { code: number }>) => string,
): void {
  const path = parse(argument);
  if ('code' in path) return;
  const line = lineOf(path);
  holds(!/[\0\r\n]/.test(line), 'what is passed on is one line');
  const again = parseCommand(Buffer.from(line));
  holds(again !== undefined, 'what is passed on is a command');
  assert.deepEqual(parse(again.argument), path, 'what is passed on means the same');
}

function xforward(argument: string): void {
  const client = parseXforward(argument);
  if ('code' in client) return;
  const lines = encodeXforward(client, clientAttributes);
  for (const line of lines) {
    holds(line.length <= 510, 'a command is short enough');
    const again = parseCommand(Buffer.from(line));
    const some = parseXforward(again?.argument ?? '');
    holds(!('code' in some), `what is passed on is accepted: ${line}`);
    assert.deepEqual({ ...client, ...some }, client, 'what is passed on means the same');
  }
}

export const smtpArguments: Target = {
  ...usualBounds,
  name: 'smtp-arguments',
  tokens: [...words, ...local, ...domains, ...parameters].map((text) =>
    Buffer.from(text).toString('latin1'),
  ),
  valid: command,
  check,
};
