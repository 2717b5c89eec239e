/**
 * Recipients who have rules of their own about what is banned, told by their domains: so that one
 * message comes to different ends, and everybody can tell which.
 */
import type { BannedRule } from '../../src/verdict/banned.ts';
import type { Action } from '../../src/verdict/rules.ts';
import type { Mail, Recipient } from './mail.ts';
import type { Weather } from './weather.ts';

/** 'none': no rule holds for them. 'defer': until the storm is over, then as 'quarantine'. */
export const ownRules = [
  'none',
  'pass',
  'tag',
  'quarantine',
  'reject',
  'discard',
  'defer',
] as const satisfies readonly (Action | 'none')[];

export type OwnRule = (typeof ownRules)[number];

export function domainOf(rule: OwnRule): string {
  return rule === 'none' ? 'example.org' : `${rule}.example.org`;
}

/** All that are against a banned thing, each for its own domain. */
export function bannedRules(weather: Weather): readonly BannedRule[] {
  return ownRules.flatMap((rule) => {
    if (rule === 'none') return [];
    return [
      {
        name: rule,
        // The operator has looked at what waits, and has it kept.
        get action() {
          return rule === 'defer' && weather.calm ? 'quarantine' : rule;
        },
        ...{ names: ['*'], types: [], realTypes: [], tricks: [], unlisted: false },
        ...{ inArchives: true, listeners: [], senders: [] },
        recipients: [`*@${domainOf(rule)}`],
      },
    ];
  });
}

/** What the rules may make of a message for one recipient. */
export interface Ends {
  readonly relayed: boolean;
  readonly discarded: boolean;
  /** Refused by our rule; over SMTP one for whom others do not share that is kept instead. */
  readonly refused: boolean;
  /** Kept by a rule; what cannot be scanned is kept in any case. */
  readonly kept: boolean;
}

export function endsFor(mail: Mail, { rule }: Recipient, infected: Action): Ends {
  const action = mail.infected ? infected : mail.banned ? rule : 'none';
  return {
    relayed: action === 'none' || action === 'pass' || action === 'tag',
    discarded: action === 'discard',
    refused: action === 'reject',
    kept: action === 'quarantine' || action === 'reject' || action === 'defer',
  };
}
