/**
 * The Milter door with a real Sendmail, whose reading of the protocol is the one that libmilter was
 * written for: it says its steps otherwise than Postfix, and answers otherwise to what it is told.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { TransactionRecord } from '../../src/engine/record.ts';
import {
  eicarFile,
  eightBitText,
  largeMessage,
  message,
  newsletter,
  text,
  withAttachment,
} from '../support/messages.ts';
import { freePort } from '../support/ports.ts';
import { missing } from '../support/programs.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';
import { PrivateSendmail, whyNoSendmail } from '../support/private-sendmail.ts';
import type { SinkMessage } from '../support/sink.ts';
import { Dialogue, stuffed, submit } from '../support/submit.ts';
import { makeWorkdir, type Workdir } from '../support/workdir.ts';

jest.setTimeout(60_000);

const absent = missing(['root', 'clamd']);
const reason = absent.length > 0 ? `it needs ${absent.join(', ')}` : whyNoSendmail();
if (reason !== undefined) process.stderr.write(`skipped: Sendmail's Milter client: ${reason}\n`);
const describeSendmail = reason === undefined ? describe : describe.skip;

const eicarMessage = message(withAttachment('eicar.com', eicarFile));
const stamp = 'X-Virus-Scanned: clamgate\r\n';
const taken = /^250 2\.0\.0 \w+ Message accepted for delivery$/;

let serial = 0;
/** With a field by which it is found again, and nothing that a Received field could be. */
function unique(bytes: Buffer): { readonly id: string; readonly data: Buffer } {
  const id = `<${++serial}.sendmail@client.test>`;
  return { id, data: Buffer.concat([Buffer.from(`X-Unique: ${id}\r\n`), bytes]) };
}

interface Sent {
  readonly id: string;
  readonly data: Buffer;
  readonly reply: string;
}

