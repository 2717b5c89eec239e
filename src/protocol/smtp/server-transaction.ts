/**
 * One mail transaction of a server session (RFC 5321 §3.3): which of its commands are answered and
 * how, and what the peer is told for the answers given. Reset, it is simply dropped.
 */

import { assert } from '../../assert.ts';
import type { Path } from '../../envelope.ts';
import { isPermanent, isPositive, isTransient, type Reply, reply } from './reply.ts';

/** What the driving side gives for an event. */
export type Given = Reply | readonly Reply[] | undefined;

export class ServerTransaction {
  readonly reversePath: Path;
  #mail: 'asked' | 'accepted' | 'refused' = 'asked';
  #recipientsAsked = 0;
  #recipientsAccepted = 0;

  constructor(reversePath: Path) {
    this.reversePath = reversePath;
  }

  /** The positive answer to MAIL opens it. */
  get open(): boolean {
    return this.#mail === 'accepted';
  }

  get recipientsAccepted(): number {
    return this.#recipientsAccepted;
  }

  /** How many recipients it has if all that are asked for are accepted. */
  get recipientsAtMost(): number {
    return this.#recipientsAsked + this.#recipientsAccepted;
  }

  askRecipient(): void {
    this.#recipientsAsked += 1;
  }

  /** @returns what the peer is told. */
  answerMail(given: Given): Reply {
    const answer = theOne(given);
    this.#mail = isPositive(answer) ? 'accepted' : 'refused';
    return answer;
  }

  /** @returns what the peer is told. */
  answerRecipient(given: Given): Reply {
    const answer = theOne(given);
    this.#recipientsAsked -= 1;
    if (this.#mail === 'refused') return mailNeeded;
    if (isPositive(answer)) this.#recipientsAccepted += 1;
    return answer;
  }

  /** @returns what the peer is told when DATA is refused. */
  refuseData(given: Given): Reply {
    const answer = theOne(given);
    assert(!isPositive(answer), 'DATA is refused, or answered with nothing');
    return answer;
  }

  /** @returns what the peer is told for its content: over LMTP a reply for each recipient. */
  answerContent(flavour: 'smtp' | 'lmtp', given: Given): readonly Reply[] {
    const count = flavour === 'lmtp' ? this.#recipientsAccepted : 1; // RFC 2033 §4.2
    const answers = listOf(given);
    const [only] = answers;
    const each = answers.length === 1 && only ? Array.from({ length: count }, () => only) : answers;
    assert(each.length === count, 'each accepted recipient has its reply');
    assert(each.every(isFinal), 'content is answered with final replies');
    return each;
  }
}

/** The answer to RCPT and DATA of a peer that sent them before it knew that MAIL was refused. */
export const mailNeeded = reply(503, '5.5.1', 'An accepted MAIL is needed first');

function listOf(given: Given): readonly Reply[] {
  return given === undefined ? [] : [given].flat();
}

function theOne(given: Given): Reply {
  const [answer, ...more] = listOf(given);
  assert(answer !== undefined && more.length === 0, 'a command has one reply');
  assert(isFinal(answer), 'a command is answered with a final reply');
  return answer;
}

function isFinal(answer: Reply): boolean {
  return isPositive(answer) || isTransient(answer) || isPermanent(answer);
}
