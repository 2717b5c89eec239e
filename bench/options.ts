/** What can be said on the command line of `make bench` (BENCH="...") and `npm run bench --`. */
import { parseArgs } from 'node:util';
import { boundKinds } from './bounds/bounds-content.ts';
import { type Kind, kinds } from './load/content.ts';
import { signaturesByDefault } from './stage/signatures.ts';

/**
 * What is measured: clamgate beside what it stands between, and other filters in its place; the doors
 * through Postfix; start, idle and the peak of memory; the cost of a message as ledger and session grow.
 */
export const speedParts = ['one-hop', 'doors', 'footprint', 'growth'] as const;
/** The ledger on beside the ledger off; what large and odd messages come to; several clamds or workers beside one. */
export const otherParts = ['once', 'bounds', 'endpoints', 'workers'] as const;
export const parts = [...speedParts, ...otherParts] as const;
export type Part = (typeof parts)[number];

export interface Options {
  /** JSON instead of the tables on standard output. */
  readonly json: boolean;
  /** A short look, which leaves bench/results as it is. */
  readonly quick: boolean;
  /** Nothing but whether it has become slower than the stored ratios say. */
  readonly check: boolean;
  /** What `check` finds becomes what is stored for this machine. */
  readonly store: boolean;
  readonly parts: readonly Part[];
  readonly repeats: number;
  /** Of each measurement, and of the unmeasured run before it. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly signatures: number;
  /** In place of clamd one that reads and says OK, and no other filters: what clamgate takes by itself. */
  readonly standIn: boolean;
  readonly sessions: readonly number[];
  readonly kinds: readonly Kind[];
  /** Messages on one SMTP connection: Postfix opens one for each, and keeps them under load. */
  readonly perConnection: readonly number[];
  /** Of messages at work at once; where there are more, the measurement is left out. */
  readonly atOnceBytesMax: number;
  /** Before anything is measured, for each kind of message: until Node.js has compiled what runs often. */
  readonly steadySeconds: number;
  readonly profileDirectory: string | undefined;
  readonly doorsRepeats: number;
  readonly doorsKinds: readonly Kind[];
  readonly doorsSessions: readonly number[];
  /** With an attachment at once, and how large that is. */
  readonly footprintSessions: number;
  readonly footprintMiB: readonly number[];
  /** Of the ledger, and of a session, when they have grown. */
  readonly growthEntries: number;
  readonly growthMessages: number;
  /** Messages at work at once where the ledger is compared with none, and how often that is done. */
  readonly onceSessions: readonly number[];
  readonly onceRepeats: number;
  readonly boundsKinds: readonly string[];
  readonly boundsBytesMax: number;
  /** How many clamds, in turn. */
  readonly endpoints: readonly number[];
  /** Messages at work at once with each. */
  readonly endpointsSessions: number;
  /** How many workers, in turn. */
  readonly workers: readonly number[];
}

const MiB = 1024 * 1024;

export const usage = `node bench/run.ts [options]
  --quick              a look of some minutes; bench/results is not written
  --check              whether it has become slower, by a ratio of this run; --store keeps that
  --json               JSON instead of the tables
  --parts A,B          of ${parts.join(', ')}
                       (${speedParts.join(', ')})
  --repeats N          of each measurement (3)
  --seconds S          that one measurement lasts (2)
  --messages A,B       of ${kinds.join(', ')} (all)
  --sessions A,B       messages at work at once (1,8,32)
  --at-once MIB        of messages at work at once; measurements with more are left out (100)
  --per-connection A,B messages on one SMTP connection, before the next is opened (1)
  --signatures N       in clamd (${signaturesByDefault})
  --stand-in           in place of clamd one that reads and says OK: what clamgate takes by itself;
                       bench/results is not written
  --steady S           that each kind of message is sent before anything is measured (10)
  --profile DIRECTORY  where clamgate's CPU profile is to go
  --doors-repeats N, --doors-messages A,B, --doors-sessions A,B
                       the same for the part 'doors' (3, text-4k, 8)
  --footprint-sessions N, --footprint-mib A,B
                       with an attachment at once, and how large it is (32, 10)
  --growth-entries N, --growth-messages N
                       in the ledger, and in a session, when they have grown (1000000, 10000)
  --once-sessions A,B, --once-repeats N
                       the same for the part 'once' (8, 7)
  --bounds-kinds A,B   of the messages of the part 'bounds' (all: bounds/bounds-content.ts)
  --bounds-bytes N     the largest of them (100000000)
  --endpoints A,B      how many clamds are compared (1,2,3)
  --endpoints-sessions N  as --sessions, for the part 'endpoints' (32)
  --workers A,B        how many workers are compared (1,2,3)
  --help
`;

