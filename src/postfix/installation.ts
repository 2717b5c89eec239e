/** A Postfix on this machine as it is configured now, by its own word. Reads only. */
import { OperationalError } from '../errors.ts';
import { complaint, type RunProgram } from '../run-program.ts';
import { parseParameters, parseServices, type Parameters, type Service } from './postconf.ts';

export interface Postfix {
  /** Where main.cf and master.cf are. */
  readonly directory: string;
  /** Every parameter as it is in force, defaults too, with what it refers to put in. */
  readonly main: Parameters;
  readonly services: readonly Service[];
}

/**
 * @param directory of another instance than the usual one.
 * @throws {OperationalError} CONFIG, when postconf is not there or cannot read it.
 */
export async function readPostfix(run: RunProgram, directory?: string): Promise<Postfix> {
  const ask = async (...args: string[]): Promise<string> => {
    const ran = await run('postconf', [...instance(directory), ...args]);
    if (ran.code === 0) return ran.out;
    throw new OperationalError('CONFIG', `Postfix: ${complaint('postconf', ran)}`);
  };
  const [main, entries, options] = await Promise.all([ask('-x'), ask('-Mf'), ask('-xP')]);
  const parameters = parseParameters(main);
  return {
    directory: directory ?? parameters.get('config_directory') ?? '/etc/postfix',
    main: parameters,
    services: parseServices(entries, options),
  };
}

/** The option by which Postfix's commands know an instance. */
export function instance(directory: string | undefined): readonly string[] {
  return directory === undefined ? [] : ['-c', directory];
}

/** What a service uses: its own option, else main.cf. */
export function valueOf({ main }: Postfix, service: Service | undefined, name: string): string {
  return service?.options.get(name) ?? main.get(name) ?? '';
}

/** How many processes of it there may be; Infinity where there is no limit (master(5)). */
export function processLimit({ main }: Postfix, { columns }: Service): number {
  const limit = Number(columns.processLimit ?? main.get('default_process_limit') ?? 100);
  return limit === 0 ? Infinity : limit;
}

/** master(5): `-` is `n` since Postfix 3.0, and `y` before, or with such a compatibility_level. */
export function isChrooted({ main }: Postfix, { columns }: Service): boolean {
  if (columns.chroot !== undefined) return columns.chroot === 'y';
  return Number.parseFloat(main.get('compatibility_level') ?? '0') < 1;
}

/** Milliseconds of a time with Postfix's units (postconf(5)); `unit` is that of a bare number. */
export function durationMs(text: string, unit: 's' | 'd' = 's'): number | undefined {
  const [, count, given] = /^(\d+)([smhdw]?)$/.exec(text.trim()) ?? [];
  const factor = units.get(given === undefined || given === '' ? unit : given);
  return count === undefined || factor === undefined ? undefined : Number(count) * factor;
}

const units: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);
