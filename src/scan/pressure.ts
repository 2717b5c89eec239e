/** How much tasks of this machine wait for memory, disk and processor: the kernel's PSI. */
import { readFile } from 'node:fs/promises';

/** Per cent of the last ten seconds; undefined where the kernel does not tell. */
export interface Pressure {
  readonly memory: number | undefined;
  readonly io: number | undefined;
  readonly cpu: number | undefined;
}

/** @param directory usually /proc/pressure (proc_pressure(5)). */
export async function readPressure(directory: string): Promise<Pressure> {
  const [memory, io, cpu] = await Promise.all(
    ['memory', 'io', 'cpu'].map(async (name) => {
      // Absent without CONFIG_PSI; EOPNOTSUPP where it is switched off at boot.
      const text = await readFile(`${directory}/${name}`, 'latin1').catch(() => '');
      return parsePressure(text);
    }),
  );
  return { memory, io, cpu };
}

/** Reads 'some avg10=0.22 avg60=0.17 avg300=1.11 total=58761459'. */
export function parsePressure(text: string): number | undefined {
  const avg10 = /^some avg10=(\d+(?:\.\d+)?) /m.exec(text)?.[1];
  return avg10 === undefined ? undefined : Number(avg10);
}
