/**
 * Loads signatures in a clamd of its own, which listens for us alone, and asks it what it has and
 * whether it knows EICAR: what that says is what every other clamd will say.
 */
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../assert.ts';
import type { CancelSignal } from '../../cancel-signal.ts';
import type { Clock } from '../../clock.ts';
import type { ClamdConf } from '../../daemon/config-clamd-conf.ts';
import { type ClamdAddress, parseClamdAddress } from '../../scan/clamd-address.ts';
import type { Canary, ClamdQuestions } from './clamd-questions.ts';
import type { UpdateLimits } from './limits.ts';
import { pause } from './pause.ts';
import { type Ended, lastLines, type Programs, type Running } from './programs.ts';
import type { Version } from './version.ts';

export type TrialResult =
  | { readonly kind: 'loads'; readonly version: Version; readonly tookMs: number }
  /** They do not load, or load and do not know EICAR. */
  | { readonly kind: 'bad'; readonly why: string }
  /** Nothing was learned. */
  | { readonly kind: 'unknown'; readonly why: string };

export interface Trial {
  /**
   * @param conf the clamd.conf of a clamd that will load them; undefined where none is known.
   * @throws {Cancelled}
   */
  run(databases: string, conf: ClamdConf | undefined, signal: CancelSignal): Promise<TrialResult>;
}

export interface TrialParts {
  readonly clock: Clock;
  readonly programs: Programs;
  readonly questions: ClamdQuestions;
  readonly limits: UpdateLimits;
  /** The program. */
  readonly clamd: string;
  /** Where it may work. */
  readonly stateDirectory: string;
  /** clamd's own directory, whose owner it runs as when we are root. */
  readonly databaseDirectory: string;
  readonly loadMsMax: number;
  /** Whether we are root, who may give rights away. */
  readonly isRoot: boolean;
}

/** Of a clamd.conf, what decides whether and how signatures are loaded (clamd.conf(5)). */
const kept = [
  'OfficialDatabaseOnly',
  'FailIfCvdOlderThan',
  'CVDCertsDirectory',
  'FIPSCryptoHashLimits',
  'Bytecode',
  'BytecodeSecurity',
  'BytecodeUnsigned',
  'DetectPUA',
  'PhishingSignatures',
  'PhishingScanURLs',
  'AlgorithmicDetection',
];

export class ClamdTrial implements Trial {
  readonly #parts: TrialParts;

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  async run(
    databases: string,
    conf: ClamdConf | undefined,
    signal: CancelSignal,
  ): Promise<TrialResult> {
    const { stateDirectory, programs, clamd } = this.#parts;
    const directory = await mkdtemp(join(stateDirectory, 'trial-'));
    let running: Running | undefined;
    try {
      const owner = await this.#owner(directory);
      const file = join(directory, 'clamd.conf');
      await writeFile(file, trialConf(directory, databases, conf));
      const options = { isExpendable: true, ...(owner && { owner }) };
      running = programs.start([clamd, '--config-file', file], options);
      return await this.#ask(running, socketOf(directory), signal);
    } finally {
      await running?.stop();
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** clamd gives up root's rights by itself only where its clamd.conf names a user. */
  async #owner(directory: string): Promise<{ uid: number; gid: number } | undefined> {
    if (!this.#parts.isRoot) return undefined;
    const { uid, gid } = await stat(this.#parts.databaseDirectory);
    if (uid === 0) return undefined;
    await chown(directory, uid, gid);
    return { uid, gid };
  }

  async #ask(running: Running, socket: ClamdAddress, signal: CancelSignal): Promise<TrialResult> {
    const { clock, questions, limits, loadMsMax } = this.#parts;
    const began = clock.monotonic();
    let ended: Ended | undefined;
    void running.ended.then((how) => (ended = how));
    while (clock.monotonic() - began < loadMsMax) {
      // Before it is asked: what it says with its last breath is read all the same.
      if (ended) return endedBadly(ended);
      const version = await questions.version(socket, limits.answerMs, signal);
      if (version) {
        const canary = await questions.canary(socket, limits.canaryMs, signal);
        return judged(version, canary, clock.monotonic() - began);
      }
      await pause(clock, limits.pollMs, signal);
    }
    return { kind: 'unknown', why: `not loaded after ${loadMsMax / 1000} s ([update] check_time)` };
  }
}

function judged(version: Version, canary: Canary, tookMs: number): TrialResult {
  if (canary.kind === 'right') return { kind: 'loads', version, tookMs };
  const why = `they load, but ${canary.words}`;
  return canary.kind === 'lying' ? { kind: 'bad', why } : { kind: 'unknown', why };
}

/** What is not the fault of the signatures: its configuration, its socket, memory. */
const surroundings =
  /pars(?:e|ing) (?:the )?config|unknown option|socket|bind\(\)|allocate memory/i;

/** In doubt it is the signatures: not to load them harms nobody. */
function endedBadly({ code, output, problem }: Ended): TrialResult {
  const words = [problem, lastLines(output, 3)].filter((part) => part !== undefined && part !== '');
  const why = words.join(': ') || `clamd ended with ${code ?? 'a signal'}`;
  const isOurs = code === undefined || surroundings.test(output);
  return { kind: isOurs ? 'unknown' : 'bad', why };
}

/** Its clamd.conf: what decides about signatures as theirs has it, all else our own. */
export function trialConf(directory: string, databases: string, conf?: ClamdConf): string {
  const own: readonly (readonly [string, string])[] = [
    ['Foreground', 'yes'],
    ['LocalSocket', join(directory, 'clamd.sock')],
    ['LocalSocketMode', '600'],
    ['DatabaseDirectory', databases],
    ['TemporaryDirectory', directory],
    ['SelfCheck', '0'],
    ['MaxThreads', '2'],
  ];
  const theirs = kept.flatMap((name) => {
    const value = conf?.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return [...own, ...theirs].map(([name, value]) => `${name} ${value}\n`).join('');
}

function socketOf(directory: string): ClamdAddress {
  const parsed = parseClamdAddress(`unix:${join(directory, 'clamd.sock')}`);
  assert(parsed.ok, 'the directory is an absolute path that fits');
  return parsed.address;
}
