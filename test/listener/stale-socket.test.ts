import { once } from 'node:events';
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { removeStaleSocket } from '../../src/listener/stale-socket.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stale-'));
  path = join(directory, 'socket');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test('nothing there', async () => {
  await removeStaleSocket(path);
  expect(existsSync(path)).toBe(false);
});

test('what a killed daemon left is removed', async () => {
  const live = join(directory, 'live');
  const server = createServer().listen({ path: live });
  await once(server, 'listening');
  // Closing unlinks the name it knows; the other one stays behind as a crash would leave it.
  linkSync(live, path);
  server.close();
  await once(server, 'close');
  expect(existsSync(path)).toBe(true);
  await removeStaleSocket(path);
  expect(existsSync(path)).toBe(false);
});

test('a socket that answers stays', async () => {
  const server = createServer((socket) => socket.destroy()).listen({ path });
  await once(server, 'listening');
  await expect(removeStaleSocket(path)).rejects.toThrow('is in use by another process');
  expect(existsSync(path)).toBe(true);
  server.close();
  await once(server, 'close');
});

test('what is no socket stays', async () => {
  writeFileSync(path, 'precious');
  await expect(removeStaleSocket(path)).rejects.toThrow('is not a socket');
  expect(readFileSync(path, 'utf8')).toBe('precious');
});
