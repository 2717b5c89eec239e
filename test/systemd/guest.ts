/** What a machine needs to be a small mail host: Postfix with a mailbox, and a clamd that knows EICAR. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eicar } from '../support/eicar.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/postfix');

function fixture(name: string): string {
  return readFileSync(join(fixtures, name), 'utf8');
}

/** Mail for anyone at this domain lies in /var/mail/test/box. */
export const domain = 'mailbox.test';

const mainCf = `compatibility_level = 3.6
myhostname = host.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
smtp_dns_support_level = disabled
smtp_host_lookup = native
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = /var/mail/test
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
${fixture('content-filter.main.cf')}`;

const masterCf = [
  'smtp inet n - n - - smtpd',
  'virtual unix - n n - - virtual',
  fixture('private-instance.master.cf'),
  fixture('scan-smtp.master.cf'),
  fixture('reinject.master.cf'),
].join('\n');

/** Debian's unit starts only with ClamAV's own signatures, which this machine need not have. */
const anyDatabase = '[Unit]\nConditionPathExistsGlob=\n';

/** Fedora's clamd@.service, in our words. */
const forkingClamd = `[Unit]
Description=clamd scanner (%i) daemon
After=syslog.target nss-lookup.target network.target
[Service]
Type=forking
ExecStart=/usr/sbin/clamd -c /etc/clamd.d/%i.conf
ExecReload=/bin/kill -USR2 $MAINPID
Restart=on-failure
`;

const scanConf = `User clamav
PidFile /run/clamd.scan/clamd.pid
LocalSocket /run/clamd.scan/clamd.sock
LocalSocketMode 666
DatabaseDirectory /var/lib/clamav-many
`;

export function guestFiles(): Readonly<Record<string, string | Buffer>> {
  const digest = createHash('md5').update(eicar).digest('hex');
  return {
    'etc/hostname': 'host.test\n',
    'etc/postfix/main.cf': mainCf,
    'etc/postfix/master.cf': masterCf,
    'var/lib/clamav/test.hdb': `${digest}:${eicar.length}:Eicar-Digest\n`,
    'etc/systemd/system/clamav-daemon.service.d/test.conf': anyDatabase,
    'etc/systemd/system/clamav-daemon.socket.d/test.conf': anyDatabase,
    'etc/systemd/system/clamd@.service': forkingClamd,
    'etc/clamd.d/scan.conf': scanConf,
  };
}
