import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { parseConfig, type Config } from '../../src/daemon/config.ts';
import { Daemon } from '../../src/daemon/daemon.ts';
import { Log } from '../../src/daemon/log.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';

let folder: Folder;
let daemon: Daemon;

beforeEach(async () => {
  folder = makeFolder();
  const config = configWith('control.sock', 'first');
  const log = new Log(config.log, systemClock, new PassThrough().resume());
  daemon = new Daemon(config, {
    clock: systemClock,
    log,
    observe: () => undefined,
    observeHandover: () => undefined,
  });
  await daemon.adopt(config);
});
afterEach(async () => {
  await daemon.stop();
  folder.remove();
});

function configWith(control: string, text: string): Config {
  const { path } = folder;
  return parseConfig(
    `[[listener]]
protocol = "smtp"
address = "unix:${path}/listener.sock"
next_hop = "unix:${path}/next-hop.sock"
[control]
address = "unix:${path}/${control}"
[spool]
directory = "${path}/spool"
[quarantine]
directory = "${path}/quarantine"
[ledger]
file = "${path}/ledger/ledger.db"
[header]
text = "${text}"
`,
    'f',
  );
}

test('another control address is refused with all that came with it, and the words say how', async () => {
  const adopting = daemon.adopt(configWith('other.sock', 'second'));
  await expect(adopting).rejects.toMatchObject({
    code: 'CONFIG',
    message: `[control] address changes only at a restart; it stays unix:${folder.path}/control.sock`,
  });
  expect(daemon.config.header.text).toBe('first');
  await daemon.adopt(configWith('control.sock', 'third'));
  expect(daemon.config.header.text).toBe('third');
});
