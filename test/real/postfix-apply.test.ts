/** `clamgate postfix --diff`, `--apply` and `--undo` on the files of a real Postfix. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { describeNeeding } from '../support/needs.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { passThrough } from '../support/pass-through.ts';
import { freePort } from '../support/ports.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import { runCli } from '../support/run-cli.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(60_000);

const files = ['main.cf', 'master.cf'];

describeNeeding(['root', 'postfix'], 'a real Postfix', () => {
  let postfix: PrivatePostfix;
  let folder: Folder;
  let filter: Server | undefined;
  let [filterPort, backPort] = [0, 0];
  let toml = '';

  beforeEach(async () => {
    folder = makeFolder();
    // Without a filter: a plain installation.
    postfix = await startPostfix({});
    [filterPort, backPort] = [await freePort(), await freePort()];
    toml = config('smtp', '');
  });
  afterEach(async () => {
    filter?.close();
    filter = undefined;
    await postfix.stop();
    folder.remove();
  });

  const config = (protocol: string, more: string) => `[[listener]]
protocol = "${protocol}"
address = "127.0.0.1:${filterPort}"
next_hop = "127.0.0.1:${backPort}"
${more}`;

  /** The clock that stands still would give two changes of one test one name. */
  const cli = async (...args: string[]) => {
    const where = ['--config-directory', postfix.configDirectory];
    const file = folder.write('c.toml', toml);
    return runCli(['-c', file, '--json', 'postfix', ...where, ...args], { clock: systemClock });
  };
  const parsed = async (...args: string[]) => {
    const { code, out, err } = await cli(...args);
    return { code, err, ...(JSON.parse(out) as { changes: unknown[]; backup?: string }) };
  };
  const contents = () =>
    files.map((file) => readFileSync(join(postfix.configDirectory, file), 'utf8'));
  const postconf = (...args: string[]) =>
    execFileSync('/usr/sbin/postconf', ['-c', postfix.configDirectory, ...args], {
      encoding: 'utf8',
    });

  test.each(['smtp', 'lmtp'])(
    'over %s: diff, apply, the same again, mail through it, undo',
    async (protocol) => {
      toml = config(protocol, '');
      const before = contents();
      const diff = await parsed('--diff');
      expect([diff.code, diff.changes.length]).toEqual([1, 5]);
      expect(contents()).toEqual(before);

      const applied = await parsed('--apply');
      expect([applied.code, applied.err]).toEqual([0, '']);
      expect(applied.changes).toEqual(diff.changes);
      expect(files.map((file) => readFileSync(join(applied.backup ?? '', file), 'utf8'))).toEqual(
        before,
      );
      expect(postconf('-h', 'content_filter')).toBe(`scan:[127.0.0.1]:${filterPort}\n`);
      expect((await parsed('--diff')).code).toBe(0);
      const after = contents();
      const again = await parsed('--apply');
      expect([again.code, again.changes]).toEqual([0, []]);
      expect(again).not.toHaveProperty('backup');
      expect(contents()).toEqual(after);

      if (protocol === 'smtp') {
        filter = passThrough(filterPort, backPort, []);
        expect(await parsed('--apply', '--reload')).toMatchObject({ code: 0, reloaded: true });
        await postfix.logged(/reload -- version/);
        await submit(postfix.submitPort, {
          from: '<a@client.test>',
          to: ['<b@sink.test>'],
          data: Buffer.from('Subject: x\r\n\r\nx\r\n'),
        });
        await postfix.sink.received(1);
        await postfix.drained();
      }

      expect((await parsed('--undo')).code).toBe(0);
      expect(contents()).toEqual(before);
      expect(await parsed('--undo')).toMatchObject({ code: 1, kind: 'nothing' });
    },
  );

  test('changes are undone one after the other, the newest first', async () => {
    const before = contents();
    await parsed('--apply');
    const between = contents();
    toml = config('lmtp', '');
    expect((await parsed('--apply')).changes.length).toBeGreaterThan(0);
    expect(contents()).not.toEqual(between);
    await parsed('--undo');
    expect(contents()).toEqual(between);
    await parsed('--undo');
    expect(contents()).toEqual(before);
  });

  test('what was changed by somebody else since is not undone', async () => {
    await parsed('--apply');
    postconf('-e', 'message_size_limit=12345');
    const now = contents();
    expect(await parsed('--undo')).toMatchObject({ code: 1, kind: 'changed', files: ['main.cf'] });
    expect(contents()).toEqual(now);
  });

  test('what Postfix refuses is put back, with the mode and owner that the files had', async () => {
    // postfix check stops at this (postfix-script), after postconf has taken our changes.
    postconf('-e', `mail_owner=nobody-${process.pid}`);
    const [before, mode] = [contents(), statSync(join(postfix.configDirectory, 'main.cf')).mode];
    const { code, err } = await cli('--apply');
    expect([code, err]).toEqual([78, expect.stringContaining('Postfix: ')]);
    expect(contents()).toEqual(before);
    expect(statSync(join(postfix.configDirectory, 'main.cf')).mode).toBe(mode);
    expect(await parsed('--undo')).toMatchObject({ code: 1, kind: 'nothing' });
  });

  test('nothing is changed while something is in the way', async () => {
    const path = join(postfix.configDirectory, 'master.cf');
    writeFileSync(
      path,
      `${readFileSync(path, 'utf8')}scan unix - n n - - pipe user=nobody argv=/bin/true\n`,
    );
    const before = contents();
    const { code, err } = await cli('--apply');
    expect([code, err]).toEqual([78, expect.stringContaining('scan/unix')]);
    expect(contents()).toEqual(before);
    expect(readdirSync(postfix.configDirectory)).not.toContain('clamgate-backup');
  });

  test('Postfix is not reloaded while nobody listens where it would connect', async () => {
    const { code, ...told } = await parsed('--apply', '--reload');
    expect(code).toBe(69);
    expect(told).toMatchObject({ reloaded: false, absent: [`127.0.0.1:${filterPort}`] });
    expect((await postfix.logLines()).join('\n')).not.toMatch(/reload -- version/);
  });
});
