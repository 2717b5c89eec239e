/** A clamd@.service whose clamd takes longer to load than systemd waits; and what the doctor says of it. */
import { expect } from '@jest/globals';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { manySignatures } from '../support/many-signatures.ts';
import type { Machine } from './machine.ts';
import { dropIn } from './service.ts';

const root = join(import.meta.dirname, '../..');
const place = '/etc/systemd/system/clamd@.service.d';
const defaults = '/etc/systemd/system.conf.d/test.conf';
const signatures = 1_500_000;
const startSeconds = 1;

/** Of a clamd that the daemon does not use. */
const config = '/etc/clamgate/scan.toml';
const doctor = `clamgate doctor --json --verbose -c ${config}`;

/** @param json what the doctor wrote. */
function finding(json: string, id: string): unknown {
  const { findings } = JSON.parse(json) as { findings: readonly { readonly id: string }[] };
  return findings.find((one) => one.id === id);
}

/** It is killed without our drop-in, and starts with it. */
export async function slowClamd(machine: Machine): Promise<void> {
  const directory = machine.path('/var/lib/clamav-many');
  mkdirSync(directory);
  await pipeline(manySignatures(signatures), createWriteStream(join(directory, 'many.hsb')));
  await machine.sh(`install -d -o clamav /run/clamd.scan && mkdir -p /etc/systemd/system.conf.d
    printf '[Manager]\\nDefaultTimeoutStartSec=${startSeconds}\\n' > ${defaults}
    systemctl daemon-reexec`);
  expect((await machine.run('systemctl start clamd@scan')).code).not.toBe(0);
  // It is started again and again, and killed each time.
  expect(await machine.sh('journalctl -u clamd@scan -o cat --no-pager')).toMatch(
    /start operation timed out[^]*Failed with result 'timeout'/,
  );
  await machine.sh(
    `sed 's|^endpoints = .*|endpoints = ["unix:/run/clamd.scan/clamd.sock"]|' /etc/clamgate/clamgate.toml > ${config}`,
  );
  const killed = await machine.until(doctor, /systemd kills it again and again/);
  expect(finding(killed, 'unit-clamd-start')).toMatchObject({
    severity: 'error',
    mend: 'systemctl edit clamd@scan.service: [Service] TimeoutStartSec=900',
  });
  await machine.sh('systemctl stop clamd@scan');

  const drop = readFileSync(join(root, 'systemd/clamd@.service.d/clamgate.conf'), 'utf8');
  await machine.sh(
    `mkdir ${place} && cat > ${place}/clamgate.conf << 'EOF'\n${drop}EOF\nsystemctl daemon-reload`,
  );
  const began = performance.now();
  await machine.sh('systemctl start clamd@scan', 200);
  process.stderr.write(
    `clamd with ${signatures} signatures: ${((performance.now() - began) / 1000).toFixed(1)} s to start, allowed ${startSeconds} s without the drop-in\n`,
  );
  expect(performance.now() - began).toBeGreaterThan(startSeconds * 1000);
  const show = 'systemctl show --value -p Result -p ActiveState clamd@scan';
  expect(await machine.sh(show)).toBe('success\nactive');
  await doctorOfUnit(machine);
  await machine.sh(`systemctl stop clamd@scan && rm -r ${config} ${place} ${defaults}
    systemctl daemon-reexec`);
}

/** What the doctor makes of what this systemd says of the unit. */
async function doctorOfUnit(machine: Machine): Promise<void> {
  const healthy = (await machine.run(doctor)).output;
  expect(finding(healthy, 'unit-clamd-start')).toMatchObject({
    severity: 'ok',
    what: expect.stringMatching(/loads in [1-9][\d.]* s \(systemctl show\), TimeoutStartSec 900 s/),
  });
  expect(finding(healthy, 'unit-clamd-type')).toMatchObject({ severity: 'ok' });
  expect(finding(healthy, 'unit-clamd-memory')).toMatchObject({ severity: 'ok' });
  const pid = await machine.sh('systemctl show --value -p MainPID clamd@scan');
  const kibibytes = await machine.sh(`awk '/^VmRSS/ { print $2 }' /proc/${pid}/status`);
  const tight = Math.round(Number(kibibytes) * 1024 * 1.5);
  await dropIn(
    machine,
    `[Service]\nMemoryMax=${tight}\nPIDFile=/run/clamd.scan/other.pid\n`,
    'clamd@scan.service',
  );
  const narrow = (await machine.run(doctor)).output;
  expect(finding(narrow, 'unit-clamd-memory')).toMatchObject({
    severity: 'error',
    mend: expect.stringMatching(/clamd@scan\.service: \[Service\] MemoryMax=\d+M/),
  });
  expect(finding(narrow, 'unit-clamd-type')).toMatchObject({
    severity: 'error',
    what: expect.stringMatching(/waits for PIDFile .*other\.pid/),
  });
  await dropIn(machine, '', 'clamd@scan.service');
}
