/** What `clamgate postfix` prints, run as it is by a real Postfix. */
import { afterEach, expect, jest, test } from '@jest/globals';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { postfixEntries } from '../../src/cli/postfix-entries.ts';
import { systemClock } from '../../src/clock.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import { CommitListener, defaultCommitLimits } from '../../src/listener/commit-listener.ts';
import { describeNeeding } from '../support/needs.ts';
import { makeFolder } from '../support/config-file.ts';
import { passThrough } from '../support/pass-through.ts';
import { freePort } from '../support/ports.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import { runCli } from '../support/run-cli.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(60_000);

const data = Buffer.from('Subject: x\r\nMessage-ID: <1@client.test>\r\n\r\nx\r\n');

/**
 * cleanup(8) where a file's time and its own are on two sides of a full second: the kernel dates files by
 * another clock than it tells the time by, some milliseconds apart.
 */
const clocks = /file system clock is \d+ seconds|resetting file time stamps/;

describeNeeding(['root', 'postfix'], 'the printed entries', () => {
  let postfix: PrivatePostfix | undefined;
  let filter: Server | undefined;
  let commit: CommitListener | undefined;

  afterEach(async () => {
    filter?.close();
    commit?.destroy();
    await postfix?.stop();
    [filter, postfix, commit] = [undefined, undefined, undefined];
  });

  test.each([
    ['smtp', 'n'],
    ['smtp', 'y'],
    ['lmtp', 'n'],
  ])(
    'carry a message over %s to a filter and back, smtpd chrooted: %s',
    async (protocol, chroot) => {
      const [filterPort, backPort] = [await freePort(), await freePort()];
      const printed = await print(protocol, filterPort, backPort);
      const masterCf = printed.masterCf.replace(/ n( +- +20 +smtpd)$/m, ` ${chroot}$1`);
      expect(masterCf).toMatch(new RegExp(` ${chroot} +- +20 +smtpd$`, 'm'));
      postfix = await startPostfix({
        mainCf: printed.mainCf.split('\n'),
        masterCf: masterCf.split('\n'),
        // A filter that passes LMTP through cannot hand it to an smtpd: then only the way to it is tried.
        ...(protocol === 'lmtp' ? { sink: { protocol: 'lmtp' } } : {}),
      });
      const asked: string[] = [];
      commit = new CommitListener({
        gate: {
          asked: ({ queueId }) => {
            asked.push(queueId);
            return Promise.resolve('go');
          },
        },
        clock: systemClock,
        limits: defaultCommitLimits,
        onFault: (error) => {
          throw error;
        },
      });
      await commit.open({ path: join(postfix.queueDirectory, 'clamgate/commit.sock') });
      const to = protocol === 'lmtp' ? postfix.sink.port : backPort;
      const seen: string[] = [];
      filter = passThrough(filterPort, to, seen);

      await submit(postfix.submitPort, { from: '<a@client.test>', to: ['<b@sink.test>'], data });
      await postfix.sink.received(1);
      await postfix.drained();

      expect(postfix.sink.messages).toHaveLength(1);
      // Twelve digits and more: a long queue id.
      expect(seen.join('')).toMatch(/XFORWARD .*IDENT=[0-9A-Za-z]{10,}z/);
      expect(asked).toHaveLength(protocol === 'lmtp' ? 0 : 1);
      const trouble = (await postfix.logLines())
        .filter((line) => /warning: |fatal: |unused parameter|overriding/.test(line))
        .filter((line) => !clocks.test(line));
      expect(trouble).toEqual([]);
    },
  );
});

async function print(
  protocol: string,
  filterPort: number,
  backPort: number,
): Promise<{ mainCf: string; masterCf: string }> {
  const folder = makeFolder();
  try {
    const toml = `[[listener]]
protocol = "${protocol}"
address = "127.0.0.1:${filterPort}"
next_hop = "127.0.0.1:${backPort}"
[commit]
address = "unix:/var/spool/postfix/clamgate/commit.sock"
`;
    const { out } = await runCli(['postfix', '-c', folder.write('c.toml', toml)]);
    const [mainCf = '', masterCf = ''] = out
      .replace('# --- main.cf ---\n', '')
      .split('# --- master.cf ---\n');
    expect(postfixEntries(parseConfig(toml, 'f'), '/var/spool/postfix').notes).toEqual([]);
    return { mainCf, masterCf };
  } finally {
    folder.remove();
  }
}
