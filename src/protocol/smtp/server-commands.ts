/**
 * The commands of the server side: for each the states in which it is allowed, the argument it
 * takes, and what it means. A pure function of command and session; what follows from a decision
 * is done in server-session.ts.
 */

import { assert } from '../../assert.ts';
import { type Client, parameterOf, type Path } from '../../envelope.ts';
import type { Line } from '../receive-buffer.ts';
import { type Command, parseCommand } from './command.ts';
import { needsSmtputf8, parseMailArgument, parseRcptArgument } from './path.ts';
import { type Reply, reply } from './reply.ts';
import type { ServerSessionOptions } from './server-contract.ts';
import { mailNeeded, type ServerTransaction } from './server-transaction.ts';
import { parseXforward } from './xforward.ts';

/** connected: no EHLO yet. ready: outside a transaction. */
export type CommandState =
  | { readonly name: 'connected' | 'ready' }
  | { readonly name: 'transaction'; readonly transaction: ServerTransaction };

export interface SessionView {
  readonly options: ServerSessionOptions;
  readonly state: CommandState;
}

export type Decision =
  /** Answered, and nothing changes. */
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** Likewise, but not understood or out of order: too many in a row end the session. */
  | { readonly kind: 'mistake'; readonly reply: Reply }
  /** Answered, then the session ends. */
  | { readonly kind: 'hang-up'; readonly reply: Reply }
  /** EHLO, HELO, LHLO: an open transaction ends (RFC 5321 §4.1.4). */
  | { readonly kind: 'hello'; readonly reply: Reply }
  | { readonly kind: 'reset'; readonly reply: Reply }
  | { readonly kind: 'xforward'; readonly client: Client; readonly reply: Reply }
  /** The other side is asked. */
  | { readonly kind: 'mail'; readonly path: Path }
  | { readonly kind: 'rcpt'; readonly path: Path; readonly transaction: ServerTransaction }
  | { readonly kind: 'data'; readonly transaction: ServerTransaction };

/** What the peer sent as a command: one, or what is to be done about a line that is none. */
export type CommandLine = Command | Decision;

type Meaning = (session: SessionView, argument: string) => Decision;

interface Row {
  readonly flavour?: 'smtp' | 'lmtp';
  readonly states: readonly CommandState['name'][];
  readonly argument: 'none' | 'needed' | 'any';
  readonly meaning: Meaning;
}

const always = ['connected', 'ready', 'transaction'] as const;

const say =
  (code: number, enhanced: string, text: string): Meaning =>
  () => ({ kind: 'reply', reply: reply(code, enhanced, text) });

const notImplemented: Row = {
  states: always,
  argument: 'any',
  meaning: () => mistake(502, '5.5.1', 'Command not implemented'),
};

/** What follows it is no SMTP, or cannot be told from commands. */
const hangUp = (code: number, enhanced: string, text: string): Row => ({
  states: always,
  argument: 'any',
  meaning: () => ({ kind: 'hang-up', reply: reply(code, enhanced, text) }),
});

/** A browser can be tricked into posting commands to us; they must not be reached. */
const http = hangUp(421, '4.7.0', 'This is not HTTP');

const commands: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['EHLO', { flavour: 'smtp', states: always, argument: 'needed', meaning: hello }],
  ['HELO', { flavour: 'smtp', states: always, argument: 'needed', meaning: helo }],
  ['LHLO', { flavour: 'lmtp', states: always, argument: 'needed', meaning: hello }],
  ['XFORWARD', { states: always, argument: 'any', meaning: xforward }],
  ['MAIL', { states: ['ready'], argument: 'any', meaning: mail }],
  ['RCPT', { states: ['transaction'], argument: 'any', meaning: rcpt }],
  ['DATA', { states: ['transaction'], argument: 'none', meaning: data }],
  ['RSET', { states: always, argument: 'none', meaning: rset }],
  ['NOOP', { states: always, argument: 'any', meaning: say(250, '2.0.0', 'OK') }],
  ['HELP', { states: always, argument: 'any', meaning: say(214, '2.0.0', 'See RFC 5321') }],
  // RFC 5321 §3.5.3: 252 where an address cannot be verified.
  ['VRFY', { states: always, argument: 'needed', meaning: say(252, '2.0.0', 'Cannot VRFY') }],
  ['QUIT', { states: always, argument: 'none', meaning: quit }],
  ['EXPN', notImplemented],
  ['TURN', notImplemented],
  ['ETRN', notImplemented],
  ['STARTTLS', notImplemented],
  ['AUTH', notImplemented],
  // RFC 3030 §2: the octets come right behind the command, and would be read as commands.
  ['BDAT', hangUp(502, '5.5.1', 'BDAT not implemented')],
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'].map(
    (verb) => [verb, http] as const,
  ),
]);

export function commandIn(line: Line): CommandLine {
  if (line.kind === 'too-long') return mistake(500, '5.5.2', 'Line too long');
  // RFC 5321 §2.3.8: a line ends with CRLF and nothing else.
  if (!line.crlf) return mistake(500, '5.5.2', 'Bare LF in command');
  return parseCommand(line.bytes) ?? mistake(500, '5.5.2', 'Bad command syntax');
}

