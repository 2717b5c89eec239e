/**
 * What the daemon and its witness say to each other, one line each: `NUMBER VERB QUEUEID`, and for
 * an answer `NUMBER WORD`. The number is the asker's, so that answers may come in any order. What
 * the verbs do is in src/witness.
 */

export const witnessVerbs = ['hold', 'fate', 'release'] as const;
export type WitnessVerb = (typeof witnessVerbs)[number];

export const witnessWords = [
  /** To hold. */
  'held',
  'not-found',
  'full',
  /** To fate; see relay/evidence.ts for what they mean. */
  'committed',
  'not-committed',
  'undecided',
  'unknown',
  /** To release. */
  'released',
  /** To any: it could not be done. */
  'failed',
] as const;
export type WitnessWord = (typeof witnessWords)[number];

export interface WitnessRequest {
  readonly number: number;
  readonly verb: WitnessVerb;
  readonly queueId: string;
}

export interface WitnessAnswer {
  readonly number: number;
  readonly word: WitnessWord;
}

/** A line of either side with its LF. */
export const witnessLineBytesMax = 100;

const queueIdForm = /^[0-9A-Za-z]{1,64}$/;

/** Whether `text` can be a queue id: nothing in it that means something in a path. */
export function isQueueId(text: string): boolean {
  return queueIdForm.test(text);
}

export function requestLine({ number, verb, queueId }: WitnessRequest): string {
  return `${number} ${verb} ${queueId}\n`;
}

export function answerLine({ number, word }: WitnessAnswer): string {
  return `${number} ${word}\n`;
}

/** @param line without its LF. @returns undefined when it is no request. */
export function parseRequest(line: Buffer): WitnessRequest | undefined {
  const [, number, said, queueId = ''] =
    /^(\d{1,15}) ([a-z]+) ([0-9A-Za-z]+)$/.exec(line.toString('latin1')) ?? [];
  const verb = witnessVerbs.find((each) => each === said);
  if (verb === undefined || !isQueueId(queueId)) return undefined;
  return { number: Number(number), verb, queueId };
}

/** @param line without its LF. @returns undefined when it is no answer. */
export function parseAnswer(line: Buffer): WitnessAnswer | undefined {
  const [, number, said] = /^(\d{1,15}) ([a-z-]+)$/.exec(line.toString('latin1')) ?? [];
  const word = witnessWords.find((each) => each === said);
  return word === undefined ? undefined : { number: Number(number), word };
}
