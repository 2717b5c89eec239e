/** What does not change during a run: who is there, with which settings, and which mail there is. */
import type { Action } from '../../src/verdict/rules.ts';
import type { Choices } from './choices.ts';
import { drawMail, type Mail } from './mail.ts';
import type { OnceSettings } from './once.ts';
import type { UpstreamSettings } from './upstream.ts';
import { drawnOdds, type Fault, Weather } from './weather.ts';

export interface Scenario {
  readonly mails: readonly Mail[];
  readonly upstream: UpstreamSettings;
  readonly nextHopFlavour: 'smtp' | 'lmtp';
  /** Whether the next hop asks before it commits. */
  readonly asks: boolean;
  readonly once: OnceSettings;
  readonly infected: Action;
  readonly weather: Weather;
  /** When the faults end, in milliseconds since the run began. */
  readonly calmAfterMs: number;
}

type OneOf = <const Value>(values: readonly [Value, ...Value[]], what: string) => Value;

export function drawScenario(choices: Choices, prone: readonly Fault[]): Scenario {
  const weather = new Weather(choices, drawnOdds(choices, prone));
  const oneOf: OneOf = (values, what) => values[choices.below(values.length, what)] ?? values[0];
  const count = 1 + choices.below(4, 'messages');
  const nextHopFlavour = oneOf(['smtp', 'smtp', 'lmtp'], 'next hop');
  // Only smtpd(8) can ask.
  const asks = nextHopFlavour === 'smtp' && oneOf([true, true, true, false], 'asks');
  return {
    mails: Array.from({ length: count }, (_, at) => drawMail(at, weather)),
    upstream: {
      flavour: oneOf(['smtp', 'smtp', 'lmtp'], 'door'),
      recipientLimit: 1 + choices.below(3, 'recipient limit'),
      pipelining: oneOf([false, true], 'pipelining'),
      xforward: oneOf([false, true], 'xforward'),
      backoffMs: 1000,
      patience: {
        commandMs: 300_000,
        dataInitMs: 120_000,
        dataDoneMs: oneOf([600_000, 100_000, 5000, 300], 'data done'),
      },
    },
    nextHopFlavour,
    asks,
    once: drawOnce(asks, oneOf),
    infected: oneOf(['quarantine', 'quarantine', 'discard', 'reject'], 'infected'),
    weather,
    calmAfterMs: choices.below(4 * 3_600_000, 'calm after'),
  };
}

function drawOnce(asks: boolean, oneOf: OneOf): OnceSettings {
  const ledger = oneOf([true, true, true, true, true, true, true, false], 'ledger');
  return {
    ledger,
    // Sometimes the next hop was told, and does not do it.
    commitQuestion: asks || oneOf([false, true], 'told to ask'),
    inDoubt: oneOf(['retry', 'hold'], 'in doubt'),
  };
}
