import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { messageOf } from '../../src/errors.ts';
import { removeStaleSocket } from '../../src/listener/stale-socket.ts';

const nobody = 65_534;

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

test('a socket whose backlog is full stays', async () => {
  const listener = new Worker(deafListener, { eval: true, workerData: path });
  await once(listener, 'message');
  // Linux lets one more wait than the backlog says.
  const waiting = [connect(path), connect(path)];
  await Promise.all(waiting.map((socket) => once(socket, 'connect')));
  const outcome = await removeStaleSocket(path).catch(messageOf);
  const stays = existsSync(path);
  for (const socket of waiting) socket.destroy();
  // Before anything can fail: it would keep the process.
  await listener.terminate();
  expect(outcome).toMatch('in use by another process (EAGAIN)');
  expect(stays).toBe(true);
});

/** Listens, and never comes to accept. */
const deafListener = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  createServer().listen({ path: workerData, backlog: 1 }, () => {
    parentPort.postMessage('listening');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

test('a socket that we may not connect to stays', async () => {
  const server = createServer().listen({ path });
  await once(server, 'listening');
  chmodSync(path, 0);
  await asNobody(async () => {
    await expect(removeStaleSocket(path)).rejects.toThrow('in use by another process (EACCES)');
  });
  expect(existsSync(path)).toBe(true);
  server.close();
  await once(server, 'close');
});

/** The owner of the directory, so that only the socket is in the way; root may connect to any. */
async function asNobody(act: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return act();
  chownSync(directory, nobody, nobody);
  process.seteuid?.(nobody);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}

test('what is no socket stays', async () => {
  writeFileSync(path, 'precious');
  await expect(removeStaleSocket(path)).rejects.toThrow('is not a socket');
  expect(readFileSync(path, 'utf8')).toBe('precious');
});
