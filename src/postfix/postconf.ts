/** What postconf(1) prints, as values: parameters, and the services of master.cf with their options. */

export type Parameters = ReadonlyMap<string, string>;

/** An entry of master.cf (master(5)); a column that is `-` is undefined. */
export interface Service {
  /** As the first column has it: `scan`, `smtp`, `127.0.0.1:10025`. */
  readonly name: string;
  /** inet, unix, unix-dgram, fifo, pass. */
  readonly type: string;
  readonly columns: Columns;
  /** The program, such as `smtpd`, without its options. */
  readonly command: string;
  /** Its `-o name=value`. */
  readonly options: Parameters;
}

export interface Columns {
  readonly private: string | undefined;
  readonly unprivileged: string | undefined;
  readonly chroot: string | undefined;
  readonly wakeup: string | undefined;
  /** How many processes at most; undefined is default_process_limit, 0 no limit. */
  readonly processLimit: string | undefined;
}

/** `name = value` on each line, as `postconf` and `postconf -n` print it. */
export function parseParameters(out: string): Parameters {
  return new Map(pairs(out));
}

/**
 * @param entries of `postconf -Mf`: an entry on one line, its options on lines that are indented.
 * @param options of `postconf -P`: `service/type/name = value`, whatever braces master.cf has.
 */
export function parseServices(entries: string, options: string): readonly Service[] {
  const byService = optionsOf(options);
  return entries
    .split('\n')
    .filter((line) => /^\S/.test(line))
    .map((line) => serviceOf(line, byService))
    .filter((service) => service !== undefined);
}

function serviceOf(
  line: string,
  byService: ReadonlyMap<string, Map<string, string>>,
): Service | undefined {
  const [name, type, ...rest] = line.split(/\s+/);
  const [own, unprivileged, chroot, wakeup, processLimit] = rest.map(stated);
  const command = rest[5];
  if (name === undefined || type === undefined || command === undefined) return undefined;
  return {
    name,
    type,
    columns: { private: own, unprivileged, chroot, wakeup, processLimit },
    command,
    options: byService.get(`${name}/${type}`) ?? new Map<string, string>(),
  };
}

function stated(column: string): string | undefined {
  return column === '-' ? undefined : column;
}

/** The name of a service may hold slashes, a type and the name of a parameter do not. */
function optionsOf(out: string): Map<string, Map<string, string>> {
  const byService = new Map<string, Map<string, string>>();
  for (const [path, value] of pairs(out)) {
    const [, service, name] = /^(.+\/[^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (service === undefined || name === undefined) continue;
    const options = byService.get(service) ?? new Map<string, string>();
    byService.set(service, options.set(name, value));
  }
  return byService;
}

function pairs(out: string): [string, string][] {
  return Array.from(out.matchAll(/^(\S+) =[ ]?(.*)$/gm), ([, name = '', value = '']) => [
    name,
    value,
  ]);
}
