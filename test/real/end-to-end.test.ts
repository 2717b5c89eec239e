/** Postfix → clamgate → Postfix with the real programs: what arrives, and what does not. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import {
  eicarFile,
  eightBitText,
  forwarded,
  largeMessage,
  message,
  newsletter,
  storedZip,
  text,
  utf8Header,
  withAttachment,
} from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import type { SinkMessage } from '../support/sink.ts';
import { bytesOf } from '../support/stand-ins.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(120_000);

/** Every message has its own Message-ID, so that none is taken for another one. */
let serial = 0;
function unique(bytes: Buffer): { id: string; data: Buffer } {
  const id = `<${++serial}.e2e@client.test>`;
  return { id, data: Buffer.concat([Buffer.from(`X-Unique: ${id}\r\n`), bytes]) };
}

/** A bounce quotes the message, and is none. */
function isCopyOf(id: string): (kept: SinkMessage) => boolean {
  return ({ data, from }) => !from.startsWith('<>') && data.includes(`X-Unique: ${id}\r\n`);
}

describeNeeding(['root', 'postfix', 'clamd'], 'end to end', () => {
  describe.each(['smtp', 'lmtp'] as const)('content_filter over %s', (protocol) => {
    let clamd: PrivateClamd;
    let daemon: PrivateDaemon;
    let postfix: PrivatePostfix;

    beforeAll(async () => {
      const [filterPort, reinjectPort] = [await freePort(), await freePort()];
      clamd = await PrivateClamd.start({
        StreamMaxLength: '100M',
        MaxFileSize: '100M',
        MaxScanSize: '200M',
      });
      daemon = await PrivateDaemon.start({
        listeners: [
          {
            protocol,
            address: `127.0.0.1:${filterPort}`,
            nextHop: `127.0.0.1:${reinjectPort}`,
          },
        ],
        clamd: [clamd.unix.name],
        waitMax: '1s',
      });
      await daemon.ready();
      postfix = await startPostfix({
        reinjectPort,
        filter: { protocol, address: filterPort },
        reinjectOptions: [
          'smtpd_recipient_restrictions=check_recipient_access inline:{ {refused@sink.test = 550 5.1.1 no such user here} }, permit_mynetworks, reject',
        ],
        mainCf: [
          'message_size_limit = 104857600',
          'minimal_backoff_time = 1s',
          'maximal_backoff_time = 1s',
        ],
      });
    });

    afterAll(async () => {
      await postfix.stop();
      await daemon.close();
      await clamd.close();
    });

    beforeEach(async () => {
      await postfix.drained();
    });

    /** Sends a message and waits until Postfix has nothing of it any more. */
    async function send(
      bytes: Buffer,
      from = '<a@client.test>',
      to: readonly string[] = ['<b@sink.test>'],
    ): Promise<{ id: string; data: Buffer; copies: readonly SinkMessage[] }> {
      const { id, data } = unique(bytes);
      await submit(postfix.submitPort, { from, to, data });
      await postfix.drained(60);
      return { id, data, copies: postfix.sink.messages.filter(isCopyOf(id)) };
    }

    test.each([
      ['a text', message(text())],
      ['a newsletter', message(newsletter())],
      ['8-bit', message(eightBitText())],
      ['lines of dots', message(text('.\r\n..\r\n...x\r\n.\r\n\r\n.'.concat('\r\n')))],
    ])('%s arrives once, byte for byte, with one header more', async (_, bytes) => {
      const { data, copies } = await send(bytes);
      expect(copies).toHaveLength(1);
      const [copy] = copies;
      expect(copy?.data.subarray(-data.length)).toEqual(data);
      const added = copy?.data.subarray(0, -data.length).toString() ?? '';
      expect(added.match(/^X-Virus-Scanned: clamgate\r\n/gm)).toHaveLength(1);
      expect(added.replace(/^(Received|X-Virus-Scanned): .*\r\n(\s.*\r\n)*/gm, '')).toBe('');
    });

    const inner = message(withAttachment('eicar.com', eicarFile));
    test.each([
      ['attached', inner],
      ['in a zip', message(withAttachment('e.zip', storedZip('eicar.com', eicarFile)))],
      ['in a message in the message', message(forwarded(inner))],
    ])('EICAR %s goes into quarantine, whole', async (_, bytes) => {
      const before = (await daemon.quarantine.list()).length;
      const { data, copies } = await send(bytes);
      expect(copies).toEqual([]);
      const [record] = await daemon.transactions();
      expect(record).toMatchObject({ outcome: 'quarantined', reply: { code: 250 } });
      expect(await daemon.quarantine.list()).toHaveLength(before + 1);
      const id = record?.quarantineId ?? '';
      const stored = await bytesOf(daemon.quarantine.open(id));
      expect(stored.subarray(-data.length)).toEqual(data);
      expect(await daemon.quarantine.show(id)).toMatchObject({
        record: {
          queueId: record?.queueId,
          verdict: 'infected',
          envelope: {
            reversePath: { address: 'a@client.test' },
            recipients: [{ address: 'b@sink.test' }],
          },
        },
      });
    });

    test('DSN parameters travel through', async () => {
      const { copies } = await send(message(text()), '<a@client.test> RET=HDRS ENVID=QQ+2B314159', [
        '<b@sink.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2Bx@sink.test',
      ]);
      expect(copies[0]?.from).toMatch(/ENVID=QQ\+2B314159/);
      expect(copies[0]?.from).toMatch(/RET=HDRS/);
      expect(copies[0]?.to[0]).toMatch(/NOTIFY=SUCCESS,FAILURE/);
      expect(copies[0]?.to[0]).toMatch(/ORCPT=rfc822;Bob\+2Bx@sink\.test/);
    });

    test('SMTPUTF8 travels through', async () => {
      const { data, copies } = await send(
        message(utf8Header()),
        '<grüße@client.test> SMTPUTF8 BODY=8BITMIME',
        ['<köln@sink.test>'],
      );
      expect(copies).toHaveLength(1);
      expect(copies[0]?.from).toMatch(/SMTPUTF8/);
      expect(copies[0]?.data.subarray(-data.length)).toEqual(data);
    });

    test('the client is handed on by XFORWARD, and the queue id is logged', async () => {
      await send(message(text()));
      const [record] = await daemon.transactions();
      expect(record?.client.addr).toBe('127.0.0.1');
      expect(record?.client.helo).toBe('client.test');
      expect(record?.queueId).toBe(record?.client.ident);
      expect((await postfix.logLines()).join('\n')).toContain(`${record?.nextHopQueueId}: `);
    });

    test('a recipient that the next hop refuses bounces in its words, the others get theirs', async () => {
      const { copies } = await send(message(text()), '<a@client.test>', [
        '<b@sink.test>',
        '<refused@sink.test>',
      ]);
      expect(copies.map(({ to }) => to.map((path) => path.replace(/ .*/, '')))).toEqual([
        ['<b@sink.test>'],
      ]);
      const log = (await postfix.logLines()).join('\n');
      expect(log).toMatch(
        /to=<refused@sink\.test>.*status=bounced.*550 5\.1\.1.*no such user here/,
      );
    });

    test('50 MB arrive byte for byte, and nothing stays in the spool', async () => {
      const { data, copies } = await send(largeMessage(37_000_000));
      expect(data.length).toBeGreaterThan(50_000_000);
      expect(copies).toHaveLength(1);
      expect(copies[0]?.data.subarray(-data.length).equals(data)).toBe(true);
      expect(readdirSync(daemon.spoolDirectory)).toEqual([]);
    });

    test('clamd stopped: deferred with 451 4.7.1; started again: delivered once', async () => {
      await clamd.stop();
      const { id, data } = unique(message(text()));
      await submit(postfix.submitPort, { from: '<a@client.test>', to: ['<b@sink.test>'], data });
      await postfix.logged(/status=deferred.*451 4\.7\.1/);
      expect(postfix.sink.messages.filter(isCopyOf(id))).toEqual([]);
      await clamd.restart();
      await postfix.flush();
      await postfix.drained(60);
      expect(postfix.sink.messages.filter(isCopyOf(id))).toHaveLength(1);
    });

    test('next hop stopped: deferred with 451 4.4.1; started again: delivered once', async () => {
      await postfix.setReinjection(false);
      const { id, data } = unique(message(text()));
      await submit(postfix.submitPort, { from: '<a@client.test>', to: ['<b@sink.test>'], data });
      await postfix.logged(/status=deferred.*451 4\.4\.1/);
      await postfix.setReinjection(true);
      await postfix.flush();
      await postfix.drained(60);
      expect(postfix.sink.messages.filter(isCopyOf(id))).toHaveLength(1);
    });

    test('nothing is held when all is done', async () => {
      const lines = daemon.logLines().filter((line) => /"event":"fault"/.test(line));
      expect(lines).toEqual([]);
      const descriptors = readdirSync(`/proc/${daemon.pid}/fd`).length;
      await send(message(newsletter()));
      expect(readdirSync(`/proc/${daemon.pid}/fd`).length).toBeLessThanOrEqual(descriptors + 2);
    });
  });
});
