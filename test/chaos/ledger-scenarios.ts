/** What befalls the ledger: while it cannot be used every message is put off, and that is said aloud. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type LedgerFault, ledgerFaults } from './ledger-faults.ts';
import type { Play, Scenario } from './scenario.ts';

const messages = 30;
/** Of those that come while it is spoiled; where it is found out late, room for some that get through. */
const manyMessages = 200;
const patienceMs = 60_000;

export const ledgerScenarios: readonly Scenario[] = ledgerFaults.map((fault): Scenario => {
  const { name } = fault;
  return {
    name: `ledger ${name}`,
    faults: `the ledger is ${name}, until it is mended as the log says`,
    settings: {},
    promise: 'once',
    lacking: (ledger) => (ledger === 'off' ? 'no ledger' : undefined),
    longOnly: true,
    run: (play) => spoilAndMend(play, fault),
  };
});

async function spoilAndMend(play: Play, { spoil, mend, late }: LedgerFault): Promise<void> {
  const { stage, load, tell } = play;
  const { filter } = stage;
  const { ledger } = filter;
  if (!ledger) throw new Error('there is no ledger');
  await load.send(messages, { infectedEvery: 5 });
  await allThrough(play);
  await spoil(filter, ledger);
  const [before, said] = [load.accepted.length, logSize(filter)];
  await load.send(late ? manyMessages : messages, { infectedEvery: 5 });
  await allPutOff(play);
  // What is in custody by then is answered 250, whether or not the ledger can take that down.
  const apart = new Set([...queued(play), ...(await filter.kept())]);
  const passed = load.accepted.slice(before).filter(({ id }) => !apart.has(id)).length;
  tell(`${passed} got through, the others are put off or in custody`);
  if (passed > 0 && !late) throw new Error(`${passed} messages got through without a ledger`);
  if (!isLoud(filter, late ? said : 0)) throw new Error('the log does not say what is wrong');
  await mend(filter, ledger);
}

/** The Message-IDs of ours that are in a queue; the other client's mail goes on. */
function queued({ stage, load }: Play): readonly string[] {
  const inQueue = new Set(stage.queued());
  return load.accepted.map(({ id }) => id).filter((id) => inQueue.has(id));
}

async function allThrough(play: Play): Promise<void> {
  const end = performance.now() + patienceMs;
  while (queued(play).length > 0) {
    if (performance.now() > end) throw new Error('the first messages do not get through');
    await delay(250);
  }
}

/** Resolves when everything that is in the queue has been told to come again. */
async function allPutOff(play: Play): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const waiting = queued(play).length;
    const log = (await play.stage.a.logLines()).join('\n');
    const putOff = log.matchAll(/: (\w+): to=.* status=deferred .* said: 45[12] 4\.3\.[01] /g);
    const count = new Set([...putOff].map(([, queueId]) => queueId)).size;
    if (waiting > 0 && count >= waiting) return;
    if (performance.now() > end) throw new Error(`${count} of ${waiting} messages are put off`);
    await delay(250);
  }
}

function logSize({ log }: { readonly log: string }): number {
  return readFileSync(log, 'utf8').length;
}

/** Whether an error that names the ledger has been logged. */
function isLoud({ log }: { readonly log: string }, from: number): boolean {
  const lines = readFileSync(log, 'utf8').slice(from).split('\n');
  return lines.some((line) => /"level":"error"/.test(line) && /ledger/.test(line));
}
