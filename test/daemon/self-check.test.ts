import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SelfCheck, type Door } from '../../src/daemon/self-check.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';

let folder: Folder;
let clock: FakeClock;
let check: SelfCheck;
let server: Server;
let door: Door;
/** What it does with a connection. */
let serve: (socket: Socket) => void;
let heard: string;
const open = new Set<Socket>();
const calm = (): boolean => false;

beforeEach(async () => {
  folder = makeFolder();
  clock = new FakeClock();
  check = new SelfCheck(clock);
  heard = '';
  serve = (socket) => socket.write('220 mx.test ready\r\n');
  server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString())).on('error', () => undefined);
    serve(socket);
  });
  const path = `${folder.path}/l.sock`;
  server.listen(path);
  await once(server, 'listening');
  door = { name: `unix:${path}`, address: { path } };
});
afterEach(() => {
  server.close();
  for (const socket of open) socket.destroy();
  folder.remove();
});

test('a listener that greets is alive, and is left politely', async () => {
  expect(await check.look([door], calm)).toEqual({ silent: [], unreached: [] });
  await until(() => heard === 'QUIT\r\n', 'QUIT');
  await until(() => open.size === 0 && clock.pending === 0, 'the connection is closed');
});

test('one that does not close after QUIT is left all the same', async () => {
  serve = (socket) => {
    socket.allowHalfOpen = true;
    socket.write('220 x\r\n');
  };
  await check.look([door], calm);
  await until(() => heard === 'QUIT\r\n', 'QUIT');
  expect(clock.pending).toBe(1);
  clock.advance(5000);
  expect(clock.pending).toBe(0);
});

test.each([
  ['closes at once', (socket: Socket) => socket.end()],
  ['is gone', (socket: Socket) => socket.destroy()],
  ['talks nonsense', (socket: Socket) => socket.write('hello\r\n')],
  ['never ends its line', (socket: Socket) => socket.write(' '.repeat(600))],
])('one that answered and then %s is silent', async (_, then) => {
  await check.look([door], calm);
  serve = then;
  expect(await check.look([door], calm)).toEqual({ silent: [door.name], unreached: [] });
});

test('one that has never answered is not missed, until it has', async () => {
  const greet = serve;
  serve = (socket) => socket.end();
  expect(await check.look([door], calm)).toEqual({ silent: [], unreached: [door.name] });
  serve = greet;
  await check.look([door], calm);
  serve = (socket) => socket.end();
  expect(await check.look([door], calm)).toEqual({ silent: [door.name], unreached: [] });
});

test.each([
  [false, ['silent']],
  [true, []],
])('no greeting in 10 s, while others wait for theirs: %s', async (crowded, expected) => {
  await check.look([door], calm);
  let connected = false;
  serve = () => (connected = true);
  const looking = check.look([door], () => crowded);
  await until(() => connected, 'the connection');
  clock.advance(9_999);
  expect(clock.pending).toBe(1);
  clock.advance(1);
  const { silent } = await looking;
  expect(silent).toEqual(expected.map(() => door.name));
});

test('a check that is given up leaves nothing that would hold the process', async () => {
  let connected = false;
  serve = () => (connected = true);
  const looking = check.look([door], calm);
  await until(() => connected, 'the connection');
  check.close();
  expect(await looking).toEqual({ silent: [], unreached: [door.name] });
  expect(clock.pending).toBe(0);
  await until(() => open.size === 0, 'the connection is closed');
});

test('a listener whose file is gone is silent, whoever waits', async () => {
  await check.look([door], calm);
  server.close();
  expect(await check.look([door], () => true)).toEqual({ silent: [door.name], unreached: [] });
});

test.each(['0.0.0.0', '::'])('a listener on all addresses (%s) is reached', async (host) => {
  const all = createServer((socket) => socket.end('220 x\r\n')).listen(0, host);
  await once(all, 'listening');
  const address = all.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const looked = await check.look([{ name: 'all', address: { host, port } }], calm);
  all.close();
  expect(looked).toEqual({ silent: [], unreached: [] });
});
