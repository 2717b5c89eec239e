/** What the log says of handovers that did not go as usual. */
import type { Clock } from '../clock.ts';
import type { HandoverEvent } from '../engine/earlier-attempts.ts';
import type { Log } from './log.ts';
import { Seldom } from './seldom.ts';

/** What can happen with every message is not said more often than this. */
const noWitnessEveryMs = 60_000;

const notAsked =
  'it accepted a message without asking whether it may: until it asks, a message whose reply is ' +
  'lost is in doubt. The entry of master.cf that takes mail back needs the ' +
  'smtpd_end_of_data_restrictions that `clamgate postfix` prints; then: postfix reload';

export function handoverLog(log: Log, clock: Clock): (event: HandoverEvent) => void {
  const seldom = new Seldom(noWitnessEveryMs, clock);
  return ({ kind, ...fields }) => {
    switch (kind) {
      case 'recovered':
        log.info(kind, fields);
        break;
      case 'ledger-failed':
        log.error('ledger', fields);
        break;
      case 'not-asked':
        log.warn(kind, { ...fields, detail: notAsked });
        break;
      case 'no-witness':
        seldom.say((more) => {
          log.warn(kind, { ...fields, ...more });
        });
        break;
      case 'in-doubt':
      case 'settled-by-hand':
        log.warn(kind, fields);
    }
  };
}
