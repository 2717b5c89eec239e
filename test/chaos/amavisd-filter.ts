/** Debian's amavisd-new with a configuration of its own: eight children, clamd, no spam checks. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { makeWorkdir } from '../support/workdir.ts';
import { DaemonProcess } from './daemon-process.ts';
import type { FilterSettings } from './filter.ts';
import { type PeerFilter, peerFilter } from './peer-filter.ts';

/** What it hands to clamd. */
export interface AmavisdScanning {
  /** With the decoders and originals of Debian's configuration; without it takes nothing apart. */
  readonly decodes: boolean;
  /** The message as it came, too, which is commented out in Debian's configuration. */
  readonly wholeMail: boolean;
}

/** It refuses to read a configuration that its own user could write, and to run as root. */
export function amavisdFilter(
  settings: FilterSettings,
  scanning: AmavisdScanning = { decodes: false, wholeMail: false },
): PeerFilter {
  const workdir = makeWorkdir();
  const home = settings.stateDirectory ?? join(workdir.path, 'home');
  mkdirSync(join(home, 'tmp'), { recursive: true });
  // As the user of clamd, which has to read its files.
  spawnSync('chown', ['-R', 'clamav:clamav', home]);
  const conf = join(workdir.path, 'amavisd.conf');
  writeFileSync(conf, configuration(settings, home, scanning));
  const daemon = new DaemonProcess(workdir, 'amavisd-new');
  return peerFilter(
    {
      name: 'amavisd-new',
      port: settings.port,
      start: () => daemon.start('/usr/sbin/amavisd', ['-c', conf, 'foreground'], settings.port),
    },
    daemon,
    workdir,
  );
}

function configuration(settings: FilterSettings, home: string, scanning: AmavisdScanning): string {
  const { port, nextHopPort, clamdSocket } = settings;
  return `use strict;
$daemon_user = 'clamav'; $daemon_group = 'clamav';
$MYHOME = '${home}'; $TEMPBASE = "$MYHOME/tmp"; $QUARANTINEDIR = undef;
$pid_file = "$MYHOME/amavisd.pid"; $lock_file = "$MYHOME/amavisd.lock";
$mydomain = 'filter.test'; $myhostname = 'filter.test';
$enable_db = 0; $enable_zmq = 0; $do_syslog = 0; $log_level = 1;
$max_servers = 8;
$inet_socket_port = [${port}]; @inet_acl = qw(127.0.0.1);
$forward_method = 'smtp:[127.0.0.1]:${nextHopPort}'; $notify_method = $forward_method;
@bypass_spam_checks_maps = (1); @bypass_banned_checks_maps = (1);
${decoding(scanning)}
@av_scanners = (['ClamAV', \\&ask_daemon, ["CONTSCAN {}\\n", '${clamdSocket}'],
  qr/\\bOK$/m, qr/\\bFOUND$/m, qr/^.*?: (?!Infected Archive)(.*) FOUND$/m]);
@av_scanners_backup = ();
$final_virus_destiny = D_DISCARD; $virus_quarantine_method = undef;
$final_bad_header_destiny = D_PASS; $bad_header_quarantine_method = undef;
${settings.header ? '' : '$X_HEADER_TAG = undef; $X_HEADER_LINE = undef;\n'}1;
`;
}

function decoding({ decodes, wholeMail }: AmavisdScanning): string {
  if (!decodes) return '@decoders = ();';
  const kept = [
    "qr'^MAIL-UNDECIPHERABLE$'",
    "qr'^(ASCII(?! cpio)|text|uuencoded|xxencoded|binhex)'i",
  ];
  if (wholeMail) kept.push("qr'^MAIL$'");
  return `@keep_decoded_original_maps = (new_RE(${kept.join(', ')}));`;
}
