/**
 * The situations that have a row in the reply table (docs/architecture.md). The same situation is
 * answered the same way, always; listener/render.ts holds the words.
 */
export type Situation =
  /** In custody or dropped by rule: the peer is told that all is done. */
  | 'taken'
  | 'infected'
  /** A rule refuses it: a macro, an encrypted part, a banned part, an ambiguous form. */
  | 'banned'
  /** A rule refuses what could not be looked at wholly. */
  | 'partial'
  /** Bare CR before a lone dot, where it may not go further. */
  | 'smuggling'
  | 'scan-failed'
  /** A rule defers it. */
  | 'deferred'
  | 'deadline'
  | 'busy'
  /** The daemon is going down; Postfix keeps the message and comes again. */
  | 'stopping'
  | 'too-large'
  | 'header-too-large'
  /** A recipient that has to come apart from the others of its transaction (docs/architecture.md). */
  | 'one-recipient'
  /** More recipients than are kept in mind at once. */
  | 'too-many-recipients'
  | 'lacks-smtputf8'
  | 'lacks-8bitmime'
  /** A bare LF, or a bare CR where the rule refuses it. */
  | 'bare-line-end'
  | 'store-failed'
  | 'next-hop-unreachable'
  /** What an earlier attempt came to is not known yet. */
  | 'earlier-unknown'
  /** A state that our code holds to be impossible. */
  | 'impossible';

const permanent: ReadonlySet<Situation> = new Set<Situation>([
  'infected',
  'banned',
  'partial',
  'smuggling',
  'too-large',
  'header-too-large',
  'lacks-smtputf8',
  'lacks-8bitmime',
  'bare-line-end',
]);

/** Whether the peer is told not to come again with this (5xx). Unclassified means temporary. */
export function isFinal(situation: Situation): boolean {
  return permanent.has(situation);
}
