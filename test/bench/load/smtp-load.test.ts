import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { SmtpLoad } from '../../../bench/load/smtp-load.ts';

let server: Server | undefined;

afterEach(async () => {
  server?.close();
  if (server) await once(server, 'close');
});

const replies: Readonly<Record<string, string>> = {
  MAIL: '250 Ok\r\n',
  RCPT: '250 Ok\r\n',
  DATA: '354 Go on\r\n',
  QUIT: '221 Bye\r\n',
};

/** A peer that says what it has read at once, each time; content is answered when its dot has come. */
async function peer(extensions: string, dot = '250 Ok\r\n'): Promise<[number, string[]]> {
  const reads: string[] = [];
  server = createServer((socket) => {
    socket.write('220 peer.test\r\n');
    socket.setEncoding('latin1').on('data', (text: string) => {
      reads.push(text);
      if (text.startsWith('EHLO')) socket.write(`250-peer.test\r\n250 ${extensions}\r\n`);
      else if (text.endsWith('\r\n.\r\n')) socket.write(dot);
      else {
        const lines = text.split('\r\n').slice(0, -1);
        socket.write(lines.map((line) => replies[line.slice(0, 4)] ?? '').join(''));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return [(server.address() as AddressInfo).port, reads];
}

const content = Buffer.from('Subject: x\r\n\r\ntext\r\n');

test('with PIPELINING the envelope is one write', async () => {
  const [port, reads] = await peer('PIPELINING');
  const load = await SmtpLoad.open(port);
  await load.send(content);
  load.quit();
  expect(reads.slice(1)).toEqual([
    'MAIL FROM:<anna@example.net>\r\nRCPT TO:<ben@example.org>\r\nDATA\r\n',
    `${content.toString()}.\r\n`,
  ]);
});

test('without it each command waits for the answer to the one before', async () => {
  const [port, reads] = await peer('SIZE 1000');
  const load = await SmtpLoad.open(port);
  await load.send(content);
  load.quit();
  expect(reads.slice(1, 4)).toEqual([
    'MAIL FROM:<anna@example.net>\r\n',
    'RCPT TO:<ben@example.org>\r\n',
    'DATA\r\n',
  ]);
});

test('a message that is refused is an error', async () => {
  const [port] = await peer('PIPELINING', '451 4.7.1 no\r\n');
  const load = await SmtpLoad.open(port);
  await expect(load.send(content)).rejects.toThrow('451 4.7.1 no');
  load.quit();
});

test('a connection that nobody greets is given up for another one', async () => {
  const [port] = await peer('PIPELINING');
  const [greet] = (server?.listeners('connection') ?? []) as ((socket: Socket) => void)[];
  let connections = 0;
  server?.removeAllListeners('connection').on('connection', (socket: Socket) => {
    if (++connections > 2) greet?.(socket);
  });
  const load = await SmtpLoad.open(port, 10);
  await load.send(content);
  load.quit();
  expect(connections).toBe(3);
});

test('a peer that closes instead of greeting is an error', async () => {
  const [port] = await peer('PIPELINING');
  server?.removeAllListeners('connection').on('connection', (socket: Socket) => socket.end());
  await expect(SmtpLoad.open(port)).rejects.toThrow('the peer closed the connection');
});
