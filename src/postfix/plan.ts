/**
 * What would have to change in a Postfix for it to have what is wanted: the difference, as values.
 * What an operator chose and nothing here depends on stays: chroot, process limits, further options.
 */
import type { Postfix } from './installation.ts';
import type { Service } from './postconf.ts';

export interface WantedSetting {
  readonly name: string;
  readonly value: string;
  /** A list in which others may stand besides. */
  readonly list?: true;
}

export interface WantedService {
  readonly name: string;
  readonly type: string;
  readonly private: string;
  readonly chroot: string;
  readonly processes: number;
  readonly command: string;
  readonly options: readonly WantedSetting[];
}

export interface Wanted {
  readonly mainCf: readonly WantedSetting[];
  readonly masterCf: readonly WantedService[];
}

/** `from` is what is in force; absent where there is nothing yet. */
export type Change =
  | Named<'setting'>
  /** The whole entry as one line; its options are in it. */
  | Named<'service'>
  /** An option of an entry that is there: `name` is `service/type/option`. */
  | Named<'option'>;

interface Named<Kind extends string> {
  readonly kind: Kind;
  readonly name: string;
  readonly from?: string;
  readonly to: string;
}

export interface Plan {
  readonly changes: readonly Change[];
  /** What is in the way: nothing may be changed while there is any. */
  readonly conflicts: readonly string[];
}

export function planChanges(postfix: Postfix, wanted: Wanted): Plan {
  const changes = [
    ...wanted.mainCf.flatMap((setting) => settingChange(postfix, setting)),
    ...wanted.masterCf.flatMap((service) => serviceChanges(postfix, service)),
  ];
  const conflicts = wanted.masterCf.flatMap((service) => conflictsOf(postfix, service));
  return { changes, conflicts };
}

function settingChange({ main }: Postfix, { name, value, list }: WantedSetting): Change[] {
  const from = main.get(name);
  const to = list === true ? together(from ?? '', value) : value;
  if (isSame(from, to)) return [];
  return [{ kind: 'setting', name, ...given(from), to }];
}

/** What is there, and what of the wanted is missing. */
function together(there: string, wanted: string): string {
  const words = listed(there);
  const missing = listed(wanted).filter((word) => !words.includes(word));
  return missing.length === 0 ? there : [...words, ...missing].join(', ');
}

function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function serviceChanges({ services }: Postfix, wanted: WantedService): Change[] {
  const name = `${wanted.name}/${wanted.type}`;
  const there = services.find((one) => one.name === wanted.name && one.type === wanted.type);
  if (there === undefined) return [{ kind: 'service', name, to: entryText(fresh(wanted)) }];
  const options = wanted.options.filter(
    (option) => !isSame(there.options.get(option.name), option.value),
  );
  const own = there.columns.private ?? 'y';
  // `postconf -P` takes no white space in a value.
  const needsRewriting =
    there.command !== wanted.command ||
    own !== (wanted.private === '-' ? 'y' : wanted.private) ||
    options.some(({ value }) => /\s/.test(value));
  if (needsRewriting) {
    const to = entryText(rewritten(there, wanted));
    return [{ kind: 'service', name, from: entryText(there), to }];
  }
  return options.map((option): Change => {
    const from = given(there.options.get(option.name));
    return { kind: 'option', name: `${name}/${option.name}`, ...from, to: option.value };
  });
}

function conflictsOf({ services }: Postfix, wanted: WantedService): string[] {
  const { name, type, command } = wanted;
  return services.flatMap((other) => {
    if (other.name === name && other.type === type) {
      return isKin(other.command, command)
        ? []
        : [`${name}/${type} of master.cf is something else (${other.command}): rename that`];
    }
    if (type !== 'inet' || other.type !== 'inet' || portOf(other.name) !== portOf(name)) return [];
    // Two hosts may share a port; a name without one has all of them.
    const reaches = !other.name.includes(':') || hostOf(other.name) === 'localhost';
    return reaches
      ? [`${other.name}/inet of master.cf has the port of ${name}: take one of them away`]
      : [];
  });
}

/** smtp(8) and lmtp(8) are one program, and may follow each other when the protocol changes. */
function isKin(one: string, other: string): boolean {
  const clients = ['smtp', 'lmtp'];
  return one === other || (clients.includes(one) && clients.includes(other));
}

function portOf(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}

function hostOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(':')));
}

function fresh(wanted: WantedService): Service {
  return {
    name: wanted.name,
    type: wanted.type,
    columns: {
      private: wanted.private === '-' ? undefined : wanted.private,
      unprivileged: undefined,
      chroot: wanted.chroot,
      wakeup: undefined,
      processLimit: String(wanted.processes),
    },
    command: wanted.command,
    options: new Map(wanted.options.map(({ name, value }) => [name, value])),
  };
}

/** With what the operator added, but for what is said to a program that it no longer is. */
function rewritten(there: Service, wanted: WantedService): Service {
  const made = fresh(wanted);
  const isStale = (name: string): boolean =>
    there.command !== wanted.command && name.startsWith(`${there.command}_`);
  const kept = [...there.options].filter(([name]) => !isStale(name));
  const { chroot, processLimit } = there.columns;
  return {
    ...made,
    columns: { ...made.columns, chroot, processLimit },
    options: new Map([...kept, ...made.options]),
  };
}

/** As `postconf -M` takes it; in braces a value may hold spaces (master(5)). */
function entryText({ name, type, columns, command, options }: Service): string {
  const { private: own, unprivileged, chroot, wakeup, processLimit } = columns;
  const marks = [own, unprivileged, chroot, wakeup, processLimit].map((mark) => mark ?? '-');
  const said = Array.from(options, ([option, value]) =>
    /\s/.test(value) ? `-o {${option}=${value}}` : `-o ${option}=${value}`,
  );
  return [name, type, ...marks, command, ...said].join(' ');
}

function isSame(one: string | undefined, other: string): boolean {
  return one !== undefined && listed(one).join(' ') === listed(other).join(' ');
}

function given(from: string | undefined): { from?: string } {
  return from === undefined ? {} : { from };
}
