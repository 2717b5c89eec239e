/** What can be said on the command line of `make bench` (BENCH="...") and `npm run bench --`. */
import { parseArgs } from 'node:util';
import { boundKinds } from './bounds/bounds-content.ts';
import { type Kind, kinds } from './load/content.ts';
import { signaturesByDefault } from './stage/signatures.ts';

export const parts = ['one-hop', 'once', 'bounds', 'endpoints', 'doors'] as const;
/**
 * What is measured: clamgate beside what it stands between; the ledger on beside the ledger off; what
 * large and odd messages come to; several clamds beside one; the doors beside other filters
 * that stand there.
 */
export type Part = (typeof parts)[number];

export interface Options {
  /** JSON instead of the table on standard output. */
  readonly json: boolean;
  /** A short look, which leaves bench/results as it is. */
  readonly quick: boolean;
  readonly repeats: number;
  /** Of each measurement, and of the unmeasured run before it. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly signatures: number;
  readonly sessions: readonly number[];
  readonly kinds: readonly Kind[];
  /** Messages on one SMTP connection: Postfix opens one for each, and keeps them under load. */
  readonly perConnection: readonly number[];
  /** Before anything is measured, for each kind of message: until Node.js has compiled what runs often. */
  readonly steadySeconds: number;
  readonly profileDirectory: string | undefined;
  readonly parts: readonly Part[];
  /** Messages at work at once where the ledger is compared with none, and how often that is done. */
  readonly onceSessions: readonly number[];
  readonly onceRepeats: number;
  readonly boundsKinds: readonly string[];
  readonly boundsBytesMax: number;
  readonly doorsRepeats: number;
  /** Sessions with a large attachment at once. */
  readonly boundsSessions: number;
  /** How many clamds, in turn. */
  readonly endpoints: readonly number[];
  /** Messages at work at once with each. */
  readonly endpointsSessions: number;
}

export const usage = `node bench/run.ts [options]
  --repeats N          of each measurement (3)
  --seconds S          that one measurement lasts (4)
  --quick              one repeat of one second; bench/results is not written
  --json               JSON instead of the table
  --signatures N       in clamd (${signaturesByDefault})
  --sessions A,B       messages at work at once (1,8)
  --messages A,B       of ${kinds.join(', ')} (all)
  --per-connection A,B messages on one SMTP connection, before the next is opened (1,100)
  --parts A,B          of ${parts.join(', ')} (all)
  --once-sessions A,B  as --sessions, for the part 'once' (8)
  --once-repeats N     as --repeats, for the part 'once' (7)
  --bounds-kinds A,B   of the messages of the part 'bounds' (all: bounds-content.ts)
  --bounds-bytes N     the largest of them (100000000)
  --bounds-sessions N  with a 25 MiB attachment at once, to see the memory (32)
  --endpoints A,B      how many clamds are compared (1,2,3)
  --endpoints-sessions N  as --sessions, for the part 'endpoints' (32)
  --doors-repeats N    as --repeats, for the part 'doors' (5)
  --profile DIRECTORY  where clamgate's CPU profile is to go
  --help
`;

/** Undefined when only the usage was asked for. @throws {Error} what is wrong with them. */
export function optionsOf(words: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...words],
    options: {
      ...{ json: flag, quick: flag, help: flag },
      ...{ repeats: text, seconds: text, signatures: text, sessions: text, messages: text },
      ...{ 'per-connection': text, profile: text },
      ...{ parts: text, 'once-sessions': text, 'once-repeats': text },
      ...{ endpoints: text, 'endpoints-sessions': text, 'doors-repeats': text },
      ...{ 'bounds-kinds': text, 'bounds-bytes': text, 'bounds-sessions': text },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  return {
    json: values.json,
    quick,
    repeats: numberOf(values.repeats ?? (quick ? '1' : '3')),
    seconds: numberOf(values.seconds ?? (quick ? '1' : '4')),
    warmUpSeconds: quick ? 0.5 : 1,
    signatures: numberOf(values.signatures ?? String(signaturesByDefault)),
    sessions: (values.sessions ?? '1,8').split(',').map(numberOf),
    kinds: values.messages === undefined ? kinds : values.messages.split(',').map(kindOf),
    perConnection: (values['per-connection'] ?? '1,100').split(',').map(numberOf),
    steadySeconds: quick ? 8 : 40,
    profileDirectory: values.profile,
    parts: values.parts === undefined ? parts : values.parts.split(',').map(partOf),
    onceSessions: (values['once-sessions'] ?? '8').split(',').map(numberOf),
    onceRepeats: numberOf(values['once-repeats'] ?? (quick ? '1' : '7')),
    boundsKinds: values['bounds-kinds']?.split(',') ?? boundKinds,
    boundsBytesMax: numberOf(values['bounds-bytes'] ?? (quick ? '1000000' : '100000000')),
    doorsRepeats: numberOf(values['doors-repeats'] ?? (quick ? '1' : '5')),
    boundsSessions: numberOf(values['bounds-sessions'] ?? (quick ? '2' : '32')),
    endpoints: (values.endpoints ?? '1,2,3').split(',').map(numberOf),
    endpointsSessions: numberOf(values['endpoints-sessions'] ?? '32'),
  };
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`'${text}' is not a number above 0`);
  return number;
}

function kindOf(text: string): Kind {
  const kind = kinds.find((one) => one === text);
  if (kind === undefined) throw new Error(`no such message: '${text}' (${kinds.join(', ')})`);
  return kind;
}

function partOf(text: string): Part {
  const part = parts.find((one) => one === text);
  if (part === undefined) throw new Error(`no such part: '${text}' (${parts.join(', ')})`);
  return part;
}
