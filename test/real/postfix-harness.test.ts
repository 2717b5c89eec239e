/** The private Postfix itself, without clamgate: what it is trusted for by the other tests here. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { killAll, startAgain } from '../chaos/postfix-faults.ts';
import { describeNeeding } from '../support/needs.ts';
import { passThrough } from '../support/pass-through.ts';
import { freePort } from '../support/ports.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import type { SinkAnswer, SinkMessage, SinkStep } from '../support/sink.ts';
import { submit } from '../support/submit.ts';

/** Lines that begin with dots, and bytes above 127. */
const message = Buffer.from(
  [
    'From: a@client.test',
    'To: b@sink.test',
    'Subject: caf\u00e9',
    'Message-ID: <1@client.test>',
    'Date: Thu, 01 Jan 2026 00:00:00 +0000',
    '',
    '.',
    '..two dots',
    'caf\u00e9',
    '',
    '',
  ].join('\r\n'),
  'latin1',
);

/** What Postfix put in front: trace lines, one for each smtpd. */
function traceOf({ data }: SinkMessage): string {
  return data.subarray(0, data.length - message.length).toString('latin1');
}

/** Several processes start in each test. */
jest.setTimeout(60_000);

describeNeeding(['root', 'postfix'], 'a private Postfix', () => {
  let postfix: PrivatePostfix | undefined;
  let filter: Server | undefined;

  afterEach(async () => {
    filter?.close();
    await postfix?.stop();
    [filter, postfix] = [undefined, undefined];
  });

  test('delivers to the sink what was submitted, byte for byte', async () => {
    postfix = await startPostfix();
    const [reply] = await submit(postfix.submitPort, {
      from: '<a@client.test> RET=HDRS ENVID=QQ123 BODY=8BITMIME',
      to: ['<b@sink.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+2By@sink.test', '<c@sink.test>'],
      data: message,
    });

    const [kept] = await postfix.sink.received(1);
    expect(reply).toMatch(/^250 2\.0\.0 Ok: queued as [0-9A-F]+$/);
    expect(kept?.data.subarray(-message.length)).toEqual(message);
    expect(kept && traceOf(kept)).toMatch(/^Received: from client\.test [^]*\r\n$/);
    expect(kept?.from).toMatch(/^<a@client\.test> SIZE=\d+ BODY=8BITMIME ENVID=QQ123 RET=HDRS$/);
    expect(kept?.to).toEqual([
      '<b@sink.test> ORCPT=rfc822;x+2By@sink.test NOTIFY=SUCCESS,FAILURE',
      '<c@sink.test> ORCPT=rfc822;c@sink.test',
    ]);
    await postfix.drained();
  });

  test('carries SMTPUTF8 to the sink', async () => {
    postfix = await startPostfix();
    await submit(postfix.submitPort, {
      from: '<\u00e4@client.test> SMTPUTF8 BODY=8BITMIME',
      to: ['<\u00f6@sink.test>'],
      data: message,
    });

    const [kept] = await postfix.sink.received(1);
    expect(kept?.from).toMatch(/^<\u00e4@client\.test> .*SMTPUTF8/);
    expect(kept?.to[0]).toMatch(/^<\u00f6@sink\.test>/);
  });

  test.each(['n', 'y'])(
    'goes through an SMTP filter and back, smtpd chrooted: %s',
    async (chroot) => {
      const filterPort = await freePort();
      postfix = await startPostfix({
        filter: { protocol: 'smtp', address: filterPort },
        chrooted: chroot === 'y',
      });
      const seen: string[] = [];
      filter = passThrough(filterPort, postfix.reinjectPort, seen);
      await submit(postfix.submitPort, {
        from: '<a@client.test>',
        to: ['<b@sink.test>'],
        data: message,
      });

      const [kept] = await postfix.sink.received(1);
      expect(kept?.data.subarray(-message.length)).toEqual(message);
      expect(kept && traceOf(kept).match(/^Received: /gm)).toHaveLength(2);
      expect(seen.join('')).toMatch(/XFORWARD .*IDENT=[0-9A-F]+/);
      await postfix.drained();
      expect(postfix.sink.messages).toHaveLength(1);
    },
  );

  test('keeps mail while the filter is away and delivers it once when it is back', async () => {
    const filterPort = await freePort();
    postfix = await startPostfix({ filter: { protocol: 'smtp', address: filterPort } });
    await submit(postfix.submitPort, {
      from: '<a@client.test>',
      to: ['<b@sink.test>'],
      data: message,
    });
    await postfix.logged(/status=deferred/);
    expect(await postfix.queued()).toHaveLength(1);

    filter = passThrough(filterPort, postfix.reinjectPort, []);
    await postfix.flush();
    await postfix.drained();
    expect(postfix.sink.messages).toHaveLength(1);
  });

  test('starts again after a kill -9 in the middle of a queue file', async () => {
    postfix = await startPostfix();
    await killAll(postfix);
    const halfMade = join(postfix.queueDirectory, 'incoming/4711.815');
    writeFileSync(halfMade, '');
    await promisify(execFile)('chown', ['postfix', halfMade]);
    await startAgain(postfix);

    await postfix.logged(/bogus file name: incoming\/4711\.815/);
    await submit(postfix.submitPort, {
      from: '<a@client.test>',
      to: ['<b@sink.test>'],
      data: message,
    });
    await postfix.sink.received(1);
  });

  test('speaks LMTP to a filter', async () => {
    const far = await startPostfix({ sink: { protocol: 'lmtp' } });
    postfix = await startPostfix({ filter: { protocol: 'lmtp', address: far.sink.port } });
    try {
      await submit(postfix.submitPort, {
        from: '<a@client.test>',
        to: ['<b@sink.test>', '<c@sink.test>'],
        data: message,
      });
      const [kept] = await far.sink.received(1);
      expect(kept?.helo).toBe('postfix.test');
      expect(kept?.xforward.get('IDENT')).toMatch(/^[0-9A-F]+$/);
      expect(kept?.to).toHaveLength(2);
      await postfix.drained();
    } finally {
      await far.stop();
    }
  });

  test('takes retries to the end of data from the sink: deferred, then delivered', async () => {
    let attempts = 0;
    const answer = (step: SinkStep): SinkAnswer | undefined =>
      step === 'dot' && ++attempts === 1 ? { kind: 'reply', text: '451 4.3.0 Not now' } : undefined;
    postfix = await startPostfix({ sink: { answer } });
    await submit(postfix.submitPort, {
      from: '<a@client.test>',
      to: ['<b@sink.test>'],
      data: message,
    });

    await postfix.sink.received(1);
    await postfix.drained();
    expect(attempts).toBe(2);
    expect(postfix.sink.messages).toHaveLength(1);
  });

  test('takes settings of its own, without a word about those they replace', async () => {
    postfix = await startPostfix({ mainCf: ['message_size_limit = 1000'] });
    const data = Buffer.concat([message, Buffer.alloc(2000, 'x'), Buffer.from('\r\n')]);
    const [reply] = await submit(postfix.submitPort, { from: '<>', to: ['<b@sink.test>'], data });

    expect(reply).toMatch(/^552 5\.3\.4 /);
    expect((await postfix.logLines()).filter((line) => line.includes('overriding'))).toEqual([]);
  });

  test('leaves nothing behind', async () => {
    postfix = await startPostfix();
    const { submitPort, queueDirectory } = postfix;
    await postfix.stop();
    postfix = undefined;

    expect(existsSync(dirname(queueDirectory))).toBe(false);
    await expect(submit(submitPort, { from: '<>', to: [], data: message })).rejects.toThrow(
      /ECONNREFUSED/,
    );
  });

  test('says what is wrong when it does not start', async () => {
    const entry = 'not an entry';
    await expect(startPostfix({ masterCf: [entry] })).rejects.toThrow(/Postfix does not start/);
  });
});
