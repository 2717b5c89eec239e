/** Debian's clamsmtp with a configuration of its own. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorkdir } from '../support/workdir.ts';
import { DaemonProcess } from './daemon-process.ts';
import type { FilterSettings } from './filter.ts';
import { type PeerFilter, peerFilter } from './peer-filter.ts';

export function clamsmtpFilter(settings: FilterSettings): PeerFilter {
  const workdir = makeWorkdir();
  const temporary = settings.stateDirectory ?? join(workdir.path, 'tmp');
  mkdirSync(temporary, { recursive: true });
  spawnSync('chown', ['clamav:clamav', temporary]);
  const conf = join(workdir.path, 'clamsmtpd.conf');
  writeFileSync(conf, configuration(settings, temporary));
  const daemon = new DaemonProcess(workdir, 'clamsmtp');
  return peerFilter(
    {
      name: 'clamsmtp',
      port: settings.port,
      // With -d it stays in the foreground.
      start: () => daemon.start('/usr/sbin/clamsmtpd', ['-d', '1', '-f', conf], settings.port),
    },
    daemon,
    workdir,
  );
}

function configuration(settings: FilterSettings, temporary: string): string {
  return `Listen: 127.0.0.1:${settings.port}
OutAddress: 127.0.0.1:${settings.nextHopPort}
ClamAddress: ${settings.clamdSocket}
TempDirectory: ${temporary}
User: clamav
Action: drop
MaxConnections: 128
${settings.header ? 'Header: X-Virus-Scanned: clamsmtp\n' : ''}`;
}
