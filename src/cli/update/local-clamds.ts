/**
 * Which clamd of this machine answers at an endpoint: a running one is found by its command line,
 * which names its clamd.conf, which names its sockets. No rights are needed for that.
 */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isLoopback, isWildcard } from '../../daemon/config-address.ts';
import { type ClamdConf, readClamdConf, realPath } from '../../daemon/config-clamd-conf.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import type { Machine, ProcessFacts } from './machine.ts';

export interface LocalClamd {
  readonly confFile: string;
  readonly conf: ClamdConf;
  /** Undefined when it does not run. */
  readonly process: ProcessFacts | undefined;
}

/** What of a clamd.conf matters to an update; defaults as in clamd.conf(5). */
export interface ReloadFacts {
  readonly concurrentReload: boolean;
  readonly databaseDirectory: string;
  readonly logFile: string | undefined;
  /** 0 is never. */
  readonly selfCheckSeconds: number;
}

export interface LocalClamds {
  /** @returns undefined for one of another machine, or of which nothing can be known. */
  find(address: ClamdAddress): LocalClamd | undefined;
}

export class FoundClamds implements LocalClamds {
  readonly #machine: Machine;
  readonly #confFiles: readonly string[];

  /** @param confFiles where a clamd.conf may be that no command line names. */
  constructor(machine: Machine, confFiles: readonly string[]) {
    this.#machine = machine;
    this.#confFiles = confFiles;
  }

  find(address: ClamdAddress): LocalClamd | undefined {
    for (const process of this.#machine.processes()) {
      if (process.name !== 'clamd') continue;
      const found = this.#among(this.#filesOf(process), address);
      if (found) return { ...found, process };
    }
    const asleep = this.#among(this.#confFiles, address);
    return asleep && { ...asleep, process: undefined };
  }

  #among(
    files: readonly string[],
    address: ClamdAddress,
  ): { confFile: string; conf: ClamdConf } | undefined {
    for (const confFile of files) {
      const conf = readClamdConf(confFile);
      if (conf && answersAt(conf, address)) return { confFile, conf };
    }
    return undefined;
  }

  #filesOf({ command }: ProcessFacts): readonly string[] {
    const named = confFileOf(command);
    if (named === undefined) return this.#confFiles;
    // What is relative to a directory of its own we do not find.
    return named.startsWith('/') ? [named] : [];
  }
}

/** @returns what clamd's command line says of its clamd.conf. */
export function confFileOf(command: readonly string[]): string | undefined {
  for (const [at, word] of command.entries()) {
    if (at === 0) continue;
    if (word === '-c' || word === '--config-file') return command[at + 1];
    const joined = /^(?:--config-file=|-c)(.+)$/.exec(word)?.[1];
    if (joined !== undefined) return joined;
  }
  return undefined;
}

export function reloadFacts(conf: ClamdConf): ReloadFacts {
  return {
    concurrentReload: isYes(conf.get('ConcurrentDatabaseReload') ?? 'yes'),
    databaseDirectory: conf.get('DatabaseDirectory') ?? '/var/lib/clamav',
    logFile: conf.get('LogFile'),
    selfCheckSeconds: Number(conf.get('SelfCheck') ?? 600),
  };
}

export function isYes(value: string): boolean {
  return /^(?:yes|true|1)$/i.test(value);
}

function answersAt(conf: ClamdConf, { connect }: ClamdAddress): boolean {
  if ('path' in connect) return realPath(conf.get('LocalSocket') ?? '') === realPath(connect.path);
  if (conf.get('TCPSocket') !== String(connect.port) || !isOwn(connect.host)) return false;
  const bound = conf.get('TCPAddr');
  // Names are not looked up: the port has to do.
  const isOther =
    bound !== undefined && isIP(bound) !== 0 && isIP(connect.host) !== 0 && bound !== connect.host;
  return !isOther || isWildcard(bound);
}

function isOwn(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return isLoopback(host) || own.some(({ address }) => address === host);
}
