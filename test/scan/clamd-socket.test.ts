/** What a question to clamd comes to where it is not clamd that listens. */
import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import { ask } from '../../src/scan/clamd-socket.ts';
import { addressOf } from '../support/fake-clamd.ts';

test.concurrent.each([
  ['220 mail.example.org ESMTP\r\n', ', but "220 mail.example.org ESMTP\\r\\n": is it a clamd?'],
  ['x'.repeat(1000), `, but "${'x'.repeat(100)}": is it a clamd?`],
  ['', ''],
])('what says %j, and no more, is quoted', async (words, expected) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).write(words);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // A real clock: nobody else can tell when what was written has arrived.
  const asked = ask(
    addressOf(`tcp://127.0.0.1:${port}`),
    'PING',
    { clock: systemClock, connectMs: 1000 },
    new AbortController().signal,
  );
  await expect(asked).rejects.toThrow(new Error(`no answer to PING within 1000 ms${expected}`));
  server.close();
});
