/**
 * How long a clamd took to load its signatures the last time: by its own log where that has times,
 * else by its journal, else by how long systemd saw it start (Type=forking), else by the age of its
 * socket, which it makes when it has loaded.
 */
import { stat } from 'node:fs/promises';
import type { ClamdConf, LoadTime, ProcessFacts, Unit } from '../facts.ts';
import { type Host, output } from '../host.ts';
import { parseCtime } from './clamd.ts';
import { startMs } from './units.ts';

interface Line {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly text: string;
}

export interface LoadSources {
  readonly conf: ClamdConf | undefined;
  readonly running: ProcessFacts | undefined;
  readonly unit: Unit | undefined;
  /** Its Unix socket, where it made that itself. */
  readonly socket: string | undefined;
}

/** @throws when nothing tells. */
export async function measureLoad(host: Host, sources: LoadSources): Promise<LoadTime> {
  const { conf, running, unit, socket } = sources;
  const file = conf?.values.get('LogFile');
  const log = file === undefined ? undefined : await host.readText(file).catch(() => undefined);
  const byLog = loadTimeIn(logLines(log ?? ''));
  if (byLog !== undefined) return { ms: byLog, source: file ?? '' };
  const name = running?.unit ?? unit?.get('Id');
  const byJournal = name === undefined ? undefined : await inJournal(host, name);
  if (byJournal !== undefined) return { ms: byJournal, source: 'the journal' };
  // clamd's parent waits until the signatures are loaded.
  const bySystemd = unit?.get('Type') === 'forking' ? startMs(unit) : undefined;
  if (bySystemd !== undefined) return { ms: bySystemd, source: 'systemctl show' };
  if (running === undefined || socket === undefined) throw new Error('nothing tells of it');
  const { birthtimeMs } = await stat(socket);
  if (birthtimeMs < running.started) throw new Error('its socket is older than itself');
  return { ms: birthtimeMs - running.started, source: 'from its start to its socket' };
}

/** From `Reading databases from` to `Loaded N signatures` (start) or `correctly reloaded`; the last one. */
export function loadTimeIn(lines: readonly Line[]): number | undefined {
  let [begun, ms]: [number | undefined, number | undefined] = [undefined, undefined];
  for (const { at, text } of lines) {
    if (/Reading databases from/.test(text)) begun = at;
    if (!/Loaded \d+ signatures|Database correctly reloaded/.test(text)) continue;
    if (begun !== undefined) ms = at - begun;
    begun = undefined;
  }
  return ms;
}

/** 'Thu Nov 27 08:00:00 2026 -> text', with LogTime. */
export function logLines(log: string): Line[] {
  return log.split('\n').flatMap((line) => {
    const end = line.indexOf(' -> ');
    const at = end < 0 ? undefined : parseCtime(line.slice(0, end));
    return at === undefined ? [] : [{ at, text: line.slice(end + 4) }];
  });
}

async function inJournal(host: Host, unit: string): Promise<number | undefined> {
  const args = ['-u', unit, '-o', 'short-unix', '--no-pager', '-n', '5000'];
  const out = await output(host, 'journalctl', args).catch(() => '');
  return loadTimeIn(
    Array.from(out.matchAll(/^(\d+\.\d+) (.*)$/gm), ([, seconds = '', text = '']) => ({
      at: Number(seconds) * 1000,
      text,
    })),
  );
}
