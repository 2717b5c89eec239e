/**
 * The same faults where the filter stands in front of the queue: the sender is there until the end,
 * and told 4xx, or left without a reply, he sends the message again.
 */
import { checkpointScenarios } from './checkpoint-scenarios.ts';
import { clamdScenarios } from './clamd-scenarios.ts';
import type { FrontDoor } from './filter.ts';
import { filterScenarios } from './filter-scenarios.ts';
import { nextHopScenarios } from './next-hop-scenarios.ts';
import type { Promised, Scenario } from './scenario.ts';

const known = [...clamdScenarios, ...filterScenarios, ...nextHopScenarios, ...checkpointScenarios];

export const doorScenarios: readonly Scenario[] = [
  // A Milter hands nothing on, so whatever befalls it, there is one message, and Postfix has it.
  at('milter', 'clamd frozen', 'once'),
  at('milter', 'scan slower than Postfix waits', 'once'),
  deadline('milter'),
  at('milter', 'clamd killed', 'once'),
  at('milter', 'clamd reloaded', 'once'),
  at('milter', 'filter killed', 'once'),
  fullDisk('milter'),
  at('before-queue', 'clamd frozen', 'once'),
  at('before-queue', 'scan slower than Postfix waits', 'once'),
  deadline('before-queue'),
  at('before-queue', 'clamd killed', 'once'),
  at('before-queue', 'clamd reloaded', 'once'),
  // The sender's next attempt has no name by which it could be known for the same message: when the
  // filter dies between the next hop's 250 and its own, it comes twice (RFC 1047).
  at('before-queue', 'filter killed', 'never-lost'),
  at('before-queue', 'death at every point in turn: filter', 'never-lost'),
  fullDisk('before-queue'),
  // So it does when the next hop commits and its 250 comes after Postfix has ceased to wait.
  at('before-queue', 'next hop frozen', 'never-lost'),
  at('before-queue', 'smtpd of the next hop killed', 'once-if-asked'),
  at('before-queue', 'next hop killed', 'once-if-asked'),
  // While mail may not come the sender is told so; what has come is handed over as behind the queue.
  at('policy', 'clamd frozen', 'once'),
  at('policy', 'clamd killed', 'once'),
  at('policy', 'filter killed', 'once-if-asked'),
  at('policy', 'disk full', 'once'),
  at('policy', 'next hop killed', 'once-if-asked'),
];

function at(door: FrontDoor, name: string, promise: Promised): Scenario {
  const behind = known.find((scenario) => scenario.name === name);
  if (!behind) throw new Error(`no scenario is called ${name}`);
  return {
    ...behind,
    name: `${nameOf(door)}: ${name}`,
    settings: { ...behind.settings, door, oneInstance: door === 'milter' },
    promise,
    // Other filters are not set up there.
    lacking: behind.lacking ?? (() => undefined),
  };
}

function deadline(door: FrontDoor): Scenario {
  const slow = at(door, 'scan slower than Postfix waits', 'once');
  return {
    ...slow,
    name: `${nameOf(door)}: deadline shorter than the scan`,
    faults: 'clamd stops for 3 s, again and again; the filter may take 2 s for a message',
    settings: { door, oneInstance: door === 'milter', deadline: '2s' },
  };
}

/** Nothing is written here but what does not stay in memory. */
function fullDisk(door: FrontDoor): Scenario {
  const full = at(door, 'disk full', 'once');
  return { ...full, settings: { ...full.settings, spoolMemory: '100' } };
}

function nameOf(door: FrontDoor): string {
  return { milter: 'Milter', 'before-queue': 'before the queue', policy: 'policy' }[door];
}
