/** `clamgate update` beside the daemon, which drains each clamd for it while mail goes through. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askControl } from '../../src/cli/control-client.ts';
import type { UpdateReport } from '../../src/cli/update/run.ts';
import { systemClock } from '../../src/clock.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import { eicarFile, message, text, withAttachment } from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd, unsignedDatabase, writeDatabase } from '../support/private-clamd.ts';
import { PrivateDaemon } from '../support/private-daemon.ts';
import { runCli } from '../support/run-cli.ts';
import { type Sink, startSink } from '../support/sink.ts';
import { submit } from '../support/submit.ts';
import { makeWorkdir, type Workdir } from '../support/workdir.ts';

jest.setTimeout(120_000);

describeNeeding(['clamd', 'root'], 'clamgate update beside the daemon', () => {
  let workdir: Workdir;
  let clamds: PrivateClamd[] = [];
  let daemon: PrivateDaemon;
  let sink: Sink;
  let port: number;

  afterEach(async () => {
    await daemon.close();
    await Promise.all([sink.stop(), ...clamds.map((clamd) => clamd.close())]);
    await workdir.remove();
  });

  async function start(count: number, concurrent: 'yes' | 'no'): Promise<void> {
    workdir = makeWorkdir();
    const [databases, delivered, state] = ['databases', 'delivered', 'state'].map((name) =>
      join(workdir.path, name),
    ) as [string, string, string];
    for (const directory of [databases, delivered, state]) mkdirSync(directory);
    writeDatabase(databases);
    writeFileSync(join(databases, 'daily.cud'), unsignedDatabase(100, signatureOf('of yesterday')));
    writeFileSync(join(delivered, 'daily.cud'), unsignedDatabase(101, signatureOf('of today')));
    const settings = {
      DatabaseDirectory: databases,
      ConcurrentDatabaseReload: concurrent,
      IdleTimeout: '1',
    } as const;
    clamds = await Promise.all(Array.from({ length: count }, () => PrivateClamd.start(settings)));
    port = await freePort();
    sink = await startSink();
    daemon = await PrivateDaemon.start({
      listeners: [
        { protocol: 'smtp', address: `127.0.0.1:${port}`, nextHop: `127.0.0.1:${sink.port}` },
      ],
      clamd: clamds.map(({ unix }) => unix.name),
      more: `[update]
source = "delivered"
delivered_directory = "${delivered}"
database_directory = "${databases}"
state_directory = "${state}"
`,
    });
    while ((await shown()).some(({ state: is }) => is !== 'ready')) await delay(50);
  }

  const shown = async (): Promise<Status['clamd']> =>
    ((await askControl(daemon.control, '/status')) as Status).clamd;

  /** Mail at a steady pace, every third one infected, until `over` settles; what was answered. */
  async function trickle(over: Promise<unknown>): Promise<string[]> {
    const end = new AbortController();
    void over
      .finally(() => {
        end.abort();
      })
      .catch(() => undefined);
    const sent: Promise<string>[] = [];
    for (let at = 0; !end.signal.aborted; at++) {
      const bytes = at % 3 === 0 ? withAttachment('e.com', eicarFile) : text(`harmless ${at}\r\n`);
      const mail = { from: '<a@client.test>', to: ['<b@sink.test>'], data: message(bytes) };
      sent.push(submit(port, mail).then(([reply = '']) => reply));
      await delay(30);
    }
    return Promise.all(sent);
  }

  test.each([
    [2, 'yes'],
    [2, 'no'],
    [1, 'no'],
  ] as const)(
    '%i clamds, ConcurrentDatabaseReload %s: all get the new signatures, and no mail is put off',
    async (count, concurrent) => {
      await start(count, concurrent);
      const update = runCli(['update', '-c', daemon.configFile, '--json'], { clock: systemClock });
      const sent = await trickle(update);
      const { code, out, err } = await update;
      expect([code, err]).toEqual([0, '']);
      const report = JSON.parse(out) as UpdateReport;
      expect(report.endpoints).toEqual(
        clamds.map(({ unix: { name } }) => ({
          endpoint: name,
          state: 'updated',
          before: 100,
          after: 101,
        })),
      );
      const drained = report.steps.filter(({ step }) => step === 'drain');
      expect(drained.map(({ outcome }) => outcome)).toEqual(clamds.map(() => 'done'));
      expect(sent.length).toBeGreaterThan(10);
      // The one clamd is away for as long as it loads, and mail waits for it.
      expect(sent.filter((reply) => !reply.startsWith('250'))).toEqual([]);
      const infected = sent.filter((_, at) => at % 3 === 0).length;
      expect(await daemon.quarantine.list()).toHaveLength(infected);
      const end = await shown();
      expect(end.map(({ draining, database }) => [draining, database])).toEqual(
        clamds.map(() => [false, 101]),
      );
    },
  );
});

/** A line of an .hdb. */
function signatureOf(file: string): string {
  return `${createHash('md5').update(file).digest('hex')}:${file.length}:Known\n`;
}
