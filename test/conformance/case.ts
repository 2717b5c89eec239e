/**
 * The language of fixtures/cases/*.case (its words are explained in fixtures/cases/README.md). A
 * case is a title, what it arranges, what a client says and what it expects. Reading it opens
 * nothing; what the words do is world.ts and play.ts.
 */
import type { OutcomeKind } from '../../src/engine/record.ts';
import { type Arrangement, arrangementOf } from './arrangement.ts';
import { bytesIn, stuffed, unstuffed } from './bytes.ts';
import { namedMessage } from './named-messages.ts';

/** The doors: after the queue over SMTP and over LMTP, and before it. */
export const columns = ['smtp', 'lmtp', 'before-queue'] as const;
export type Column = (typeof columns)[number];

/** Until the end of data; until clamd answers; until the next hop answers DATA, or the final dot. */
const stages = ['data', 'scan', 'handover', 'dot'] as const;
type Stage = (typeof stages)[number];
const incidents = [
  'client closes',
  'client resets',
  'next hop hangs up',
  'shutdown',
  'drain ends',
] as const;

/** What happens while a message is under way. */
export interface Incident {
  readonly stage: Stage;
  readonly incident: (typeof incidents)[number];
}

/** What an EXPECT line says of a message. */
export interface Expectation {
  /** As they begin; none where nobody is there to hear them. */
  readonly replies: readonly string[];
  readonly outcome: OutcomeKind;
}

export interface MessageStep {
  readonly kind: 'message';
  /** What follows 354, the end of data included. */
  readonly wire: Buffer;
  /** What is in it, dots unstuffed. */
  readonly content: Buffer;
  /** What is to arrive at the next hop, where it is not the content below our header field. */
  readonly arrives: Buffer | undefined;
  readonly during: Incident | undefined;
  /** Who is kept, where that is not everybody of a quarantined message. */
  readonly kept: readonly string[] | undefined;
  readonly expected: ReadonlyMap<Column, Expectation>;
}

export type Step =
  | {
      readonly kind: 'xforward' | 'mail' | 'rcpt' | 'say';
      /** With its line end. */
      readonly line: Buffer;
      /** What stood behind the case's word. */
      readonly text: string;
      readonly replies: readonly string[];
    }
  | MessageStep;

export interface Case {
  readonly title: string;
  readonly arrangement: Arrangement;
  readonly columns: readonly Column[];
  readonly steps: readonly Step[];
}

interface Line {
  readonly word: string;
  readonly rest: string;
}

/** The cases of a file: separated by empty lines, each beginning with its title behind `#`. */
export function parseCases(text: string, file: string): Case[] {
  return text
    .split(/\n{2,}/)
    .filter((block) => /^[A-Z]/m.test(block))
    .map((block) => {
      try {
        return parseCase(block);
      } catch (error) {
        throw new Error(`${file}: ${block.split('\n')[0] ?? ''}: ${String(error)}`);
      }
    });
}

function parseCase(block: string): Case {
  const lines = block.split('\n').filter(Boolean);
  const title = lines.filter((line) => line.startsWith('#')).map((line) => line.slice(2));
  const spoken = lines.filter((line) => !line.startsWith('#')).map(lineOf);
  const isArrangement = ({ word }: Line): boolean => arrangementWords.has(word);
  const steps = stepsOf(spoken.filter((line) => !isArrangement(line) && line.word !== 'ONLY'));
  const only = spoken.find(({ word }) => word === 'ONLY')?.rest;
  const expecting = steps.flatMap((step) => (step.kind === 'message' ? [step.expected] : []));
  const spokenBy = columns.filter(
    (column) =>
      (only === undefined || only === column) &&
      expecting.every((expected) => expected.has(column)),
  );
  if (title.length === 0 || spokenBy.length === 0) throw new Error('no title, or spoken by nobody');
  return {
    title: title.join(' '),
    arrangement: arrangementOf(spoken.filter(isArrangement)),
    columns: spokenBy,
    steps,
  };
}

const arrangementWords = new Set(['CLAMD', 'NEXT-HOP', 'LIMITS', 'RULES', 'BANNED', 'SET']);

function lineOf(line: string): Line {
  const [, word = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
  return { word, rest };
}

function stepsOf(lines: readonly Line[]): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < lines.length;) {
    const of = lines.slice(at).findIndex(({ word }) => !messageWords.has(word));
    const end = of === -1 ? lines.length : at + of;
    if (end > at) steps.push(messageStep(lines.slice(at, end)));
    const line = lines[end];
    if (line) steps.push(commandStep(line));
    at = end + 1;
  }
  return steps;
}

function commandStep({ word, rest }: Line): Step {
  const [text = '', replies] = rest.split(' => ');
  const said = { text, replies: replies?.split(', ') ?? ['250'] };
  switch (word) {
    case 'XFORWARD':
      return { kind: 'xforward', line: bytesIn(`XFORWARD ${text}\\r\\n`), ...said };
    case 'FROM':
      return { kind: 'mail', line: bytesIn(`MAIL FROM:${text}\\r\\n`), ...said };
    case 'TO':
      return { kind: 'rcpt', line: bytesIn(`RCPT TO:${text}\\r\\n`), ...said };
    case 'SAY':
      return { kind: 'say', line: bytesIn(`${text}\\r\\n`), ...said };
    default:
      throw new Error(`unknown word ${word}`);
  }
}

const messageWords = new Set(['MESSAGE', 'BODY', 'WIRE', 'ARRIVES', 'DURING', 'KEPT', 'EXPECT']);

function messageStep(lines: readonly Line[]): MessageStep {
  const all = (wanted: string): string[] =>
    lines.filter(({ word }) => word === wanted).map(({ rest }) => rest);
  const bytes = (word: string): Buffer => Buffer.concat(all(word).map(bytesIn));
  const [name] = all('MESSAGE');
  const raw = bytes('WIRE');
  const wire =
    raw.length > 0 ? raw : stuffed(name === undefined ? bytes('BODY') : namedMessage(name));
  const [during] = all('DURING').map(incidentOf);
  const [kept] = all('KEPT').map((addresses) => addresses.split(' '));
  return {
    kind: 'message',
    wire,
    content: unstuffed(wire),
    arrives: all('ARRIVES').length > 0 ? bytes('ARRIVES') : undefined,
    during,
    kept,
    expected: new Map(all('EXPECT').flatMap(expectationOf)),
  };
}

function incidentOf(text: string): Incident {
  const [when, what] = text.split(': ');
  const stage = stages.find((known) => known === when);
  const incident = incidents.find((known) => known === what);
  if (stage === undefined || incident === undefined) throw new Error(`unknown incident: ${text}`);
  return { stage, incident };
}

/** `smtp,lmtp 250 2.7.0, 250 2.7.0 · quarantined` */
function expectationOf(text: string): [Column, Expectation][] {
  const [, names = '', replies = '', outcome] = /^(\S+) (.*) · (\w+)$/.exec(text) ?? [];
  const expectation = {
    replies: replies === 'nothing' ? [] : replies.split(', '),
    outcome: outcome as OutcomeKind,
  };
  return names.split(',').map((name) => {
    const column = columns.find((known) => known === name);
    if (column === undefined) throw new Error(`unknown column in: EXPECT ${text}`);
    return [column, expectation];
  });
}
