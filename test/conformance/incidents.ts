/** Sends a message, and lets happen what a case has happen while it is under way. */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { blockBytes } from '../../src/scan/stream-blocks.ts';
import type { Incident } from './case.ts';
import type { Client } from './client.ts';
import type { World } from './world.ts';

/** What is said of a message: all but its end, and the end. */
export interface Sending {
  readonly body: Buffer;
  readonly end: Buffer;
}

export async function sendDuring(
  { world, client }: { readonly world: World; readonly client: Client },
  { body, end }: Sending,
  during: Incident | undefined,
): Promise<void> {
  if (during?.stage !== 'data') await client.send(Buffer.concat([body, end]));
  else await client.send(body);
  if (!during) return;
  const { clamds, nextHop } = world;
  if (during.stage === 'data' && body.length > blockBytes) {
    await world.until(() => clamds.some(({ open }) => open > 0), 'the scan begins');
  }
  if (during.stage === 'scan') {
    await world.until(() => clamds.some(({ held }) => held > 0), 'a scan');
  }
  if (during.stage === 'handover' || during.stage === 'dot') {
    await world.until(() => nextHop.failed > 0, 'the next hop is asked');
  }
  await happen(during, world, client);
  if (during.incident === 'drain ends') return;
  if (during.stage === 'data' && during.incident === 'shutdown') await client.send(end);
  for (const clamd of clamds) clamd.release();
}

async function happen({ stage, incident }: Incident, world: World, client: Client): Promise<void> {
  const { nextHop, records } = world;
  switch (incident) {
    case 'client closes':
    case 'client resets':
      if (incident === 'client closes') client.close();
      else client.reset();
      // Before clamd or the next hop goes on: it is for us to end what nobody waits for.
      if (stage === 'dot') for (let turns = 0; turns < 20; turns++) await eventLoopTurn();
      else await world.until(() => records.length > 0, 'the transaction is given up');
      nextHop.recover();
      break;
    case 'next hop hangs up':
      await nextHop.hangUp();
      break;
    case 'shutdown':
      world.stop();
      break;
    case 'drain ends':
      world.stop();
      world.listener.cutOff();
  }
}
