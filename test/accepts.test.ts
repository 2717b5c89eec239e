import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { accepts } from '../src/accepts.ts';
import { freePort } from './support/ports.ts';

const withinMs = 10_000;

test('who listens accepts, and where nobody does nobody', async () => {
  const port = await freePort();
  expect(await accepts({ host: '127.0.0.1', port }, withinMs)).toBe(false);
  expect(await accepts({ path: '/nonexistent/socket' }, withinMs)).toBe(false);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(await accepts({ host: '127.0.0.1', port }, withinMs)).toBe(true);
  server.close();
});
