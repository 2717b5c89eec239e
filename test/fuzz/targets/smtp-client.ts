/** Our side of a connection to a next hop that says anything: events, and no call that is out of order. */
import { ClientSession, type ClientEvent } from '../../../src/protocol/smtp/client-session.ts';
import { holds, latin1, type Target, usualBounds, whole } from '../target.ts';
import { chosen, sequenceOf } from '../valid.ts';

const tokens = [
  '220 x\r\n',
  '250 OK\r\n',
  '250-x\r\n250-PIPELINING\r\n250 SIZE 9\r\n',
  '354 Go\r\n',
  '550 No\r\n',
].concat([
  '451 4.3.0 Later\r\n',
  '421 Bye\r\n',
  '250 2.1.0 OK\r\n',
  '500 What\r\n',
  '2',
  '\r\n',
  '\n',
  '250-',
  '\0',
  'x',
]);

/** Says what may be said in the phase it is in, as a relay does with a message of two recipients. */
function speak(session: ClientSession, said: string[]): void {
  if (session.awaited > 0) return;
  switch (session.phase) {
    case 'ready':
      if (said.includes('dot')) session.say('QUIT');
      else session.hello('x.example');
      said.push('hello');
      break;
    case 'open':
      session.say('XFORWARD', 'XFORWARD NAME=x');
      session.say('MAIL', 'MAIL FROM:<a@b>');
      session.say('RCPT', 'RCPT TO:<c@d>');
      session.say('RCPT', 'RCPT TO:<e@f>');
      session.say('DATA');
      break;
    case 'envelope':
      session.say('RSET');
      break;
    case 'content':
      session.content(Buffer.from('x\r\n.\r\n'));
      session.endOfData(session.flavour === 'lmtp' ? 2 : 1);
      said.push('dot');
      break;
    case 'greeting':
    case 'hello':
    case 'data':
    case 'dot':
    case 'over':
      break;
  }
}

function converse(flavour: 'smtp' | 'lmtp', pieces: readonly Buffer[]): readonly unknown[] {
  const session = new ClientSession(flavour);
  const events: ClientEvent[] = [];
  const said: string[] = [];
  const sent: string[] = [];
  for (const piece of pieces) {
    session.receive(piece);
    for (let event = session.next(); event !== undefined; event = session.next()) {
      events.push(event);
      if (said.length < 20) speak(session, said);
      sent.push(session.output().toString());
    }
    sent.push(session.output().toString());
  }
  const ends = events.slice(0, -1).filter(({ kind }) => kind !== 'reply');
  holds(ends.length === 0, 'after the end of the session there is no event');
  return [events, sent.join(''), session.phase];
}

function afterLineEnds(piece: Buffer): Buffer[] {
  return piece
    .toString('latin1')
    .split(/(?<=\n)/)
    .map(latin1);
}

function check(input: Buffer): void {
  const flavour = (input[0] ?? 0) & 1 ? 'lmtp' : 'smtp';
  // What it may say next depends on each reply, so each is heard by itself; within, cuts change nothing.
  whole(input.subarray(1), (pieces) => converse(flavour, pieces.flatMap(afterLineEnds)));
}

export const smtpClient: Target = {
  ...usualBounds,
  name: 'smtp-client',
  tokens,
  valid: chosen(2, sequenceOf(tokens, 16)),
  check,
};
