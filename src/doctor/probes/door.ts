/** Talks to what speaks SMTP or LMTP, as clamgate itself does: the greeting, EHLO, and the commit question. */
import { connect } from 'node:net';
import type { Clock } from '../../clock.ts';
import { type Extensions, parseExtensions } from '../../protocol/smtp/client-extensions.ts';
import { isPositive } from '../../protocol/smtp/reply.ts';
import { type Answer, Connection, replyText } from '../../relay/connection.ts';
import { parseNextHopAddress } from '../../relay/address.ts';

const replyMs = 8000;

/**
 * @param address as the configuration names a next hop.
 * @throws when it does not speak the protocol, in its words where it has any.
 */
export async function askExtensions(
  clock: Clock,
  address: string,
  helloName: string,
): Promise<Extensions> {
  const connection = dial(clock, address);
  try {
    return await greeted(connection, helloName);
  } finally {
    connection.quit();
  }
}

/**
 * Sends a message that nobody may commit, because its attempt is unknown: a next hop that asks is
 * told so. Should it be accepted all the same, Postfix drops it: it is for the address of bounces of
 * bounces (postconf(5), double_bounce_sender), at an address that is always its own.
 *
 * @returns the reply to the final dot, or to MAIL where that is refused: as it would be to any mail.
 * @throws when it does not come to either.
 */
export async function tryToCommit(
  clock: Clock,
  address: string,
  names: { readonly hello: string; readonly doubleBounce: string },
): Promise<string> {
  const connection = dial(clock, address);
  try {
    await greeted(connection, names.hello);
    const mail = await connection.say('MAIL', 'MAIL FROM:<>');
    if (mail.kind === 'reply' && !isPositive(mail.reply)) return `${replyText(mail.reply)} to MAIL`;
    expectReply(mail, 'MAIL');
    const recipient = `${names.doubleBounce}@[127.0.0.1]`;
    expectReply(await connection.say('RCPT', `RCPT TO:<${recipient}>`), `RCPT TO:<${recipient}>`);
    expectReply(await connection.say('DATA'), 'DATA', 354);
    await connection.content(Buffer.from(trialMessage));
    const [answer] = await Promise.all(connection.endOfData(1));
    if (answer?.kind !== 'reply') throw new Error(answer?.detail ?? 'no answer to the final dot');
    return replyText(answer.reply);
  } finally {
    connection.quit();
  }
}

const trialMessage =
  'Subject: clamgate doctor\r\n\r\nNobody should ever see this: it asks whether it may be kept, and may not.\r\n';

function dial(clock: Clock, address: string): Connection {
  const { flavour, connect: where } = parseNextHopAddress(address);
  return new Connection(connect(where), flavour, {
    clock,
    nextHopReplyMs: replyMs,
    nextHopDotMs: replyMs,
  });
}

async function greeted(connection: Connection, name: string): Promise<Extensions> {
  expectReply(await connection.greeting, 'the connection', 220);
  const answer = await connection.hello(name);
  return parseExtensions(expectReply(answer, 'EHLO'));
}

function expectReply(answer: Answer, to: string, code?: number) {
  if (answer.kind !== 'reply') throw new Error(answer.detail);
  const { reply } = answer;
  if (code === undefined ? isPositive(reply) : reply.code === code) return reply;
  throw new Error(`${to} was answered ${replyText(reply)}`);
}
