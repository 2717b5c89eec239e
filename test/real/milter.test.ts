/** The Milter door with a real Postfix and a real clamd: what the sender is told, what arrives. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  eicarFile,
  eightBitText,
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
import { submit } from '../support/submit.ts';

jest.setTimeout(180_000);

let serial = 0;
function unique(bytes: Buffer): { id: string; data: Buffer } {
  const id = `<${++serial}.milter@client.test>`;
  return { id, data: Buffer.concat([Buffer.from(`X-Unique: ${id}\r\n`), bytes]) };
}

const eicarMessage = message(withAttachment('eicar.com', eicarFile));
const zipped = message(withAttachment('e.zip', storedZip('eicar.com', eicarFile)));
const stamp = 'X-Virus-Scanned: clamgate\r\n';

describeNeeding(['root', 'postfix', 'clamd'], 'Milter', () => {
  let clamd: PrivateClamd;
  let daemon: PrivateDaemon;
  let postfix: PrivatePostfix;
  let heldPort: number;
  let protocol2Port: number;

  const socketPath = (): string => join(postfix.queueDirectory, 'milter.sock');

  beforeAll(async () => {
    const milterPort = await freePort();
    heldPort = await freePort();
    protocol2Port = await freePort();
    clamd = await PrivateClamd.start({
      StreamMaxLength: '100M',
      MaxFileSize: '100M',
      MaxScanSize: '200M',
    });
    postfix = await startPostfix({
      submitOptions: [`smtpd_milters=inet:127.0.0.1:${milterPort}`],
      mainCf: [
        `non_smtpd_milters = inet:127.0.0.1:${milterPort}`,
        'milter_default_action = tempfail',
        'milter_content_timeout = 33s',
        'smtpd_recipient_limit = 2000',
      ],
      masterCf: [
        `127.0.0.1:${heldPort} inet n - y - - smtpd`,
        '    -o { smtpd_milters=unix:milter.sock }',
        `127.0.0.1:${protocol2Port} inet n - n - - smtpd`,
        `    -o { smtpd_milters=inet:127.0.0.1:${milterPort} }`,
        '    -o { milter_protocol=2 }',
      ],
    });
    daemon = await PrivateDaemon.start({
      listeners: [
        { protocol: 'milter', address: `127.0.0.1:${milterPort}` },
        {
          protocol: 'milter',
          address: `unix:${socketPath()}`,
          more: 'quarantine = "hold"\nmode = "0660"\ngroup = "postfix"\n',
        },
      ],
      clamd: [clamd.unix.name],
      more: '[limits]\nmessage_bytes_max = "60M"\nscan_ms = "40s"\n',
    });
  });

  afterAll(async () => {
    await postfix.stop();
    await daemon.close();
    await clamd.close();
  });

  function copiesOf(id: string): readonly SinkMessage[] {
    return postfix.sink.messages.filter(
      ({ data, from }) => !from.startsWith('<>') && data.includes(`X-Unique: ${id}\r\n`),
    );
  }

  async function send(
    bytes: Buffer,
    port = postfix.submitPort,
    from = '<a@client.test>',
    to: readonly string[] = ['<b@sink.test>'],
  ): Promise<{ id: string; data: Buffer; reply: string }> {
    const { id, data } = unique(bytes);
    const [reply = ''] = await submit(port, { from, to, data });
    return { id, data, reply };
  }

  /** It was taken, and is delivered once, byte for byte, with one header field more. */
  async function expectDelivered(sent: {
    id: string;
    data: Buffer;
    reply: string;
  }): Promise<SinkMessage> {
    expect(sent.reply).toMatch(/^250 2\.0\.0 Ok: queued as /);
    await postfix.drained(20);
    const copies = copiesOf(sent.id);
    expect(copies).toHaveLength(1);
    const [copy] = copies;
    if (!copy) throw new Error('unreachable');
    expect(copy.data.subarray(-sent.data.length).equals(sent.data)).toBe(true);
    const added = copy.data.subarray(0, -sent.data.length).toString();
    expect(added.split(stamp)).toHaveLength(2);
    expect(added.replace(stamp, '')).toMatch(/^(Received: .*\r\n(\s.*\r\n)*)*$/);
    return copy;
  }

  async function expectNotTaken(sent: { id: string; reply: string }, reply: RegExp): Promise<void> {
    expect(sent.reply).toMatch(reply);
    await postfix.drained(20);
    expect(copiesOf(sent.id)).toEqual([]);
  }

  test.each([
    ['a text', message(text())],
    ['a newsletter', message(newsletter())],
    ['8-bit', message(eightBitText())],
    ['lines of dots', message(text('.\r\n..\r\n...x\r\n.\r\n\r\n.\r\n'))],
    [
      'folded and odd fields',
      Buffer.concat([
        Buffer.from(
          'X-A:none\r\nX-B:  two\r\nX-C:\ttab\r\n  folded\r\n\tfolded again\r\nX-D:\r\nX-E: \xff\xfe\r\n',
          'latin1',
        ),
        message(text()),
      ]),
    ],
  ])('%s arrives once, byte for byte, with one header field more', async (_, bytes) => {
    const sent = await send(bytes);
    await expectDelivered(sent);
    // The daemon saw the same bytes as the client sent, and Postfix's queue id.
    const [record] = await daemon.transactions();
    expect(record).toMatchObject({ outcome: 'relayed', verdict: 'clean', size: sent.data.length });
    expect(record?.client).toMatchObject({ addr: '127.0.0.1', helo: 'client.test' });
    expect(sent.reply).toContain(record?.queueId);
  });

  test('our field stands behind the Received field of this host', async () => {
    const { data } = await expectDelivered(await send(message(text())));
    const names = data
      .toString('latin1')
      .match(/^[\w-]+(?=:)/gm)
      ?.slice(0, 2);
    expect(names).toEqual(['Received', 'X-Virus-Scanned']);
  });

  test('protocol version 2, where each step is answered', async () => {
    const sent = await send(message(newsletter()), protocol2Port);
    await expectDelivered(sent);
    await expectNotTaken(await send(eicarMessage, protocol2Port), /^550 5\.7\.1 /);
  });

  test('what came in our name is taken away, wherever it stands', async () => {
    const forged = Buffer.from(
      'X-Virus-Scanned: forged 1\r\nX-A: 1\r\nx-virus-scanned: forged\r\n 2\r\nX-Virus-Scanned: 3\r\n',
    );
    const { id, data } = unique(Buffer.concat([forged, message(text())]));
    await submit(postfix.submitPort, { from: '<a@client.test>', to: ['<b@sink.test>'], data });
    await postfix.drained(20);
    const [copy] = copiesOf(id);
    expect(copy?.data.toString().match(/^x-virus-scanned:.*\r\n/gim)).toEqual([stamp]);
    expect(copy?.data.toString()).toContain('X-A: 1\r\n');
  });

  test.each([
    ['attached', eicarMessage],
    ['in a zip', zipped],
  ])('EICAR %s is refused while the sender is there', async (_, bytes) => {
    await expectNotTaken(await send(bytes), /^550 5\.7\.1 Message content rejected$/);
    const [record] = await daemon.transactions();
    expect(record).toMatchObject({ outcome: 'rejected', verdict: 'infected' });
    expect(await daemon.quarantine.list()).toEqual([]);
  });

  test('over a Unix socket, from a chrooted smtpd, EICAR is held by Postfix, and clean mail is not', async () => {
    const { mode, gid } = statSync(socketPath());
    expect(mode & 0o777).toBe(0o660);
    expect(gid).toBe(Number(execFileSync('getent', ['group', 'postfix']).toString().split(':')[2]));
    await expectDelivered(await send(message(text()), heldPort));
    const held = await send(eicarMessage, heldPort);
    expect(held.reply).toMatch(/^250 2\.0\.0 /);
    await postfix.logged(/milter-hold: END-OF-MESSAGE from unknown/);
    expect(copiesOf(held.id)).toEqual([]);
    const queueId = /queued as (\w+)/.exec(held.reply)?.[1] ?? '';
    expect(await postfix.queued()).toEqual([queueId]);
    execFileSync('postsuper', ['-c', postfix.configDirectory, '-d', queueId], { stdio: 'ignore' });
    await postfix.drained(20);
  });

  test('SMTPUTF8 and DSN parameters travel through', async () => {
    const sent = await send(
      message(utf8Header()),
      postfix.submitPort,
      '<grüße@client.test> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=QQ+2B314159',
      ['<köln@sink.test> NOTIFY=FAILURE ORCPT=rfc822;Bob+2Bx@sink.test'],
    );
    const copy = await expectDelivered(sent);
    expect(copy.from).toMatch(/ENVID=QQ\+2B314159/);
    expect(copy.to[0]).toMatch(/ORCPT=rfc822;Bob\+2Bx@sink\.test NOTIFY=FAILURE/);
    const [record] = await daemon.transactions();
    expect(record).toMatchObject({
      sender: 'grüße@client.test',
      recipients: [{ address: 'köln@sink.test' }],
    });
  });

  test('many recipients', async () => {
    const to = Array.from({ length: 1500 }, (_, at) => `<r${at}@sink.test>`);
    const sent = await send(message(text()), postfix.submitPort, '<a@client.test>', to);
    expect(sent.reply).toMatch(/^250 /);
    // All of them were named to us (the history keeps some).
    await daemon.logged(/"recipients":1500\b/);
    await postfix.drained(120);
    const reached = copiesOf(sent.id).flatMap((copy) =>
      copy.to.map((path) => path.replace(/ .*/, '')),
    );
    expect(reached.sort()).toEqual([...to].sort());
  });

  test('50 MB arrive byte for byte, and nothing stays in the spool', async () => {
    const sent = await send(largeMessage(37_000_000));
    expect(sent.data.length).toBeGreaterThan(50_000_000);
    await expectDelivered(sent);
    expect(readdirSync(daemon.spoolDirectory)).toEqual([]);
  });

  test('too large: 552 5.3.4, and the rest is not sent to us', async () => {
    await expectNotTaken(await send(largeMessage(50_000_000)), /^552 5\.3\.4 Message too large$/);
    const [record] = await daemon.transactions();
    expect(record).toMatchObject({ outcome: 'rejected', situation: 'too-large' });
  });

  test('several messages of one pipelining client, each with its own answer', async () => {
    const bodies = [message(text()), eicarMessage, message(newsletter())].map(unique);
    const [first, second, third] = bodies;
    const said = bodies.map(
      ({ data }) =>
        `MAIL FROM:<a@client.test>\r\nRCPT TO:<b@sink.test>\r\nDATA\r\n${data.toString('latin1')}.\r\n`,
    );
    const replies = await dialogue(['EHLO client.test\r\n', ...said, 'RSET\r\nQUIT\r\n']);
    const final = replies.filter((line) => /queued as|Message content/.test(line));
    expect(final.map((line) => line.slice(0, 9))).toEqual(['250 2.0.0', '550 5.7.1', '250 2.0.0']);
    await postfix.drained(20);
    expect([first, second, third].map((one) => copiesOf(one?.id ?? '').length)).toEqual([1, 0, 1]);
  });

  test('a client that vanishes in mid-data, or behind RCPT, leaves nothing', async () => {
    const { data } = unique(largeMessage(1_000_000));
    const begun = `EHLO c\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<b@sink.test>\r\n`;
    await vanish(`${begun}DATA\r\n${data.toString('latin1')}`);
    await vanish(begun);
    await postfix.drained(20);
    await expectDelivered(await send(message(text())));
    expect(readdirSync(daemon.spoolDirectory)).toEqual([]);
  });

  test('sendmail(1), by non_smtpd_milters: clean is delivered, EICAR bounces, nothing stays', async () => {
    const clean = unique(message(text()));
    sendmail(clean.data);
    await postfix.drained(20);
    expect(copiesOf(clean.id)).toHaveLength(1);
    const infected = unique(eicarMessage);
    sendmail(infected.data);
    await postfix.logged(/milter-reject: END-OF-MESSAGE from localhost\[127\.0\.0\.1\]: 5\.7\.1/);
    await postfix.drained(20);
    expect(copiesOf(infected.id)).toEqual([]);
    expect((await postfix.logLines()).filter((line) => /configuration error/.test(line))).toEqual(
      [],
    );
  });

  test('clamd stopped: 451 4.7.1, or it waits in the queue; started again, each is taken once', async () => {
    await clamd.stop();
    const local = unique(message(text()));
    sendmail(local.data);
    const { id, data } = unique(message(text()));
    const submission = { from: '<a@client.test>', to: ['<b@sink.test>'], data };
    const [refused = ''] = await submit(postfix.submitPort, submission);
    expect(refused).toMatch(/^451 4\.7\.1 Content check unavailable, try again later$/);
    await postfix.logged(/milter-reject: END-OF-MESSAGE from localhost\[127\.0\.0\.1\]: 4\.7\.1/);
    await postfix.queuedAre(1);
    expect(copiesOf(local.id)).toEqual([]);
    await clamd.restart();
    const [reply = ''] = await submit(postfix.submitPort, submission);
    // pickup(8) looks again once a minute, or when it is woken up.
    execFileSync('/usr/sbin/postkick', ['-c', postfix.configDirectory, 'public', 'pickup', 'W']);
    await expectDelivered({ id, data, reply });
    expect(copiesOf(local.id)).toHaveLength(1);
  });

  test('clamd frozen: Postfix is told that we are at work, and then 451 4.7.1 in our words', async () => {
    clamd.pause();
    const begun = performance.now();
    try {
      const sent = await send(message(text()));
      // Above milter_content_timeout, which begins anew with each word of ours.
      expect(performance.now() - begun).toBeGreaterThan(34_000);
      await expectNotTaken(sent, /^451 4\.7\.1 Content check unavailable, try again later$/);
    } finally {
      clamd.resume();
    }
  });

  test('the daemon stopped: Postfix defers by itself; started again, it goes on', async () => {
    await daemon.stop();
    await expect(send(message(text()))).rejects.toThrow(/451 4\.7\.1/);
    await daemon.restart();
    await expectDelivered(await send(message(text())));
  });

  test('no fault was logged, and Postfix never complained of the protocol', async () => {
    expect(daemon.logLines().filter((line) => /"event":"fault"/.test(line))).toEqual([]);
    const lines = (await postfix.logLines()).filter((line) => /warning: milter/.test(line));
    expect(lines).toEqual([]);
  });

  async function dialogue(said: readonly string[]): Promise<string[]> {
    const socket = connect(postfix.submitPort, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
    await once(socket, 'connect');
    // smtpd's early talker rules do not hold behind its greeting.
    while (!heard.includes('220 ')) await once(socket, 'data');
    for (const words of said) socket.write(words, 'latin1');
    await once(socket, 'close');
    return heard.split('\r\n');
  }

  async function vanish(said: string): Promise<void> {
    const socket = connect(postfix.submitPort, '127.0.0.1');
    await once(socket, 'data');
    socket.write(said, 'latin1');
    await once(socket, 'data');
    await new Promise<void>((resolve) =>
      socket.write('', () => {
        resolve();
      }),
    );
    socket.resetAndDestroy();
  }

  function sendmail(data: Buffer): void {
    const args = ['-C', postfix.configDirectory, '-f', 'a@client.test', '-i', 'b@sink.test'];
    const input = data.toString('latin1').replaceAll('\r\n', '\n');
    const { status, stderr } = spawnSync('/usr/sbin/sendmail', args, {
      input: Buffer.from(input, 'latin1'),
    });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  }
});
