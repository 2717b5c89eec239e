/** What the figures were taken on: they mean little without it. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly clamd: string;
  readonly postfix: string;
  /** Before the run: processes that wanted a core, one minute's mean. Others' work is in the figures. */
  readonly loadBefore: number;
}

export function machine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryBytes: totalmem(),
    node: process.version,
    clamd: output('/usr/sbin/clamd', ['--version']).split('/')[0] ?? '',
    postfix: `Postfix ${output('/usr/sbin/postconf', ['-dh', 'mail_version'])}`,
    loadBefore: loadavg()[0] ?? NaN,
  };
}

/** In words, without the load. */
export function machineText({ cpu, cores, memoryBytes, node, clamd, postfix }: Machine): string {
  const memory = (memoryBytes / 1024 ** 3).toFixed(0);
  return `${cores} cores (${cpu}), ${memory} GiB; Node.js ${node}, ${clamd}, ${postfix}`;
}

function output(program: string, options: readonly string[]): string {
  return execFileSync(program, options, { encoding: 'utf8' }).trim();
}