describeSendmail('Sendmail', () => {
  let directory: Workdir;
  let clamd: PrivateClamd;
  let daemon: PrivateDaemon;
  /** Over TCP; what is to be quarantined is refused. */
  let refusing: PrivateSendmail;
  /** Over a Unix socket; it is held. */
  let holding: PrivateSendmail;

  beforeAll(async () => {
    directory = makeWorkdir();
    const port = await freePort();
    const socket = join(directory.path, 'milter.sock');
    const milter = `inet:${port}@127.0.0.1`;
    [clamd, refusing, holding] = await Promise.all([
      PrivateClamd.start(),
      PrivateSendmail.start({ milter, readSeconds: 3, endSeconds: 33 }),
      PrivateSendmail.start({ milter: 'unix:/mnt/milter.sock', mounted: directory.path }),
    ]);
    daemon = await PrivateDaemon.start({
      listeners: [
        { protocol: 'milter', address: `127.0.0.1:${port}` },
        { protocol: 'milter', address: `unix:${socket}`, more: 'quarantine = "hold"\n' },
      ],
      clamd: [clamd.unix.name],
      waitMax: '1s',
      more: '[limits]\nmessage_bytes_max = "6M"\n[[banned]]\nname = "drop"\nnames = ["*.drop"]\naction = "discard"\n',
    });
    await daemon.ready();
  });

  afterAll(async () => {
    await Promise.all([refusing.stop(), holding.stop(), daemon.close(), clamd.close()]);
    await directory.remove();
  });

  async function send(bytes: Buffer, by = refusing, to = ['<b@sink.test>']): Promise<Sent> {
    const { id, data } = unique(bytes);
    const [reply = ''] = await submit(by.port, { from: '<a@client.test>', to, data });
    return { id, data, reply };
  }

  function copiesOf(id: string, by = refusing): readonly SinkMessage[] {
    return by.sink.messages.filter(({ data }) => data.includes(`X-Unique: ${id}\r\n`));
  }

  /** Sendmail passes on what it has taken in its own time. */
  async function arrival(id: string, by = refusing): Promise<SinkMessage> {
    for (let looks = 0; looks < 1000; looks++) {
      const [copy] = copiesOf(id, by);
      if (copy) return copy;
      await delay(20);
    }
    throw new Error(`${id} does not arrive`);
  }

  async function record(): Promise<TransactionRecord> {
    const [latest] = await daemon.transactions();
    if (!latest) throw new Error('no transaction is on record');
    return latest;
  }

  /** The daemon was shown what was sent, byte for byte. */
  async function expectSeen(data: Buffer): Promise<void> {
    const { digest, size } = await record();
    const sent = createHash('sha256').update(data).digest('hex');
    expect({ digest, size }).toEqual({ digest: sent, size: data.length });
  }

  /** It comes out once, as it was sent, with Sendmail's Received field and ours. */
  async function expectDelivered({ id, data, reply }: Sent, by = refusing): Promise<void> {
    expect(reply).toMatch(taken);
    const { data: arrived } = await arrival(id, by);
    expect(arrived.toString('latin1').split(stamp)).toHaveLength(2);
    expect(unstamped(arrived).equals(data)).toBe(true);
  }

  /** Without Sendmail's Received field and ours. */
  function unstamped(data: Buffer): Buffer {
    const received = /^Received: .*\r\n\tby sendmail\.test .*\r\n/;
    const rest = data.toString('latin1').replace(received, '').replace(stamp, '');
    return Buffer.from(rest, 'latin1');
  }

  test.each([
    ['a text', message(text())],
    ['a newsletter', message(newsletter())],
    ['8-bit', message(eightBitText())],
    ['lines of dots', message(text('.\r\n..\r\n...x\r\n.\r\n\r\n.\r\n'))],
    ['no body', Buffer.from('Subject: x\r\n\r\n')],
    [
      'folded and odd fields',
      Buffer.concat([
        Buffer.from(
          'X-A:none\r\nX-B:  two\r\nX-C:\ttab\r\n  folded\r\n\tfolded again\r\nX-D:\r\nX-E: \xff\xfe\r\nX-F: 100% %s\r\n',
          'latin1',
        ),
        message(text()),
      ]),
    ],
    ['2 MB', largeMessage(1_500_000)],
  ])('%s is seen and delivered as it was sent', async (_, bytes) => {
    const sent = await send(bytes);
    await expectSeen(sent.data);
    await expectDelivered(sent);
    const { queueId, client, verdict } = await record();
    expect(verdict).toBe('clean');
    expect(client).toMatchObject({ name: 'localhost', addr: '127.0.0.1', helo: 'client.test' });
    expect(sent.reply).toContain(queueId);
  });

  test.each([
    ['NUL in the body', 'Subject: x\r\n\r\na\0b\r\n'],
    ['NUL in a field', 'Subject: x\r\nX-N: a\0b\r\n\r\nc\r\n'],
    ['blanks before a colon', 'Subject: x\r\nX-N : a\r\nX-O \t:b\r\n\r\nc\r\n'],
    ['a line that is no field', 'Subject: x\r\nno field\r\nX-P: 1\r\n\r\nc\r\n'],
    ['a long line', `Subject: x\r\n\r\n${'x'.repeat(70_000)}\r\n`],
    ['no empty line', 'Subject: x\r\n'],
  ])('%s: what Sendmail makes of it is seen as it is delivered', async (_, bytes) => {
    const { id, reply } = await send(Buffer.from(bytes));
    expect(reply).toMatch(taken);
    await expectSeen(unstamped((await arrival(id)).data));
  });

  test('over a Unix socket', async () => {
    await expectDelivered(await send(message(newsletter()), holding), holding);
  });

  test('what came in our name is taken away', async () => {
    const forged =
      'X-Virus-Scanned: 1\r\nX-A: 1\r\nx-virus-scanned:2\r\n 3\r\nX-Virus-Scanned: 4\r\n';
    const sent = await send(Buffer.concat([Buffer.from(forged), message(text())]));
    await expectSeen(sent.data);
    const arrived = (await arrival(sent.id)).data.toString();
    expect(arrived.match(/^x-virus-scanned:.*\r\n/gim)).toEqual([stamp]);
    expect(arrived).toContain('X-A: 1\r\n');
  });

  test('EICAR is refused in our words', async () => {
    const { id, reply } = await send(eicarMessage);
    expect(reply).toBe('550 5.7.1 Message content rejected');
    expect(copiesOf(id)).toEqual([]);
    expect(await record()).toMatchObject({ outcome: 'rejected', verdict: 'infected' });
  });

  test('EICAR is held, where it is to be', async () => {
    const { id, reply } = await send(eicarMessage, holding);
    expect(reply).toMatch(taken);
    const [held = '', ...more] = holding.held();
    expect(more).toEqual([]);
    // Sendmail's quarantine reason, and the field by which we know it.
    expect(held).toContain('\nqclamgate: infected\n');
    expect(held).toContain(`X-Unique: ${id}\n`);
    expect(held).not.toContain('X-Virus-Scanned');
  });

  test('what a rule discards is taken and dropped', async () => {
    const { reply } = await send(message(withAttachment('x.drop', Buffer.from('x'))));
    expect(reply).toMatch(taken);
    expect(await record()).toMatchObject({ outcome: 'discarded' });
  });

  test('several messages of a client, given up in between, each with its own answer', async () => {
    const first = unique(message(text()));
    const last = unique(message(newsletter()));
    const client = await Dialogue.open(refusing.port);
    const envelope = async (to: string): Promise<void> => {
      await client.say('MAIL FROM:<a@client.test>', '250');
      await client.say(`RCPT TO:${to}`, '250');
    };
    const content = async (data: Buffer): Promise<string> => {
      await client.say('DATA', '354');
      client.write(Buffer.concat([stuffed(data), Buffer.from('.\r\n')]));
      return client.reply();
    };
    await client.say('EHLO client.test', '250');
    await envelope('<b@sink.test>');
    expect(await content(first.data)).toMatch(taken);
    await envelope('<b@sink.test>');
    await client.say('RSET', '250');
    await client.say('MAIL FROM:<a@client.test>', '250');
    await client.say('WIZ', '500');
    await client.say('HELO other.test', '250');
    await envelope('<b@sink.test>');
    expect(await content(eicarMessage)).toBe('550 5.7.1 Message content rejected');
    await envelope('<c@sink.test>');
    expect(await content(last.data)).toMatch(taken);
    await client.say('QUIT', '221');
    client.close();
    const { recipients, client: known } = await record();
    expect(recipients).toMatchObject([{ address: 'c@sink.test' }]);
    expect(known.helo).toBe('other.test');
    await arrival(first.id);
    await arrival(last.id);
  });

  test('many recipients', async () => {
    const to = Array.from({ length: 99 }, (_, at) => `<r${at}@sink.test>`);
    const sent = await send(message(text()), refusing, to);
    await expectDelivered(sent);
    const reached = (await arrival(sent.id)).to.map((path) => path.replace(/ .*/, ''));
    expect(reached.sort()).toEqual([...to].sort());
  });

  test('too large: 552 5.3.4', async () => {
    const { id, reply } = await send(largeMessage(7_000_000));
    expect(reply).toBe('552 5.3.4 Message too large');
    expect(copiesOf(id)).toEqual([]);
    expect(await record()).toMatchObject({ outcome: 'rejected', situation: 'too-large' });
  });

  test('a client that vanishes in mid-data leaves nothing', async () => {
    const client = await Dialogue.open(refusing.port);
    await client.say('EHLO client.test', '250');
    await client.say('MAIL FROM:<a@client.test>', '250');
    await client.say('RCPT TO:<b@sink.test>', '250');
    await client.say('DATA', '354');
    client.write('Subject: x\r\n');
    client.close();
    await expectDelivered(await send(message(text())));
    expect(readdirSync(daemon.spoolDirectory)).toEqual([]);
  });

  test('no clamd: 451 4.7.1 in our words', async () => {
    await clamd.stop();
    const { id, reply } = await send(message(text()));
    expect(reply).toBe('451 4.7.1 Content check unavailable, try again later');
    expect(copiesOf(id)).toEqual([]);
  });

  test('the daemon gone: Sendmail defers by itself', async () => {
    await daemon.stop();
    await expect(send(message(text()))).rejects.toThrow(/45[0-9] 4\./);
  });

  test('no fault was logged, and nothing came twice', () => {
    expect(daemon.logLines().filter((line) => /"event":"fault"/.test(line))).toEqual([]);
    const ids = refusing.sink.messages.map(
      ({ data }) => /^X-Unique: .*/m.exec(data.toString())?.[0],
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});
