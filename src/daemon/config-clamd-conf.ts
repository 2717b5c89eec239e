/**
 * What the configuration of a clamd on this machine says, and where ours contradicts it. clamd does not tell its
 * limits, so where its clamd.conf can be read it is asked. What cannot be read says nothing.
 */
import { readFileSync } from 'node:fs';
import type { ClamdCeilings } from '../scan/clamd-worth.ts';
import type { ClamdConfig } from './config.ts';
import { parseSize, showDuration, showSize } from './config-units.ts';
import type { Advice } from './config-warnings.ts';

/** Debian's and Ubuntu's; Fedora's and EL's; ClamAV's own. */
export const clamdConfFiles = [
  '/etc/clamav/clamd.conf',
  '/etc/clamd.d/scan.conf',
  '/usr/local/etc/clamd.conf',
];

/** As clamd.conf(5) calls them. */
const ceilingNames: Readonly<Record<keyof ClamdCeilings, string>> = {
  streamBytesMax: 'StreamMaxLength',
  fileBytesMax: 'MaxFileSize',
  scanMsMax: 'MaxScanTime',
};

/**
 * Which limits of each clamd are known, and which are only assumed to be as ours say: no command
 * of clamd's tells them.
 */
export function ceilingNotes(
  { clamd }: { readonly clamd: Pick<ClamdConfig, 'endpoints'> },
  files: readonly string[] = clamdConfFiles,
): Advice[] {
  return clamd.endpoints.map((endpoint) => {
    const { ceilings } = clamdConfFacts(endpoint, files);
    const names = Object.entries(ceilingNames) as [keyof ClamdCeilings, string][];
    const known = names.filter(([name]) => ceilings[name] !== undefined);
    const assumed = names.filter(([name]) => ceilings[name] === undefined);
    const words = (some: typeof names): string => some.map(([, name]) => name).join(', ');
    const text = [
      ...(known.length > 0 ? [`known from its clamd.conf: ${words(known)}`] : []),
      ...(assumed.length > 0 ? [`assumed to be as in [clamd]: ${words(assumed)}`] : []),
      ...(ceilings.fileBytesMax === undefined
        ? ['the daemon finds out a smaller MaxFileSize, and its status tells it']
        : []),
    ].join('; ');
    return { severity: 'note', key: '[clamd] endpoints', text: `${endpoint}: ${text}` };
  });
}

/** Of an option that may stand there several times, the first one. */
export type ClamdConf = ReadonlyMap<string, string>;

/** clamd.conf(5), where it is not set. */
const maxThreadsDefault = 10;

/** @param files those that are not there, or are of a clamd that we do not ask, are passed over. */
export function clamdConfAdvice(
  { clamd }: { readonly clamd: ClamdConfig },
  files: readonly string[] = clamdConfFiles,
): Advice[] {
  return files.flatMap((file) => {
    const conf = readClamdConf(file);
    return conf && isAsked(clamd, conf) ? contradictions(clamd, conf, file) : [];
  });
}

/** What the clamd.conf of a clamd on this machine says; empty where there is none to read. */
export interface ClamdConfFacts {
  /** Only limits that are set and not switched off. */
  readonly ceilings: Partial<ClamdCeilings>;
  readonly databaseDirectory?: string;
}

/** @param endpoint as configured. */
export function clamdConfFacts(
  endpoint: string,
  files: readonly string[] = clamdConfFiles,
): ClamdConfFacts {
  const conf = files
    .map(readClamdConf)
    .find((one) => one && isAsked({ endpoints: [endpoint] }, one));
  if (!conf) return { ceilings: {} };
  const limit = (key: string, name: keyof ClamdCeilings): Partial<ClamdCeilings> => {
    const value = parseSize(conf.get(key));
    // 0 is no limit.
    return value === undefined || value === 0 ? {} : { [name]: value };
  };
  const ceilings = {
    ...limit('StreamMaxLength', 'streamBytesMax'),
    ...limit('MaxFileSize', 'fileBytesMax'),
    ...limit('MaxScanTime', 'scanMsMax'),
  };
  // clamd.conf(5), where it is not set.
  return { ceilings, databaseDirectory: conf.get('DatabaseDirectory') ?? '/var/lib/clamav' };
}

/** @returns undefined where it cannot be read. */
export function readClamdConf(file: string): ClamdConf | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  return parseClamdConf(text);
}

/** Of an option that is given twice the first counts, and it may be indented, as to clamd (seen with 1.4.6). */
export function parseClamdConf(text: string): ClamdConf {
  const values = new Map<string, string>();
  for (const [, key = '', value = ''] of text.matchAll(
    /^[ \t]*([A-Za-z]\w*)[ \t]+(\S.*?)[ \t]*$/gm,
  )) {
    if (!values.has(key)) values.set(key, value.replace(/^"(.*)"$/, '$1'));
  }
  return values;
}

/** Only its own socket tells for sure that this is the clamd that scans. */
function isAsked({ endpoints }: Pick<ClamdConfig, 'endpoints'>, conf: ClamdConf): boolean {
  const socket = realPath(conf.get('LocalSocket') ?? '');
  return endpoints.some((endpoint) => realPath(endpoint.replace(/^unix:/, '')) === socket);
}

/** Debian's clamd.conf says /var/run, which is /run. */
export function realPath(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/');
}

function contradictions(clamd: ClamdConfig, conf: ClamdConf, file: string): Advice[] {
  const advice: Advice[] = [];
  const warn = (key: string, text: string): void => {
    advice.push({ severity: 'warning', key: `[clamd] ${key}`, text: `${text} (${file})` });
  };
  const threads = Number(conf.get('MaxThreads') ?? maxThreadsDefault);
  if (clamd.inflightMax >= threads) {
    const asked = 'clamd may not answer when it is asked how it is';
    warn(
      'inflight_max',
      `${clamd.inflightMax} is not below clamd's MaxThreads ${threads}: ${asked}`,
    );
  }
  for (const { key, name, ours, show, so } of limitsOf(clamd)) {
    const theirs = parseSize(conf.get(name));
    // 0 is no limit.
    if (theirs === undefined || theirs === 0 || ours <= theirs) continue;
    warn(key, `${show(ours)} is above clamd's ${name} ${show(theirs)}: ${so}`);
  }
  if (!/^(?:yes|true|1)$/i.test(conf.get('AlertExceedsMax') ?? 'no')) {
    const text =
      'AlertExceedsMax is not set: clamd calls clean what it did not look at inside archives, ' +
      'PDFs and office documents; [rules] limits_silent decides about those. Set AlertExceedsMax yes';
    advice.push({ severity: 'warning', key: '[clamd] endpoints', text: `${text} (${file})` });
  }
  return advice;
}

function limitsOf(clamd: ClamdConfig) {
  const unseen = 'what lies between is called clean, and nobody looked at it';
  return [
    {
      key: 'stream_max_length',
      name: 'StreamMaxLength',
      ours: clamd.streamMaxLengthBytes,
      show: showSize,
      so: 'what lies between is sent in vain',
    },
    {
      key: 'max_file_size',
      name: 'MaxFileSize',
      ours: clamd.maxFileSizeBytes,
      show: showSize,
      so: unseen,
    },
    {
      key: 'max_scan_time',
      name: 'MaxScanTime',
      ours: clamd.maxScanTimeMs,
      show: showDuration,
      so: unseen,
    },
  ];
}
