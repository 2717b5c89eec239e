/**
 * A machine with a systemd of its own, made from the one that runs: an overlay of its root, booted in
 * a container. What it writes stays in a throw-away directory, and its network is its own. It goes
 * when it is closed, or when this process ends, whatever ends it.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeWorkdir, type Workdir } from '../support/workdir.ts';

export interface Ran {
  readonly code: number | null;
  /** What it wrote, to both outputs. */
  readonly output: string;
}

/** Why there is no machine here: it is a matter of where we run, and no failure. */
export class CannotBoot extends Error {
  override readonly name = 'CannotBoot';
}

const bootMs = 120_000;

/**
 * The overlay is mounted in a mount namespace of its own, so that it goes with its last process. Only
 * what is asked for is started; what may lie here of an installed clamgate is not seen.
 */
const boot = `
set -e
cd "$1"
echo $$ > "$2/cgroup.procs"
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
rm -rf root/etc/systemd/system/*.wants root/var/log/journal root/etc/machine-id
rm -rf root/etc/clamgate root/var/lib/clamgate root/var/lib/clamav/* root/etc/systemd/system/clamgate*
# In images for containers it forbids packages to start what they install.
rm -f root/usr/sbin/policy-rc.d
cp -R --no-preserve=ownership seed/. root/
od -An -N16 -tx1 /dev/urandom | tr -d ' ' > root/etc/machine-id
exec systemd-nspawn --quiet --boot --directory=root --machine="$3" --private-network --register=no \\
  --keep-unit --link-journal=no --console=pipe`;

export class Machine {
  readonly #workdir: Workdir;
  readonly #cgroup: string;
  readonly #nspawn: ChildProcess;
  readonly #init: number;

  private constructor(parts: {
    workdir: Workdir;
    cgroup: string;
    nspawn: ChildProcess;
    init: number;
  }) {
    this.#workdir = parts.workdir;
    this.#cgroup = parts.cgroup;
    this.#nspawn = parts.nspawn;
    this.#init = parts.init;
  }

