/** Any bytes, in each state of a session, over a real socket: an answer, and nothing held. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { arrangementOf } from './arrangement.ts';
import { smtpColumns } from './case.ts';
import { Client } from './client.ts';
import { World } from './world.ts';

const mail = 'MAIL FROM:<a@example.net>\r\n';
const rcpt = 'RCPT TO:<b@example.org>\r\n';
const state = fc.constantFrom(
  { name: 'connected', said: '' },
  { name: 'ready', said: 'HELLO client\r\n' },
  { name: 'in a transaction', said: `HELLO client\r\n${mail}` },
  { name: 'with a recipient', said: `HELLO client\r\n${mail}${rcpt}` },
  { name: 'in the data', said: `HELLO client\r\n${mail}${rcpt}DATA\r\n` },
  { name: 'behind a message', said: `HELLO client\r\n${mail}${rcpt}DATA\r\nx: y\r\n\r\n.\r\n` },
);

const token = fc.constantFrom(
  ...['\r\n', '\r', '\n', '.', '\r\n.\r\n', '\n.\n', '\r.\r', '\0', ' ', '<', '>', ':', '='],
  ...[mail, rcpt, 'DATA\r\n', 'RSET\r\n', 'QUIT\r\n', 'NOOP', 'XFORWARD ADDR=', 'BDAT 9 LAST\r\n'],
  ...['HELLO x\r\n', 'Content-Type: multipart/mixed; boundary=b\r\n\r\n', '--b\r\n', '250 '],
);
const piece = fc.oneof(
  token.map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
);
const input = fc.array(piece, { minLength: 1, maxLength: 25 });

describe.each(smtpColumns)('%s', (column) => {
  let directory: string;
  let path: string;
  let world: World;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
    path = join(directory, 'socket');
    world = await World.start(
      arrangementOf([{ word: 'LIMITS', rest: 'messageBytesMax=500 spoolMemoryBytes=50' }]),
      column,
    );
    await world.open({ path });
  });

  afterEach(async () => {
    await world.close();
    rmSync(directory, { recursive: true });
  });

  /** Lets the gate go on until it has said nothing new for a while. */
  async function quiet(client: Client): Promise<void> {
    for (let still = 0, heard = -1; still < 8 && !client.ended; still++) {
      if (client.transcript.length !== heard) still = 0;
      heard = client.transcript.length;
      await eventLoopTurn();
    }
  }

  async function converse(said: string, pieces: readonly Buffer[]): Promise<Client> {
    const client = await Client.connect({ path });
    const hello = column === 'lmtp' ? 'LHLO' : 'EHLO';
    for (const line of said.split(/(?<=\r\n)/)) {
      await client.send(Buffer.from(line.replace('HELLO', hello)));
      await quiet(client);
    }
    for (const bytes of pieces) {
      await client.send(Buffer.from(bytes.toString('latin1').replace('HELLO', hello), 'latin1'));
    }
    await quiet(client);
    return client;
  }

  // The seed of a failing run is in its report.
  test('any bytes get replies and nothing else, and the next client is served', async () => {
    await fc.assert(
      fc.asyncProperty(state, input, async ({ said }, pieces) => {
        const client = await converse(said, pieces);
        client.close();
        await world.until(() => world.listener.sessions === 0, 'the session ends');
        expect(client.transcript).toMatch(/^220 .*\r\n(?:[2-5]\d\d[ -][\x20-\x7e]*\r\n)*$/);
        expect(world.faults).toEqual([]);
      }),
      { numRuns: 100 },
    );
    const next = await converse('HELLO client\r\n', []);
    expect(next.heard.at(-1)).toMatch(/^250 filter\.example\.org/);
    next.close();
    await world.expectNothingHeld();
  }, 60_000);
});
