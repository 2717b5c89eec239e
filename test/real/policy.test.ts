/** Postfix that asks before it takes mail (check_policy_service), with the real programs. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { message, text } from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { type DaemonOptions, PrivateDaemon } from '../support/private-daemon.ts';
import { type PrivatePostfix, startPostfix } from '../support/private-postfix.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(120_000);

describeNeeding(['root', 'postfix', 'clamd'], 'the policy service', () => {
  let clamd: PrivateClamd;
  let daemon: PrivateDaemon;
  let postfix: PrivatePostfix;
  let options: DaemonOptions;

  beforeAll(async () => {
    const [filterPort, reinjectPort] = [await freePort(), await freePort()];
    clamd = await PrivateClamd.start();
    postfix = await startPostfix({
      reinjectPort,
      chrooted: true,
      filter: { protocol: 'smtp', address: filterPort },
      submitOptions: [
        'smtpd_recipient_restrictions=check_policy_service unix:clamgate/policy.sock, permit_mynetworks, reject',
        'smtpd_end_of_data_restrictions=check_policy_service unix:clamgate/policy.sock',
      ],
    });
    const directory = join(postfix.queueDirectory, 'clamgate');
    mkdirSync(directory, { recursive: true });
    const nextHop = `127.0.0.1:${reinjectPort}`;
    options = {
      listeners: [
        { protocol: 'smtp', address: `127.0.0.1:${filterPort}`, nextHop },
        { protocol: 'policy', address: `unix:${directory}/policy.sock`, more: 'mode = "0666"\n' },
      ],
      clamd: [clamd.unix.name],
      more: '[limits]\nmessage_bytes_max = "100K"\n',
    };
    daemon = await PrivateDaemon.start(options);
    await daemon.logged(/"event":"clamd"/);
  });

  afterAll(async () => {
    await postfix.stop();
    await daemon.close();
    await clamd.close();
  });

  /** What the sender hears at RCPT, or at the end. */
  async function heard(bytes = message(text())): Promise<string> {
    const mail = { from: '<a@client.test>', to: ['<b@sink.test>'], data: bytes };
    return submit(postfix.submitPort, mail).then(
      ([reply = '']) => reply,
      (error: unknown) => String(error),
    );
  }

  test('mail may come while all is well', async () => {
    expect(await heard()).toMatch(/^250 2\.0\.0 Ok: queued/);
    await postfix.drained();
    expect(postfix.sink.messages).toHaveLength(1);
  });

  test('a message larger than ours is refused at its end, before it is queued', async () => {
    expect(await heard(message(text('x'.repeat(70).concat('\r\n').repeat(2000))))).toMatch(
      /^55[0-9] 5\.3\.4 .*Message too large/,
    );
    await postfix.drained();
  });

  test('without a clamd the sender keeps it, until there is one again', async () => {
    const before = daemon.logLines().length;
    await clamd.stop();
    await daemon.logged(/"event":"clamd-unavailable"/, before);
    expect(await heard()).toMatch(/RCPT TO.*45[01] 4\.7\.1 .*Content check unavailable/);
    await postfix.drained();
    await clamd.restart();
    await daemon.logged(/"event":"clamd"/, before);
    expect(await heard()).toMatch(/^250 /);
    await postfix.drained();
  });

  test('without room on the disk likewise', async () => {
    const [smtp, policy] = options.listeners;
    if (!smtp || !policy) throw new Error('two listeners');
    const listeners = [smtp, { ...policy, more: `${policy.more ?? ''}min_free = "1000000G"\n` }];
    const before = daemon.logLines().length;
    daemon.configure({ ...options, listeners });
    daemon.signal('SIGHUP');
    await daemon.logged(/"event":"reloaded"/, before);
    expect(await heard()).toMatch(/RCPT TO.*45[01] 4\.3\.1 .*Insufficient system storage/);
  });

  test('when we are away Postfix says so for us, and loses nothing', async () => {
    await daemon.stop();
    expect(await heard()).toMatch(/RCPT TO.*451 4\.3\.5/);
  });
});
