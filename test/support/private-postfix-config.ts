/**
 * main.cf and master.cf of a private Postfix. The entries that concern the filter are read from
 * fixtures/postfix, where users copy them from; only their ports are replaced.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PostfixOptions {
  /** Where every message is handed before delivery; without it nothing is filtered. */
  readonly filter?: {
    readonly protocol: 'smtp' | 'lmtp';
    /** A port on 127.0.0.1, or for LMTP also the path of a Unix socket. */
    readonly address: number | string;
    /** Options of the filter transport, e.g. `smtp_data_done_timeout=5s`. */
    readonly options?: readonly string[];
  };
  /** How many messages are in the filter at once; 10 unless told otherwise. */
  readonly processes?: number;
  /** Whether the smtpd processes run chrooted in the queue directory, as Debian's do. */
  readonly chrooted?: boolean;
  /** Lines of main.cf, in place of ours of that name, e.g. `smtputf8_enable = no`. */
  readonly mainCf?: readonly string[];
  /** Options of the smtpd that takes submissions, e.g. `smtpd_milters=inet:127.0.0.1:1234`. */
  readonly submitOptions?: readonly string[];
  /** Options of the re-injection smtpd. */
  readonly reinjectOptions?: readonly string[];
  /** Further entries of master.cf. */
  readonly masterCf?: readonly string[];
}

/** What is different for each instance. */
export interface Place {
  readonly directory: string;
  readonly submitPort: number;
  readonly reinjectPort: number;
  readonly sinkPort: number;
}

export function mainCf(place: Place, options: PostfixOptions): string {
  const { directory, sinkPort } = place;
  const { filter } = options;
  return lastOfEach([
    ...fixture('private-instance.main.cf').split('\n'),
    `queue_directory = ${directory}/queue`,
    `data_directory = ${directory}/data`,
    `maillog_file = ${directory}/mail.log`,
    `maillog_file_prefixes = ${directory}`,
    `relayhost = [127.0.0.1]:${sinkPort}`,
    ...(filter === undefined ? [] : contentFilter(filter.address).split('\n')),
    ...(options.mainCf ?? []),
  ]);
}

/**
 * The last setting of each name. Of two, every process of Postfix would warn in its log, postlogd as
 * well: it writes to the socket that it reads, and once that is full all of Postfix stands still.
 */
function lastOfEach(lines: readonly string[]): string {
  const settings = new Map<string, string>();
  for (const line of lines) {
    const [, name] = /^(\w+) *=/.exec(line) ?? [];
    if (name !== undefined) settings.set(name, line);
  }
  return `${[...settings.values()].join('\n')}\n`;
}

export function masterCf(place: Place, options: PostfixOptions): string {
  const chroot = options.chrooted === true ? 'y' : 'n';
  const reinject = fixture('reinject.master.cf')
    .replace('127.0.0.1:10025', `127.0.0.1:${place.reinjectPort}`)
    .replace(/^(127\S* inet +n +- +)n( +- +)\d+/m, `$1${chroot}$2${options.processes ?? 20}`);
  return [
    fixture('private-instance.master.cf'),
    `127.0.0.1:${place.submitPort} inet n - ${chroot} - - smtpd`,
    ...optionLines(options.submitOptions),
    reinject.trimEnd(),
    ...optionLines(options.reinjectOptions),
    ...(options.filter === undefined ? [] : filterTransport(options.filter, options.processes)),
    ...(options.masterCf ?? []),
    '',
  ].join('\n');
}

function filterTransport(filter: NonNullable<PostfixOptions['filter']>, processes = 10): string[] {
  const entry = fixture(`scan-${filter.protocol}.master.cf`).trimEnd();
  return [
    entry.replace(/^(scan .* )10( +\w+)$/m, `$1${processes}$2`),
    ...optionLines(filter.options),
  ];
}

function contentFilter(address: number | string): string {
  const destination = typeof address === 'number' ? `[127.0.0.1]:${address}` : `unix:${address}`;
  return fixture('content-filter.main.cf').replace('[127.0.0.1]:10024', destination);
}

/** In braces a value may hold spaces (master(5)). */
function optionLines(options: readonly string[] = []): string[] {
  return options.map((option) => `    -o { ${option} }`);
}

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, '../../fixtures/postfix', name), 'utf8');
}
