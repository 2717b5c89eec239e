/** Every fixtures/cases/*.case, at every door, however the client's bytes arrive. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultLimits } from '../../src/limits.ts';
import { frame } from '../protocol/milter/mta.ts';
import { freePort } from '../support/ports.ts';
import { type Case, type Column, columns, parseCases } from './case.ts';
import { Client, type Ear, milterEar, policyEar, smtpEar } from './client.ts';
import { type Manner, play } from './play.ts';
import { World } from './world.ts';

const folder = join(import.meta.dirname, '../../fixtures/cases');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.case'))
  .map((name) => ({ name, cases: parseCases(readFileSync(join(folder, name), 'utf8'), name) }));

const ears: Readonly<Record<Column, Ear>> = {
  smtp: smtpEar,
  lmtp: smtpEar,
  'before-queue': smtpEar,
  milter: milterEar,
  policy: policyEar,
};

/** SMTP over loopback after the queue, the others over a Unix socket. */
describe.each(columns)('%s', (column) => {
  let directory: string;
  let address: NetConnectOpts & { port?: number; path?: string };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cases-'));
    address =
      column === 'smtp'
        ? { host: '127.0.0.1', port: await freePort() }
        : { path: join(directory, 'socket') };
  });

  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  async function run(one: Case, manner: Manner, octetwise: boolean): Promise<void> {
    const world = await World.start(one.arrangement, column);
    try {
      await world.open(address);
      const client = await greeted(world, octetwise);
      await play(one, column, { world, client, manner });
      client.close();
      await world.expectNothingHeld();
      expect(client.heard).toEqual([]);
    } finally {
      await world.close();
    }
  }

  async function greeted(world: World, octetwise = false): Promise<Client> {
    const client = await Client.connect(address, octetwise, ears[column]);
    // A Milter and a policy service say nothing before they are spoken to.
    if (ears[column] !== smtpEar) return client;
    await world.until(() => client.heard.length > 0, 'the greeting');
    expect(client.heard.shift()).toMatch(/^220 filter\.example\.org E?[SL]MTP$/);
    return client;
  }

  /** Between two cases of one session; a Milter is told that a new client follows (SMFIC_QUIT_NC). */
  async function reset(world: World, client: Client): Promise<void> {
    if (column === 'milter') await client.send(frame('K'));
    if (ears[column] !== smtpEar) return;
    await client.send(Buffer.from('RSET\r\n'));
    await world.until(() => client.heard.length > 0, 'the reply to RSET');
    expect(client.heard.splice(0)).toEqual(['250 2.0.0 OK']);
  }

  const spokenHere = files
    .map(({ name, cases }) => ({ name, spoken: cases.filter((one) => isPlayed(one, column)) }))
    .filter(({ spoken }) => spoken.length > 0);

  describe.each(spokenHere)('$name', ({ spoken }) => {
    test.each(spoken)('$title', (one) => run(one, 'pipelined', false));
    test.each(spoken)('$title, byte by byte', (one) => run(one, 'lockstep', true));
  });

  test('all cases in one session, one after the other', async () => {
    const cases = files.flatMap((file) => file.cases).filter((one) => sharesSession(one, column));
    expect(cases.length).toBeGreaterThan(20);
    const [first] = cases;
    if (!first) return;
    const door = await World.start(first.arrangement, column);
    await door.open(address);
    const client = await greeted(door);
    for (const [at, one] of cases.entries()) {
      const world = await World.start(one.arrangement, column);
      // As a reload of the configuration does.
      door.listener.settings = world.listener.settings;
      await play(one, column, { world, client, manner: 'lockstep', negotiated: at > 0 });
      await reset(world, client);
      await world.expectNothingHeld();
      await world.close();
    }
    client.close();
    await door.expectNothingHeld();
    await door.close();
  }, 60_000);
});

function isPlayed(one: Case, column: Column): boolean {
  return one.columns.includes(column);
}

/** Cases whose session begins and ends as any does, with the usual limits. */
function sharesSession(one: Case, column: Column): boolean {
  const { arrangement, steps } = one;
  const { limits, set, bareCr } = arrangement;
  const usual = bareCr === 'pass' && !set.has('stranger') && steps[0]?.kind !== 'say';
  const ends = steps.some((step) =>
    step.kind === 'message'
      ? step.during !== undefined
      : step.replies[column].some((reply) => /^[42]21/.test(reply)),
  );
  return isPlayed(one, column) && usual && !ends && isDeepStrictEqual(limits, defaultLimits);
}
