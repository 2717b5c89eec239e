/** The administrator's rules about what may not pass, whoever called it harmless. Plain data. */
import { nameForms, type NameTrick, tricksIn } from './file-name.ts';
import type { Finding } from './finding.ts';
import { matchesGlob } from './glob.ts';
import type { Action, Rules } from './rules.ts';
import { strictest } from './strictness.ts';

/** A rule bans what has any of these; one without any bans nothing. All patterns are in lower case. */
export interface BannedRule {
  /** For the log, and to be told from others. */
  readonly name: string;
  readonly action: Action;
  /** Globs for the last component of a name. */
  readonly names: readonly string[];
  /** Globs for the declared type. */
  readonly types: readonly string[];
  /** Globs for the type that the content has, or for the extension that belongs to that. */
  readonly realTypes: readonly string[];
  readonly tricks: readonly NameTrick[];
  /** Archives of which not all names can be read. */
  readonly unlisted: boolean;
  /** Whether names in archives count. */
  readonly inArchives: boolean;
  /** Where it holds, as globs; everywhere where a list is empty. */
  readonly listeners: readonly string[];
  readonly senders: readonly string[];
  readonly recipients: readonly string[];
}

/** What may be banned: a part, a reading, a file in an archive. */
export interface Thing {
  readonly names?: readonly string[];
  readonly types?: readonly string[];
  readonly realTypes?: readonly string[];
  readonly isInArchive?: boolean;
  /** An archive of which names may be missing. */
  readonly isUnlisted?: boolean;
}

/** Whom a message is for, by which door, from whom. */
export interface Addressed {
  readonly listener: string;
  readonly sender: string;
  readonly recipient: string;
}

/** The rules that ban the thing, in their order, wherever they hold. */
export function rulesAgainst(thing: Thing, rules: readonly BannedRule[]): readonly string[] {
  const names = thing.names ?? [];
  const forms = names.flatMap((name) => [...nameForms(name)]);
  const tricks = new Set(names.flatMap((name) => [...tricksIn(name)]));
  const known = { ...thing, forms, tricks };
  return rules.filter((rule) => isAgainst(rule, known)).map(({ name }) => name);
}

interface KnownThing extends Thing {
  readonly forms: readonly string[];
  readonly tricks: ReadonlySet<NameTrick>;
}

function isAgainst(rule: BannedRule, thing: KnownThing): boolean {
  if (thing.isInArchive === true && !rule.inArchives) return false;
  return (
    anyMatches(rule.names, thing.forms) ||
    anyMatches(rule.types, thing.types) ||
    anyMatches(rule.realTypes, thing.realTypes) ||
    rule.tricks.some((trick) => thing.tricks.has(trick)) ||
    (rule.unlisted && thing.isUnlisted === true)
  );
}

function anyMatches(globs: readonly string[], texts: readonly string[] = []): boolean {
  return globs.some((glob) => texts.some((text) => matchesGlob(glob, text)));
}

/**
 * What the rules about banned parts come to for one recipient: of the rules against a thing the
 * first one that holds there decides, so that an earlier one can be an exception.
 *
 * @returns the findings without those that nothing bans here or that are outweighed, each left with
 *   the rule that decided; and the rules with the action that came of it.
 */
export function bannedFor(
  findings: readonly Finding[],
  rules: Rules,
  banned: readonly BannedRule[],
  to: Addressed,
): { readonly findings: readonly Finding[]; readonly rules: Rules } {
  const here = banned.filter((rule) => holds(rule, to));
  const decided = findings.flatMap((finding) => {
    if (finding.kind !== 'banned') return [];
    const rule = here.find(({ name }) => finding.rules?.includes(name));
    return rule ? [{ finding: { ...finding, rules: [rule.name] }, action: rule.action }] : [];
  });
  const others = findings.filter(({ kind }) => kind !== 'banned');
  const action = strictest(decided.map((one) => one.action));
  if (action === undefined) return { findings: others, rules };
  const left = decided.filter((one) => one.action === action).map(({ finding }) => finding);
  return { findings: [...others, ...left], rules: { ...rules, banned: action } };
}

function holds({ listeners, senders, recipients }: BannedRule, to: Addressed): boolean {
  return (
    isListed(listeners, to.listener) &&
    isListed(senders, to.sender) &&
    isListed(recipients, to.recipient)
  );
}

function isListed(globs: readonly string[], text: string): boolean {
  // As patterns are: an address may write a letter in one way or another (RFC 6530 §10.1).
  const folded = text.normalize('NFKC').toLowerCase();
  return globs.length === 0 || globs.some((glob) => matchesGlob(glob, folded));
}
