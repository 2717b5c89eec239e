import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { createServer, type ListenOptions } from 'node:net';
import { expect, test } from '@jest/globals';
import { addressIn, boundAddress } from '../../src/daemon/systemd-bound.ts';
import { makeFolder } from '../support/config-file.ts';

/** The descriptor is an internal of Node.js, but there is no other way to have one that listens. */
async function bound(options: ListenOptions) {
  const server = createServer().listen(options);
  await once(server, 'listening');
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const found = boundAddress(fd);
  const address = server.address();
  server.close();
  await once(server, 'close');
  return { found, port: typeof address === 'object' ? address?.port : undefined };
}

test.each(['127.0.0.1', '127.1.2.3', '0.0.0.0', '::1', '::'])(
  'a port of %s is found in the tables of the kernel',
  async (host) => {
    const { found, port } = await bound({ host, port: 0 });
    expect(found).toEqual({ host, port });
  },
);

test('and so is a path, with spaces in it', async () => {
  const folder = makeFolder();
  const path = `${folder.path}/a b.sock`;
  expect((await bound({ path })).found).toEqual({ path });
  folder.remove();
});

test('what is no socket has no address', () => {
  const fd = openSync('/dev/null', 'r');
  expect([boundAddress(fd), boundAddress(9999)]).toEqual([undefined, undefined]);
  closeSync(fd);
});

test('an abstract socket and one without a name have none, nor has another inode', () => {
  const unix = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01   100 @abstract
0000000000000000: 00000002 00000000 00010000 0001 01   101
0000000000000000: 00000002 00000000 00010000 0001 01   102 /run/x`;
  const found = ['100', '101', '102', '10'].map((inode) =>
    addressIn({ tcp: '', tcp6: '', unix }, inode),
  );
  expect(found).toEqual([undefined, undefined, { path: '/run/x' }, undefined]);
});
