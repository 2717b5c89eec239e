/** The administrator's rules: what each kind of finding leads to. Plain data, validated at start. */

/**
 * pass: as clean. tag: pass, and say so in the header. quarantine: keep here, answer 250.
 * reject: 5xx. discard: answer 250 and drop. defer: 451, Postfix keeps it and tries again.
 */
export type Action = 'pass' | 'tag' | 'quarantine' | 'reject' | 'discard' | 'defer';

/** There is no rule for `unavailable`: what could not be scanned is always deferred. */
export interface Rules {
  readonly infected: Action;
  readonly partial: Action;
  /** Clients read it differently; everything that any of them reads was scanned. */
  readonly ambiguous: Action;
  readonly encrypted: Action;
  /** What a rule about banned parts (banned.ts) leads to that names no action of its own. */
  readonly banned: Action;
  readonly macro: Action;
  readonly smuggling: Action;
  /** A message that broke its scan again and again: it never passes. */
  readonly unscannable: Extract<Action, 'quarantine' | 'defer'>;
}

export const defaultRules: Rules = {
  infected: 'quarantine',
  partial: 'quarantine',
  ambiguous: 'pass',
  encrypted: 'tag',
  banned: 'quarantine',
  macro: 'tag',
  smuggling: 'quarantine',
  unscannable: 'quarantine',
};
