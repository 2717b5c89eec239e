/** What `clamgate-update` needs on the machine: two clamds with versions, signatures brought, mail. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { unsignedDatabase } from '../support/private-clamd.ts';
import { domain } from './guest.ts';
import type { Machine } from './machine.ts';

const file = 'daily.cud';
const databases = '/var/lib/clamav';
const delivered = '/srv/signatures';
/** Whose digest it is does not matter: each number has signatures of its own. */
const line = (number: number): string => `${String(number).repeat(32).slice(0, 32)}:68:Known\n`;

/** Both clamds have these signatures, and the daemon has both. */
export async function twoClamds(machine: Machine, number: number): Promise<void> {
  writeFileSync(machine.path(`${databases}/${file}`), unsignedDatabase(number, line(number)));
  const conf = machine.path('/etc/clamd.d/second.conf');
  cpSync(machine.path('/etc/clamd.d/scan.conf'), conf);
  await machine.sh(`sed -i -e 's|/run/clamd.scan|/run/clamd.second|' \\
      -e 's|^DatabaseDirectory.*|DatabaseDirectory ${databases}|' /etc/clamd.d/second.conf
    chown -R clamav: ${databases} && install -d -o clamav /run/clamd.second
    systemctl restart clamav-daemon && systemctl start clamd@second
    cp /etc/clamgate/clamgate.toml /etc/clamgate/one-clamd
    sed -i -e 's|^endpoints = .*|endpoints = ["unix:/run/clamav/clamd.ctl", "unix:/run/clamd.second/clamd.sock"]|' \\
      -e 's|^source = "freshclam"|source = "delivered"|' \\
      -e 's|^#delivered_directory = .*|delivered_directory = "${delivered}"|' /etc/clamgate/clamgate.toml
    systemctl reload clamgate`);
  await untilBothHave(machine, number);
}

export async function oneClamdAgain(machine: Machine): Promise<void> {
  await machine.sh(`mv /etc/clamgate/one-clamd /etc/clamgate/clamgate.toml
    systemctl reload clamgate && systemctl stop clamd@second`);
}

export async function untilBothHave(machine: Machine, number: number): Promise<void> {
  const state = `grep -c -E '/(clamd.ctl|clamd.sock).* ready .*/${number}/'`;
  await machine.until(`clamgate status | ${state}`, /^2$/m);
}

/** Somebody has brought new ones. */
export function deliver(machine: Machine, number: number): void {
  mkdirSync(machine.path(delivered), { recursive: true });
  writeFileSync(machine.path(`${delivered}/${file}`), unsignedDatabase(number, line(number)));
}

/** Sends mail through Postfix all the while. @returns how many messages that were. */
export async function mailing(machine: Machine, act: () => Promise<void>): Promise<number> {
  const loop = `n=0
while [ -e /run/mailing ]; do
  n=$((n + 1))
  printf 'Subject: under way\\n\\nbody %s\\n' $n | sendmail -f a@b.test you@${domain}
  sleep 0.2
done
echo $n > /run/mailed
`;
  writeFileSync(machine.path('/run/mailing.sh'), loop);
  await machine.sh('touch /run/mailing; systemd-run --quiet --unit=mailing sh /run/mailing.sh');
  try {
    await act();
  } finally {
    await machine.sh('rm /run/mailing');
  }
  await machine.until('systemctl is-active mailing', /^inactive$/m);
  return Number(await machine.sh('cat /run/mailed'));
}