/** Undefined when only the usage was asked for. @throws {Error} what is wrong with them. */
export function optionsOf(words: readonly string[]): Options | undefined {
  const { values } = parseArgs({ args: [...words], options: known });
  if (values.help) return undefined;
  const { quick, check, store, json, 'stand-in': standIn } = values;
  const text = (value: string | undefined, usual: string, short = usual): string =>
    value ?? (quick ? short : usual);
  return {
    ...{ json, quick, check, store, standIn },
    parts: listOf(values.parts, speedParts, named(parts, 'part')),
    repeats: numberOf(text(values.repeats, '3', '1')),
    seconds: numberOf(text(values.seconds, '2', '1')),
    warmUpSeconds: 0.3,
    signatures: numberOf(values.signatures ?? String(signaturesByDefault)),
    sessions: numbersOf(text(values.sessions, '1,8,32', '1,8')),
    kinds: listOf(values.messages, kinds, named(kinds, 'message')),
    perConnection: numbersOf(values['per-connection'] ?? '1'),
    atOnceBytesMax: numberOf(values['at-once'] ?? '100') * MiB,
    steadySeconds: numberOf(text(values.steady, '10', '4')),
    profileDirectory: values.profile,
    doorsRepeats: numberOf(text(values['doors-repeats'], '3', '1')),
    doorsKinds: listOf(values['doors-messages'], ['text-4k'], named(kinds, 'message')),
    doorsSessions: numbersOf(values['doors-sessions'] ?? '8'),
    footprintSessions: numberOf(text(values['footprint-sessions'], '32', '4')),
    footprintMiB: numbersOf(values['footprint-mib'] ?? '10'),
    growthEntries: numberOf(text(values['growth-entries'], '1000000', '10000')),
    growthMessages: numberOf(text(values['growth-messages'], '10000', '1000')),
    onceSessions: numbersOf(values['once-sessions'] ?? '8'),
    onceRepeats: numberOf(text(values['once-repeats'], '7', '1')),
    boundsKinds: listOf(values['bounds-kinds'], boundKinds, named(boundKinds, 'kind')),
    boundsBytesMax: numberOf(text(values['bounds-bytes'], '100000000', '1000000')),
    endpoints: numbersOf(values.endpoints ?? '1,2,3'),
    endpointsSessions: numberOf(values['endpoints-sessions'] ?? '32'),
    workers: numbersOf(values.workers ?? '1,2,3'),
  };
}

const asText = { type: 'string' } as const;
const asFlag = { type: 'boolean', default: false } as const;
const known = {
  ...{ json: asFlag, quick: asFlag, check: asFlag, store: asFlag, help: asFlag },
  'stand-in': asFlag,
  ...{ parts: asText, repeats: asText, seconds: asText, signatures: asText, steady: asText },
  ...{ sessions: asText, messages: asText, 'at-once': asText, 'per-connection': asText },
  ...{ profile: asText, 'doors-repeats': asText, 'doors-messages': asText },
  ...{ 'doors-sessions': asText, 'footprint-sessions': asText, 'footprint-mib': asText },
  ...{ 'growth-entries': asText, 'growth-messages': asText },
  ...{ 'once-sessions': asText, 'once-repeats': asText },
  ...{ 'bounds-kinds': asText, 'bounds-bytes': asText },
  ...{ endpoints: asText, 'endpoints-sessions': asText, workers: asText },
};

function listOf<T>(
  words: string | undefined,
  usual: readonly T[],
  one: (word: string) => T,
): readonly T[] {
  return words === undefined ? usual : words.split(',').map(one);
}

function numbersOf(words: string): readonly number[] {
  return words.split(',').map(numberOf);
}

function numberOf(word: string): number {
  const number = Number(word);
  if (!(number > 0)) throw new Error(`'${word}' is not a number above 0`);
  return number;
}

/** The one of that name. */
function named<T extends string>(all: readonly T[], what: string): (word: string) => T {
  return (word) => {
    const one = all.find((each) => each === word);
    if (one === undefined) throw new Error(`no such ${what}: '${word}' (${all.join(', ')})`);
    return one;
  };
}
