/** The tables [[banned]] of the configuration: what may not pass, where, and what becomes of it. */
import { z } from 'zod';
import type { BannedRule } from '../verdict/banned.ts';
import { nameTricks } from '../verdict/file-name.ts';
import type { Action } from '../verdict/rules.ts';
import { setting, text, word } from './config-setting.ts';

const none: readonly string[] = [];

const patterns = (expects: string, form: RegExp) =>
  z.array(text(expects, (value) => form.test(value))).default([...none]);

export const bannedShape = {
  name: text('a word for the log, such as "executables"', (value) => /^[\w.-]{1,64}$/.test(value)),
  action: word<Action>('pass', 'tag', 'quarantine', 'reject', 'discard', 'defer').optional(),
  names: patterns(
    'a pattern for a name without its folders, such as "*.exe"',
    /^[^/\\\p{Cc}]{1,200}$/u,
  ),
  types: patterns(
    'a pattern for a type, such as "application/x-ms*"',
    /^[!-.0-~]{1,127}\/[!-.0-~]{1,127}$/,
  ),
  real_types: patterns(
    'a type such as "application/x-elf", or its extension such as "exe"',
    /^[!-~]{1,255}$/,
  ),
  tricks: z.array(word(...nameTricks)).default([]),
  unlisted: setting('true or false', (value) =>
    typeof value === 'boolean' ? value : undefined,
  ).default(false),
  in_archives: setting('true or false', (value) =>
    typeof value === 'boolean' ? value : undefined,
  ).default(true),
  listeners: patterns('a pattern for the address of a listener', /^[!-~]{1,255}$/),
  senders: patterns('a pattern for an address, such as "*@example.org"', /^\S{0,255}$/),
  recipients: patterns('a pattern for an address, such as "*@example.org"', /^\S{1,255}$/),
};

export type BannedTable = z.output<z.ZodObject<typeof bannedShape>>;

/** @param action where the rule names none. */
export function bannedRuleOf(table: BannedTable, action: Action): BannedRule {
  return {
    name: table.name,
    action: table.action ?? action,
    names: table.names.map(folded),
    types: table.types.map(folded),
    realTypes: table.real_types.map(folded),
    tricks: table.tricks,
    unlisted: table.unlisted,
    inArchives: table.in_archives,
    listeners: table.listeners.map(folded),
    senders: table.senders.map(folded),
    recipients: table.recipients.map(folded),
  };
}

function folded(glob: string): string {
  return glob.normalize('NFKC').toLowerCase();
}

interface Unsound {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What no single key shows: two rules of one name, and a rule that bans nothing. */
export function bannedProblems(rules: readonly BannedRule[]): Unsound[] {
  return rules.flatMap((rule, at) => {
    const { name, names, types, realTypes, tricks, unlisted } = rule;
    const isSecond = rules.findIndex((other) => other.name === name) < at;
    const bans = [names, types, realTypes, tricks].some(({ length }) => length > 0) || unlisted;
    return [
      ...(isSecond
        ? [{ path: ['banned', at, 'name'], message: `"${name}" is taken by a rule above` }]
        : []),
      ...(bans
        ? []
        : [
            {
              path: ['banned', at],
              message: 'bans nothing: it needs names, types, real_types, tricks or unlisted',
            },
          ]),
    ];
  });
}
