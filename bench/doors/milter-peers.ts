/** The other Milters, each with a configuration of its own that does nothing but ask clamd. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DaemonProcess } from '../../test/chaos/daemon-process.ts';
import { freePort } from '../../test/support/ports.ts';
import { missing } from '../../test/support/programs.ts';
import type { Workdir } from '../../test/support/workdir.ts';
import type { Peer } from '../stage/peers.ts';

/** Debian's clamav-milter, as its user; undefined where it is not installed. */
export async function startClamavMilter(
  workdir: Workdir,
  clamdSocket: string,
): Promise<Peer | undefined> {
  if (missing(['root', 'clamav-milter']).length > 0) return undefined;
  const port = await freePort();
  const conf = join(workdir.path, 'clamav-milter.conf');
  const lines = [
    `MilterSocket inet:${port}@127.0.0.1`,
    `ClamdSocket unix:${clamdSocket}`,
    ...['Foreground yes', 'User clamav', 'OnInfected Reject', 'OnFail Defer'],
    'AddHeader Replace',
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  return startPeer(workdir, 'clamav-milter', ['/usr/sbin/clamav-milter', '-c', conf], port);
}

/**
 * Debian's rspamd with its antivirus module alone, in one process for each core; the whole message
 * goes to clamd, as it does from the others. Undefined where it is not installed.
 */
export async function startRspamd(
  workdir: Workdir,
  clamdSocket: string,
): Promise<Peer | undefined> {
  if (missing(['root', 'rspamd']).length > 0) return undefined;
  const port = await freePort();
  const directory = join(workdir.path, 'rspamd');
  mkdirSync(directory);
  // Its workers have a user of their own.
  chmodSync(workdir.path, 0o755);
  spawnSync('chown', ['_rspamd', directory]);
  const conf = join(workdir.path, 'rspamd.conf');
  writeFileSync(conf, rspamdConfiguration(port, directory, clamdSocket));
  const command = ['/usr/bin/rspamd', '-f', '-u', '_rspamd', '-g', '_rspamd', '-c', conf];
  return startPeer(workdir, 'rspamd', command, port);
}

async function startPeer(
  workdir: Workdir,
  name: string,
  [program = '', ...args]: readonly string[],
  port: number,
): Promise<Peer> {
  const daemon = new DaemonProcess(workdir, name);
  await daemon.start(program, args, port);
  return { port, pid: daemon.pid, close: () => daemon.kill() };
}

function rspamdConfiguration(port: number, directory: string, clamdSocket: string): string {
  return `options {
  filters = "";
  explicit_modules = ["antivirus"];
  tempdir = "${directory}";
  pidfile = "${directory}/rspamd.pid";
  rrd = "";
  history_file = "";
  dns { nameserver = ["127.0.0.1:1"]; timeout = 100ms; retransmits = 1; }
}
logging { type = "file"; filename = "${directory}/rspamd.log"; level = "warning"; }
modules { path = "/usr/share/rspamd/plugins/antivirus.lua"; }
actions { reject = 15; add_header = 6; greylist = null; }
antivirus {
  clamav {
    type = "clamav";
    symbol = "CLAM_VIRUS";
    action = "reject";
    servers = "${clamdSocket}";
    scan_mime_parts = false;
    max_size = 100000000;
    log_clean = false;
  }
}
worker "rspamd_proxy" {
  bind_socket = "127.0.0.1:${port}";
  milter = yes;
  timeout = 120s;
  upstream "local" { default = yes; self_scan = yes; }
  count = 2;
}
`;
}
