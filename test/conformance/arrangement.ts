/** What a case arranges before its client speaks: how clamd and the next hop behave, our settings. */
import type { Limits } from '../../src/limits.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { ServerSessionOptions } from '../../src/protocol/smtp/server-session.ts';
import { type ClamdSettings, defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { BannedRule } from '../../src/verdict/banned.ts';
import { type Action, defaultRules, type Rules } from '../../src/verdict/rules.ts';
import type { ClamdConduct } from '../support/fake-clamd.ts';
import { allExtensions, type Failure, type Step } from '../support/fake-next-hop.ts';
import { bytesIn } from './bytes.ts';

export interface PlannedFailure {
  readonly step: Step;
  readonly failure: Failure;
  /** Only at this arrival at the step, counted from 1; at each where absent. */
  readonly nth: number | undefined;
}

export interface Arrangement {
  /** One clamd each; none listens where it says refuse. */
  readonly clamds: readonly (ClamdConduct | 'refuse')[];
  readonly nextHop: {
    readonly flavour: 'smtp' | 'lmtp';
    readonly refuses: boolean;
    readonly extensions: readonly string[];
    readonly failures: readonly PlannedFailure[];
  };
  readonly limits: Limits;
  readonly clamd: ClamdSettings;
  readonly rules: Rules;
  /** `BANNED action glob`: what is called *.exe, for these recipients. */
  readonly banned: readonly BannedRule[];
  readonly bareCr: ServerSessionOptions['bareCr'];
  /** `SET`: what else is out of the ordinary. */
  readonly set: ReadonlySet<Setting>;
}

const settings = [
  'ledger',
  'header off',
  'disk full',
  'stranger',
  'line full',
  'scanner bug',
  'hold',
] as const;
export type Setting = (typeof settings)[number];

interface Line {
  readonly word: string;
  readonly rest: string;
}

export function arrangementOf(lines: readonly Line[]): Arrangement {
  const all = (wanted: string): string[] =>
    lines.filter(({ word }) => word === wanted).map(({ rest }) => rest);
  const clamds = all('CLAMD').map(conductOf);
  const numbers = pairs(all('LIMITS'), { ...defaultLimits, ...defaultClamdSettings }, Number);
  const { bare_cr: bareCr = 'pass', ...rules } = pairs(
    all('RULES'),
    { ...defaultRules, bare_cr: 'pass' },
    String,
  );
  return {
    clamds: clamds.length > 0 ? clamds : [{ step: 'scan' }],
    nextHop: nextHopOf(all('NEXT-HOP')),
    limits: { ...defaultLimits, ...numbers },
    clamd: { ...defaultClamdSettings, ...numbers },
    rules: { ...defaultRules, ...rules },
    banned: all('BANNED').map(bannedRuleOf),
    bareCr: bareCr as Arrangement['bareCr'],
    set: new Set(all('SET').map(settingOf)),
  };
}

function bannedRuleOf(text: string): BannedRule {
  const [action = '', recipient = ''] = text.split(' ');
  return {
    name: action,
    action: action as Action,
    ...{ names: ['*.exe'], types: [], realTypes: [], tricks: [], unlisted: false },
    ...{ inArchives: true, listeners: [], senders: [], recipients: [recipient] },
  };
}

function settingOf(text: string): Setting {
  const setting = settings.find((known) => known === text);
  if (setting === undefined) throw new Error(`unknown setting: ${text}`);
  return setting;
}

/** `key=value` pairs whose keys are those of `known`. */
function pairs<Value>(
  lines: readonly string[],
  known: object,
  read: (text: string) => Value,
): Partial<Record<string, Value>> {
  const words = lines.flatMap((line) => line.split(' '));
  return Object.fromEntries(
    words.map((word) => {
      const [key = '', value = ''] = word.split('=');
      if (!(key in known)) throw new Error(`unknown key ${key}`);
      return [key, read(value)];
    }),
  );
}

function conductOf(text: string): ClamdConduct | 'refuse' {
  const [, word = '', rest = ''] = /^(\S+) ?(.*)$/.exec(text) ?? [];
  const words = bytesIn(rest).toString('latin1');
  switch (word) {
    case 'ok':
      return { step: 'scan' };
    case 'refuses':
      return 'refuse';
    case 'hangs':
      return { step: 'hang' };
    case 'is-slow':
      return { step: 'hold' };
    case 'closes':
      return { step: 'close' };
    case 'resets':
      return { step: 'reset', afterBytes: 0 };
    case 'says':
      return { step: 'say', words };
    case 'interrupts':
      return { step: 'interrupt', words };
    case 'limits-streams-to':
      return { step: 'size-limit', streamBytesMax: Number(rest) };
    default:
      throw new Error(`unknown conduct of clamd: ${text}`);
  }
}

function nextHopOf(lines: readonly string[]): Arrangement['nextHop'] {
  const lacking = lines.flatMap((line) => /^lacks (.*)$/.exec(line)?.[1]?.split(' ') ?? []);
  return {
    flavour: lines.includes('is lmtp') ? 'lmtp' : 'smtp',
    refuses: lines.includes('refuses'),
    extensions: allExtensions.filter((line) => !lacking.includes(line.split(' ')[0] ?? '')),
    failures: lines.filter((line) => !/^(lacks |is lmtp$|refuses$)/.test(line)).map(failureOf),
  };
}

const wordsOfFailure = ['stall', 'choke', 'hold', 'drop', 'reset', 'nonsense'] as const;

/** `data#1 drop`, `rcpt 550 5.1.1 no such user` */
function failureOf(text: string): PlannedFailure {
  const [, step, nth, what = ''] = /^([a-z]+)(?:#(\d+))? (.+)$/.exec(text) ?? [];
  const word = wordsOfFailure.find((known) => known === what);
  if (step === undefined || (word === undefined && !/^\d{3}[ -]/.test(what))) {
    throw new Error(`unknown failure of the next hop: ${text}`);
  }
  const reply = bytesIn(what).toString('latin1');
  return {
    step: step as Step,
    nth: nth === undefined ? undefined : Number(nth),
    failure: word ?? { reply },
  };
}