/** Only a RCPT goes ahead of answers that are due (RFC 2920 §3.1), and only if there is room. */
export function mayGoAhead({ state, options }: SessionView, line: CommandLine): boolean {
  if (state.name !== 'transaction' || !('verb' in line) || line.verb !== 'RCPT') return false;
  return state.transaction.recipientsAtMost < options.limits.recipientsMax;
}

export function decide(session: SessionView, line: CommandLine): Decision {
  if ('kind' in line) return line;
  const { verb, argument } = line;
  const row = commands.get(verb);
  if (row === undefined) return mistake(500, '5.5.2', 'Command not recognized');
  if (row.flavour !== undefined && row.flavour !== session.options.flavour) {
    return mistake(500, '5.5.1', `This is ${session.options.flavour.toUpperCase()}`);
  }
  if (!row.states.includes(session.state.name)) return outOfOrder(session);
  if (row.argument === 'none' && argument !== '') {
    return mistake(501, '5.5.4', `${verb} takes no argument`);
  }
  if (row.argument === 'needed' && argument === '') {
    return mistake(501, '5.5.4', `${verb} needs an argument`);
  }
  return row.meaning(session, argument);
}

function mistake(code: number, enhanced: string, text: string): Decision {
  return { kind: 'mistake', reply: reply(code, enhanced, text) };
}

function outOfOrder({ state, options }: SessionView): Decision {
  if (state.name === 'connected') {
    return mistake(503, '5.5.1', `${options.flavour === 'lmtp' ? 'LHLO' : 'EHLO'} first`);
  }
  if (state.name === 'transaction') return transactionOpen();
  // No mistake: a pipelining peer sends them before it knows that MAIL was refused (RFC 2920 §3.1).
  return { kind: 'reply', reply: mailNeeded };
}

function transactionOpen(): Decision {
  return mistake(503, '5.5.1', 'A transaction is open');
}

function helo({ options }: SessionView): Decision {
  return { kind: 'hello', reply: reply(250, undefined, options.hostname) };
}

function hello({ options }: SessionView): Decision {
  const lines = [
    options.hostname,
    'PIPELINING',
    `SIZE ${options.limits.messageBytesMax}`,
    '8BITMIME',
    'SMTPUTF8',
    'DSN',
    'ENHANCEDSTATUSCODES',
    ...(options.xforwardAllowed ? ['XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE'] : []),
  ];
  return { kind: 'hello', reply: { code: 250, lines } };
}

function xforward({ options, state }: SessionView, argument: string): Decision {
  if (!options.xforwardAllowed) {
    return { kind: 'reply', reply: reply(550, '5.7.0', 'XFORWARD is not for you') };
  }
  if (state.name === 'transaction') return transactionOpen();
  const client = parseXforward(argument);
  if ('code' in client) return { kind: 'mistake', reply: client };
  return { kind: 'xforward', client, reply: reply(250, '2.0.0', 'OK') };
}

function mail({ options }: SessionView, argument: string): Decision {
  const path = parseMailArgument(argument);
  if ('code' in path) return { kind: 'mistake', reply: path };
  if (needsSmtputf8(path) && parameterOf(path, 'SMTPUTF8') === undefined) return smtputf8Missing();
  const size = Number(parameterOf(path, 'SIZE')?.value ?? 0);
  if (size > options.limits.messageBytesMax) {
    // RFC 1870 §6.1
    return { kind: 'reply', reply: reply(552, '5.3.4', 'Message is larger than SIZE allows') };
  }
  return { kind: 'mail', path };
}

function rcpt({ options, state }: SessionView, argument: string): Decision {
  assert(state.name === 'transaction', 'the table lets RCPT only into a transaction');
  const { transaction } = state;
  const path = parseRcptArgument(argument);
  if ('code' in path) return { kind: 'mistake', reply: path };
  const smtputf8 = parameterOf(transaction.reversePath, 'SMTPUTF8') !== undefined;
  if (needsSmtputf8(path) && !smtputf8) return smtputf8Missing();
  if (transaction.recipientsAtMost >= options.limits.recipientsMax) {
    // RFC 5321 §4.5.3.1.10
    return { kind: 'reply', reply: reply(452, '4.5.3', 'Too many recipients') };
  }
  return { kind: 'rcpt', path, transaction };
}

function smtputf8Missing(): Decision {
  return mistake(553, '5.6.7', 'The address needs SMTPUTF8'); // RFC 6531 §3.5
}

function data({ options, state }: SessionView): Decision {
  assert(state.name === 'transaction', 'the table lets DATA only into a transaction');
  const { transaction } = state;
  if (transaction.recipientsAccepted > 0) return { kind: 'data', transaction };
  const code = options.flavour === 'lmtp' ? 503 : 554; // RFC 2033 §4.2, RFC 5321 §3.3
  return { kind: 'reply', reply: reply(code, '5.5.1', 'No valid recipients') };
}

function rset(): Decision {
  return { kind: 'reset', reply: reply(250, '2.0.0', 'OK') };
}

function quit(): Decision {
  return { kind: 'hang-up', reply: reply(221, '2.0.0', 'Bye') };
}
