/** `clamgate postfix`: prints what main.cf and master.cf need; it changes nothing. */
import type { CliContext } from './context.ts';
import {
  postfixEntries,
  type PostfixEntries,
  type Service,
  type Setting,
} from './postfix-entries.ts';

export interface PostfixOptions {
  readonly queueDirectory: string;
}

/** @throws {ConfigError} naming every problem with its line. */
export async function postfix(context: CliContext, options: PostfixOptions): Promise<void> {
  const entries = postfixEntries(await context.config(), options.queueDirectory);
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
