/**
 * The language of fixtures/cases/*.case (its words are explained in fixtures/cases/README.md). A
 * case is a title, what it arranges, what a client says and what it expects. Reading it opens
 * nothing; what the words do is world.ts and play.ts.
 */
import type { OutcomeKind } from '../../src/engine/record.ts';
import { type Arrangement, arrangementOf } from './arrangement.ts';
import { bytesIn, stuffed, unstuffed } from './bytes.ts';
import { namedMessage } from './named-messages.ts';

/** The doors at which SMTP or LMTP is spoken: after the queue, and before it. */
export const smtpColumns = ['smtp', 'lmtp', 'before-queue'] as const;
export type SmtpColumn = (typeof smtpColumns)[number];
/** All doors. */
export const columns = [...smtpColumns, 'milter', 'policy'] as const;
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
  /** None at the policy door, where no message comes through. */
  readonly outcome: OutcomeKind | undefined;
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

export interface CommandStep {
  readonly kind: 'xforward' | 'mail' | 'rcpt' | 'say';
  /** With its line end. */
  readonly line: Buffer;
  /** What stood behind the case's word. */
  readonly text: string;
  /** At each door. */
  readonly replies: Readonly<Record<Column, readonly string[]>>;
}

export type Step = CommandStep | MessageStep;

export interface Case {
  readonly title: string;
  readonly arrangement: Arrangement;
  /** Where it is played. */
  readonly columns: readonly Column[];
  /** Why it is not played elsewhere; with `columns` these are all doors. */
  readonly not: ReadonlyMap<Column, string>;
  /** Why no Postfix brings it about at a door, where that cannot be seen from its words. */
  readonly notByPostfix: ReadonlyMap<Column, string>;
  readonly steps: readonly Step[];
}

interface Line {
  readonly word: string;
  readonly rest: string;
}

/**
 * The cases of a file: separated by empty lines, each beginning with its title behind `#`. What a
 * paragraph of nothing but `NOT` says holds for all cases behind it that do not expect something else.
 */
export function parseCases(text: string, file: string): Case[] {
  const cases: Case[] = [];
  let usual: ReadonlyMap<Column, string> = new Map();
  for (const block of text.split(/\n{2,}/).filter((one) => /^[A-Z]/m.test(one))) {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    try {
      if (lines.every((line) => line.startsWith('NOT '))) usual = reasonsOf(lines.map(lineOf));
      else cases.push(parseCase(block, usual));
    } catch (error) {
      throw new Error(`${file}: ${block.split('\n')[0] ?? ''}: ${String(error)}`);
    }
  }
  return cases;
}

function parseCase(block: string, usual: ReadonlyMap<Column, string>): Case {
  const lines = block.split('\n').filter(Boolean);
  const title = lines.filter((line) => line.startsWith('#')).map((line) => line.slice(2));
  if (title.length === 0) throw new Error('no title');
  const spoken = lines.filter((line) => !line.startsWith('#')).map(lineOf);
  const isArrangement = ({ word }: Line): boolean => arrangementWords.has(word);
  const isAside = ({ word }: Line): boolean => word === 'NOT' || word === 'NOT-BY-POSTFIX';
  const steps = stepsOf(spoken.filter((line) => !isArrangement(line) && !isAside(line)));
  return {
    title: title.join(' '),
    arrangement: arrangementOf(spoken.filter(isArrangement)),
    ...spokenBy(steps, usual, reasonsOf(spoken.filter(({ word }) => word === 'NOT'))),
    notByPostfix: reasonsOf(spoken.filter(({ word }) => word === 'NOT-BY-POSTFIX')),
    steps,
  };
}

/** Each door either has what it needs, or it is said why the case is not for it. */
function spokenBy(
  steps: readonly Step[],
  usual: ReadonlyMap<Column, string>,
  own: ReadonlyMap<Column, string>,
): Pick<Case, 'columns' | 'not'> {
  const expecting = steps.flatMap((step) => (step.kind === 'message' ? [step.expected] : []));
  const not = new Map(own);
  const spoken = columns.filter((column) => {
    const expects = expecting.filter((expected) => expected.has(column)).length;
    const why = own.get(column) ?? (expects === 0 ? usual.get(column) : undefined);
    if (why !== undefined) not.set(column, why);
    if (why === undefined && expects === expecting.length) return true;
    if (why !== undefined && expects === 0) return false;
    throw new Error(`${column}: ${expects} of ${expecting.length} messages expect something`);
  });
  if (spoken.length === 0) throw new Error('spoken by nobody');
  return { columns: spoken, not };
}

/** `NOT milter,policy: there is no next hop` */
function reasonsOf(lines: readonly Line[]): ReadonlyMap<Column, string> {
  return new Map(
    lines.flatMap(({ rest }) => {
      const [, names = '', why = ''] = /^([\w,-]+): (.+)$/.exec(rest) ?? [];
      return columnsIn(names).map((column): [Column, string] => [column, why]);
    }),
  );
}

function columnsIn(names: string): Column[] {
  return names.split(',').map((name) => {
    const column = columns.find((known) => known === name);
    if (column === undefined) throw new Error(`unknown column: ${name}`);
    return column;
  });
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
  const [text = '', replies = '250'] = rest.split(' => ');
  const said = { text, replies: repliesOf(replies) };
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

/** `451 4.3.2 | milter 250 | policy DEFER_IF_PERMIT 4.3.2`: everywhere, and apart where it differs. */
function repliesOf(text: string): CommandStep['replies'] {
  const [everywhere = '', ...apart] = text.split(' | ');
  const replies = new Map(columns.map((column) => [column, everywhere.split(', ')]));
  for (const one of apart) {
    const [names = '', ...words] = one.split(' ');
    for (const column of columnsIn(names)) replies.set(column, words.join(' ').split(', '));
  }
  return Object.fromEntries(replies) as Record<Column, string[]>;
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

/** `smtp,lmtp 250 2.7.0, 250 2.7.0 · quarantined`, `policy DUNNO` */
function expectationOf(text: string): [Column, Expectation][] {
  const [, names = '', replies = '', outcome] = /^(\S+) (.*?)(?: · (\w+))?$/.exec(text) ?? [];
  const named = columnsIn(names);
  if ((outcome === undefined) !== (names === 'policy')) throw new Error(`no outcome: ${text}`);
  const expectation = {
    replies: replies === 'nothing' ? [] : replies.split(', '),
    outcome: outcome as OutcomeKind | undefined,
  };
  return named.map((column) => [column, expectation]);
}