  /**
   * @param files that it has beside those of this machine, by their paths.
   * @throws {CannotBoot} where containers cannot be had.
   */
  static async boot(files: Readonly<Record<string, string | Buffer>>): Promise<Machine> {
    const workdir = makeWorkdir();
    const name = workdir.path.split('/').at(-1) ?? '';
    for (const directory of ['upper', 'work', 'root', 'seed'])
      mkdirSync(join(workdir.path, directory));
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(workdir.path, 'seed', path)), { recursive: true });
      writeFileSync(join(workdir.path, 'seed', path), content);
    }
    const { cgroup, legacy } = makeCgroup(name);
    const args = ['--mount', '--propagation', 'private', 'sh', '-c', boot, 'boot'];
    const nspawn = spawn('unshare', [...args, workdir.path, cgroup, name], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: legacy ? '0' : '1' },
    });
    own(workdir, 'nspawn.group', nspawn.pid);
    const console = collected(nspawn);
    try {
      const init = await initOf(nspawn, console);
      own(workdir, 'init.group', init);
      const machine = new Machine({ workdir, cgroup, nspawn, init });
      await machine.#booted();
      return machine;
    } catch (error) {
      nspawn.kill('SIGKILL');
      await workdir.remove();
      await removeCgroup(cgroup);
      throw error;
    }
  }

  /** Runs a command as root of the machine, to its end. */
  async run(command: string, seconds = 60): Promise<Ran> {
    const child = this.spawn(['sh', '-c', command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    });
    const output = collected(child);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: output() };
  }

  /** As `run`; throws when it fails. @returns what it wrote. */
  async sh(command: string, seconds = 60): Promise<string> {
    const { code, output } = await this.run(command, seconds);
    if (code !== 0) throw new Error(`${command}: exit status ${code ?? 'none'}\n${output}`);
    return output.trim();
  }

  /** Resolves to its output when that matches; the last one is told when it never does. */
  async until(command: string, pattern: RegExp, seconds = 60): Promise<string> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const { output } = await this.run(command);
      if (pattern.test(output)) return output.trim();
      if (performance.now() > end) {
        const journal = await this.run('journalctl -n 40 --no-pager -o short-monotonic');
        throw new Error(
          `${command} never matched ${String(pattern)}; last:\n${output}\n${journal.output}`,
        );
      }
      await delay(200);
    }
  }

  spawn(command: readonly string[], options: SpawnOptions): ChildProcess {
    const namespaces = ['-m', '-u', '-i', '-n', '-p', '-C'];
    return spawn('nsenter', ['-t', String(this.#init), ...namespaces, '--', ...command], {
      ...options,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    });
  }

  /** A program of this machine, in the network of that one. */
  spawnBeside(command: readonly string[], options: SpawnOptions): ChildProcess {
    return spawn('nsenter', ['-t', String(this.#init), '-n', '--', ...command], options);
  }

  /** Where a file of the machine is seen from here. */
  path(file: string): string {
    return join('/proc', String(this.#init), 'root', file);
  }

  async close(): Promise<void> {
    const ended = once(this.#nspawn, 'exit');
    if (existsSync(`/proc/${this.#init}`)) process.kill(this.#init, 'SIGKILL');
    this.#nspawn.kill('SIGKILL');
    if (this.#nspawn.exitCode === null && this.#nspawn.signalCode === null) await ended;
    await this.#workdir.remove();
    await removeCgroup(this.#cgroup);
  }

  async #booted(): Promise<void> {
    const end = performance.now() + bootMs;
    for (;;) {
      const { output } = await this.run('systemctl is-system-running', 30);
      if (/^(running|degraded)$/m.test(output)) return;
      if (performance.now() > end) throw new CannotBoot(`systemd does not come up: ${output}`);
      await delay(200);
    }
  }
}

/** A group of its own, so that what the container makes there can be found and removed. */
function makeCgroup(name: string): { cgroup: string; legacy: boolean } {
  const legacy = existsSync('/sys/fs/cgroup/systemd');
  const cgroup = join(legacy ? '/sys/fs/cgroup/systemd' : '/sys/fs/cgroup', name);
  try {
    mkdirSync(cgroup);
  } catch (error) {
    throw new CannotBoot(`no control group can be made here: ${String(error)}`);
  }
  return { cgroup, legacy };
}

/** A group is empty a moment after its last process has ended. */
async function removeCgroup(cgroup: string): Promise<void> {
  for (let tried = 0; tried < 50 && existsSync(cgroup); tried++) {
    const find = spawn('find', [cgroup, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'], {
      stdio: 'ignore',
    });
    await once(find, 'exit');
    if (existsSync(cgroup)) await delay(100);
  }
}

/** The process group of `pid` goes with the directory. */
function own(workdir: Workdir, name: string, pid: number | undefined): void {
  const file = join(workdir.path, name);
  writeFileSync(file, `${pid ?? ''}\n`);
  workdir.owns(file);
}

/** The first process of the container, as this machine knows it. */
async function initOf(nspawn: ChildProcess, console: () => string): Promise<number> {
  const end = performance.now() + bootMs;
  const children = `/proc/${nspawn.pid ?? 0}/task/${nspawn.pid ?? 0}/children`;
  while (nspawn.exitCode === null && performance.now() < end) {
    const [pid] = existsSync(children) ? readFileSync(children, 'utf8').split(' ') : [];
    if (pid !== undefined && commandOf(pid) === 'systemd') return Number(pid);
    await delay(50);
  }
  throw new CannotBoot(`systemd-nspawn does not start here: ${console().trim()}`);
}

function commandOf(pid: string): string | undefined {
  const file = `/proc/${pid}/comm`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function collected(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  }
  return () => text;
}
