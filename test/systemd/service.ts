/** What the tests ask of the service, in the words of systemctl. */
import { once } from 'node:events';
import { execPath } from 'node:process';
import { join } from 'node:path';
import type { Knocked } from './knock.ts';
import type { Machine } from './machine.ts';

const unit = 'clamgate.service';

/** One property of the service. */
export async function property(machine: Machine, name: string): Promise<string> {
  return machine.sh(`systemctl show --value -p ${name} ${unit}`);
}

/** A drop-in of a unit, or with '' none; systemd has read it when this resolves. */
export async function dropIn(machine: Machine, text: string, of = unit): Promise<void> {
  const directory = `/run/systemd/system/${of}.d`;
  const write = `mkdir -p ${directory} && printf '%b' '${text.replaceAll('\n', '\\n')}' > ${directory}/test.conf`;
  await machine.sh(`${text === '' ? `rm -rf ${directory}` : write} && systemctl daemon-reload`);
}

/** Waits until another process than `pid` is the daemon, and it is ready. @returns the new one. */
export async function successor(machine: Machine, pid: string, seconds = 90): Promise<string> {
  const show = `systemctl show -p ActiveState,SubState,MainPID ${unit}`;
  const other = new RegExp(
    `^MainPID=(?!${pid}$|0$)\\d+\\nActiveState=active\\nSubState=running$`,
    'm',
  );
  const seen = await machine.until(show, other, seconds);
  return /MainPID=(\d+)/.exec(seen)?.[1] ?? '';
}

/** Connects to the listener all the time while `act` runs, and a little before and after. */
export async function knocking(machine: Machine, act: () => Promise<void>): Promise<Knocked> {
  const script = join(import.meta.dirname, 'knock.ts');
  const child = machine.spawnBeside([execPath, script, '10024'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output = child.stdout?.toArray() as Promise<Buffer[]>;
  try {
    await machine.sh('sleep 1');
    await act();
    await machine.sh('sleep 1');
  } finally {
    child.stdin?.end();
  }
  await once(child, 'exit');
  return JSON.parse(Buffer.concat(await output).toString()) as Knocked;
}
