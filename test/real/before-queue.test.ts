/** Postfix with us before its queue (smtpd_proxy_filter), with the real programs: what the sender hears. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import {
  eicarFile,
  eightBitText,
  largeMessage,
  message,
  text,
  utf8Header,
  withAttachment,
} from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { type DaemonOptions, PrivateDaemon } from '../support/private-daemon.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import type { SinkMessage } from '../support/sink.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(120_000);

let serial = 0;
function unique(bytes: Buffer): { id: string; data: Buffer } {
  const id = `<${++serial}.proxy@client.test>`;
  return { id, data: Buffer.concat([Buffer.from(`X-Unique: ${id}\r\n`), bytes]) };
}

const eicar = message(withAttachment('eicar.com', eicarFile));

/** What is refused at RCPT by the smtpd behind us. */
const refusing =
  'smtpd_recipient_restrictions=check_recipient_access inline:{ {refused@sink.test = 550 5.1.1 no such user here} }, permit_mynetworks, reject';

describeNeeding(['root', 'postfix', 'clamd'], 'before the queue', () => {
  describe.each([
    ['as the message comes', []],
    ['with speed_adjust', ['smtpd_proxy_options=speed_adjust']],
  ])('%s', (_, proxyOptions) => {
    let clamd: PrivateClamd;
    let settings: DaemonOptions;
    let daemon: PrivateDaemon;
    let postfix: PrivatePostfix;

    beforeAll(async () => {
      const [filterPort, reinjectPort] = [await freePort(), await freePort()];
      clamd = await PrivateClamd.start({
        StreamMaxLength: '100M',
        MaxFileSize: '100M',
        MaxScanSize: '200M',
      });
      settings = settingsOf(filterPort, reinjectPort, clamd);
      const more = '[limits]\nmessage_bytes_max = "60M"\n';
      daemon = await PrivateDaemon.start({ ...settings, more });
      await daemon.ready();
      postfix = await startPostfix({
        reinjectPort,
        submitOptions: [`smtpd_proxy_filter=127.0.0.1:${filterPort}`, ...proxyOptions],
        reinjectOptions: [refusing],
        mainCf: ['message_size_limit = 104857600'],
      });
    });

    afterAll(async () => {
      await postfix.stop();
      await daemon.close();
      await clamd.close();
    });

    /** What the sender hears, and what arrives. */
    async function send(
      bytes: Buffer,
      from = '<a@client.test>',
      to: readonly string[] = ['<b@sink.test>'],
    ): Promise<{ reply: string; data: Buffer; copies: readonly SinkMessage[] }> {
      const { id, data } = unique(bytes);
      const [reply = ''] = await submit(postfix.submitPort, { from, to, data });
      await postfix.drained(60);
      const copies = postfix.sink.messages.filter((kept) => kept.data.includes(id));
      return { reply, data, copies };
    }

    test.each([
      ['a text', message(text())],
      ['8-bit', message(eightBitText())],
      ['lines of dots', message(text('.\r\n..\r\n...x\r\n.\r\n\r\n.\r\n'))],
    ])(
      '%s arrives once, byte for byte, and the sender hears the queue id',
      async (_name, bytes) => {
        const { reply, data, copies } = await send(bytes);
        expect(reply).toMatch(/^250 2\.0\.0 Ok: queued as /);
        expect(copies.map((copy) => copy.data.subarray(-data.length))).toEqual([data]);
      },
    );

    test('EICAR is refused while the sender is there, and nothing is kept', async () => {
      const { reply, copies } = await send(eicar);
      expect(reply).toBe('550 5.7.1 Message content rejected');
      expect([copies, await daemon.quarantine.list()]).toEqual([[], []]);
    });

    test('DSN and SMTPUTF8 travel through', async () => {
      const dsn = await send(message(text()), '<a@client.test> RET=HDRS ENVID=QQ+2B314159', [
        '<b@sink.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@sink.test',
      ]);
      const [copy] = dsn.copies;
      expect(copy?.from).toMatch(/RET=HDRS/);
      expect(copy?.from).toMatch(/ENVID=QQ\+2B314159/);
      expect(copy?.to[0]).toMatch(/ORCPT=rfc822;Bob\+2Bx@sink\.test NOTIFY=SUCCESS,FAILURE/);
      const utf8 = await send(message(utf8Header()), '<grüße@client.test> SMTPUTF8 BODY=8BITMIME', [
        '<köln@sink.test>',
      ]);
      expect(utf8.copies.map(({ from }) => from)).toEqual([expect.stringMatching(/SMTPUTF8/)]);
    });

    test('a hundred recipients are one message', async () => {
      const to = Array.from({ length: 100 }, (__, at) => `<r${at}@sink.test>`);
      const { reply, copies } = await send(message(text()), '<a@client.test>', to);
      expect(reply).toMatch(/^250 /);
      expect(copies.flatMap((copy) => copy.to)).toHaveLength(100);
    });

    test('50 MB arrive byte for byte, and nothing stays in the spool', async () => {
      const { reply, data, copies } = await send(largeMessage(37_000_000));
      expect(data.length).toBeGreaterThan(50_000_000);
      expect(reply).toMatch(/^250 /);
      expect(copies.map((copy) => copy.data.subarray(-data.length).equals(data))).toEqual([true]);
      expect(readdirSync(daemon.spoolDirectory)).toEqual([]);
    });

    test('larger than our SIZE: 552 5.3.4', async () => {
      const { reply, copies } = await send(largeMessage(50_000_000));
      expect(reply).toMatch(/^552 5\.3\.4 /);
      expect(copies).toEqual([]);
    });

    test('a pipelining sender is answered in order', async () => {
      const { id, data } = unique(message(text()));
      const said = await conversation(postfix.submitPort, [
        [1, 'EHLO client.test\r\n'],
        [
          2,
          'MAIL FROM:<a@client.test>\r\nRCPT TO:<b@sink.test>\r\nRCPT TO:<c@sink.test>\r\nDATA\r\n',
        ],
        [6, Buffer.concat([data, Buffer.from('.\r\nQUIT\r\n')])],
      ]);
      expect(said.match(/^\d{3}(?= )/gm)).toEqual([
        '220',
        '250',
        '250',
        '250',
        '250',
        '354',
        '250',
        '221',
      ]);
      await postfix.drained(60);
      expect(postfix.sink.messages.filter((kept) => kept.data.includes(id))).toHaveLength(1);
    });

    test('a sender who vanishes in the middle of the data leaves nothing behind', async () => {
      const { id, data } = unique(message(text('x'.repeat(70).concat('\r\n').repeat(5000))));
      await conversation(postfix.submitPort, [
        [1, 'EHLO client.test\r\n'],
        [2, 'MAIL FROM:<a@client.test>\r\nRCPT TO:<b@sink.test>\r\nDATA\r\n'],
        [5, data.subarray(0, -1000)],
        [5, undefined],
      ]);
      await postfix.logged(/lost connection after DATA/);
      await send(message(text()));
      expect(postfix.sink.messages.filter((kept) => kept.data.includes(id))).toEqual([]);
      expect(readdirSync(daemon.spoolDirectory)).toEqual([]);
    });

    test('no clamd: 451 4.7.1, and nothing is delivered', async () => {
      await clamd.stop();
      const { reply, copies } = await send(message(text()));
      await clamd.restart();
      expect(reply).toMatch(/^451 4\.7\.1 /);
      expect(copies).toEqual([]);
    });

    test('no next hop: 451 4.4.1', async () => {
      await postfix.setReinjection(false);
      const { data } = unique(message(text()));
      const sent = submit(postfix.submitPort, {
        from: '<a@client.test>',
        to: ['<b@sink.test>'],
        data,
      });
      // Postfix asks us at MAIL or, with speed_adjust, when it has all; both times it hears this.
      const heard = await sent.then(
        ([reply]) => reply,
        (error: unknown) => String(error),
      );
      await postfix.setReinjection(true);
      expect(heard).toMatch(/451 4\.4\.1 /);
    });

    test('a frozen clamd: 451 4.4.7 at the deadline, before Postfix gives up', async () => {
      const more = '[before_queue]\ndeadline_ms = "2s"\n';
      daemon.configure({ ...settings, waitMax: '60s', more });
      await daemon.restart();
      clamd.pause();
      const { reply, copies } = await send(message(text()));
      clamd.resume();
      expect(reply).toMatch(/^451 4\.4\.7 /);
      expect(copies).toEqual([]);
    });

    test('nothing in all this was a fault of ours', () => {
      expect(daemon.logLines().filter((line) => line.includes('"event":"fault"'))).toEqual([]);
    });
  });

  test('without speed_adjust the sender hears of each recipient what the next hop says', async () => {
    const [filterPort, reinjectPort] = [await freePort(), await freePort()];
    const clamd = await PrivateClamd.start();
    const daemon = await PrivateDaemon.start(settingsOf(filterPort, reinjectPort, clamd));
    await daemon.ready();
    const postfix = await startPostfix({
      reinjectPort,
      submitOptions: [`smtpd_proxy_filter=127.0.0.1:${filterPort}`],
      reinjectOptions: [refusing],
    });
    const { data } = unique(message(text()));
    const to = ['<refused@sink.test>'];
    await expect(submit(postfix.submitPort, { from: '<a@client.test>', to, data })).rejects.toThrow(
      /550 5\.1\.1 .*no such user here/,
    );
    await Promise.all([postfix.stop(), daemon.close()]);
    await clamd.close();
  });
});

function settingsOf(filterPort: number, reinjectPort: number, clamd: PrivateClamd): DaemonOptions {
  const nextHop = `127.0.0.1:${reinjectPort}`;
  const address = `127.0.0.1:${filterPort}`;
  return {
    listeners: [{ protocol: 'smtp', position: 'before-queue', address, nextHop }],
    clamd: [clamd.unix.name],
    waitMax: '1s',
  };
}

/** How many replies must have come before, and what is said then; undefined ends the connection. */
type Step = readonly [after: number, what: string | Buffer | undefined];

/** All that was heard by the end of the connection. */
async function conversation(port: number, steps: readonly Step[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let heard = '';
  const left = [...steps];
  socket.on('data', (bytes: Buffer) => {
    heard += bytes.toString('latin1');
    const replies = heard.match(/^\d{3} .*\r\n/gm)?.length ?? 0;
    for (let next = left[0]; next && next[0] <= replies; next = left[0]) {
      left.shift();
      if (next[1] === undefined) socket.end();
      else socket.write(next[1]);
    }
  });
  await once(socket, 'close');
  expect(left).toEqual([]);
  return heard;
}
