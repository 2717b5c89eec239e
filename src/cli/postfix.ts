/** `clamgate postfix`: prints what main.cf and master.cf need; changing them is postfix-change.ts. */
import { runProgram } from '../run-program.ts';
import type { CliContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { placedConfig } from './listen-places.ts';
import { postfixEntries } from './postfix-entries.ts';
import type { PostfixEntries, Service, Setting } from './postfix-entry.ts';

export interface PostfixOptions {
  /** Else what Postfix says, where it is asked, and Postfix's default. */
  readonly queueDirectory?: string;
  /** Of another instance than the usual one. */
  readonly configDirectory?: string;
  readonly diff?: true;
  readonly apply?: true;
  readonly undo?: true;
  readonly reload?: true;
}

const usualQueueDirectory = '/var/spool/postfix';

/**
 * @throws {ConfigError} naming every problem with its line.
 * @throws {OperationalError} when Postfix cannot be read, or does not want a change.
 * @throws {CliFailure} config, when nobody knows where a listener of systemd is.
 */
export async function postfix(context: CliContext, options: PostfixOptions): Promise<void> {
  if (options.reload && !options.apply && !options.undo) {
    throw new CliFailure(exitCodes.usage, '--reload goes with --apply or --undo');
  }
  if (options.diff ?? options.apply ?? options.undo) {
    const { changePostfix } = await import('./postfix-change.ts');
    await changePostfix(context, options);
    return;
  }
  const queueDirectory = options.queueDirectory ?? usualQueueDirectory;
  const config = await placedConfig(await context.config(), runProgram);
  const entries = postfixEntries(config, queueDirectory);
  const written = { mainCf: mainCfText(entries), masterCf: masterCfText(entries) };
  context.result({ ...entries, text: written }, () =>
    [
      '# --- main.cf ---',
      written.mainCf,
      '# --- master.cf ---',
      written.masterCf,
      ...entries.notes.map((note) => `# Note: ${note}`),
    ].join('\n'),
  );
}

function mainCfText({ mainCf }: PostfixEntries): string {
  const lines = mainCf.flatMap(({ name, value, why }) => [...comment(why), `${name} = ${value}`]);
  return `${lines.join('\n')}\n`;
}

function masterCfText({ masterCf }: PostfixEntries): string {
  return masterCf.map((service) => `${serviceText(service)}\n`).join('\n');
}

/** The columns of master(5); a comment may stand between an entry and its options. */
function serviceText(service: Service): string {
  const { name, type, chroot, processes, command } = service;
  const columns = [
    name.padEnd(9),
    type.padEnd(5),
    service.private.padEnd(7),
    '-'.padEnd(7),
    chroot.padEnd(7),
    '-'.padEnd(7),
    String(processes).padEnd(7),
    command,
  ];
  return [...comment(service.why), columns.join(' '), ...service.options.flatMap(optionText)].join(
    '\n',
  );
}

function optionText({ name, value, why }: Setting): string[] {
  return [...comment(why), `    -o ${name}=${value}`];
}

function comment(text: string | undefined): string[] {
  return text === undefined ? [] : [`# ${text}`];
}
