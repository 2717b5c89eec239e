/** The unit of a clamd: that of its process, or, where it does not run, the one that would start it. */
import type { ProcessFacts, Unit } from '../facts.ts';
import type { Host } from '../host.ts';
import { showUnit, unitNames } from './units.ts';

/** Debian's and Ubuntu's; Fedora's and EL's. */
const usualUnits = ['clamav-daemon.service', 'clamd@scan.service'];
const debianConf = '/etc/clamav/clamd.conf';

/**
 * @param confFile its clamd.conf; undefined where that is not known, and the usual unit is taken for its.
 * @throws when there is none, or systemd does not tell.
 */
export async function findClamdUnit(
  host: Host,
  running: ProcessFacts | undefined,
  confFile: string | undefined,
): Promise<Unit> {
  if (running) {
    if (running.unit === undefined) throw new Error('it runs outside of a unit');
    return showUnit(host, running.unit);
  }
  const names = new Set([...(await unitNames(host, 'clam*d*')), ...usualUnits]);
  for (const name of names) {
    const unit = await showUnit(host, name).catch(() => undefined);
    const isIts = confFile === undefined ? usualUnits.includes(name) : starts(unit, confFile);
    if (unit && isIts) return unit;
  }
  throw new Error(`none of ${[...names].join(', ')} is here, or is its`);
}

/** Whether its command names this clamd.conf; Debian's names none. */
function starts(unit: Unit | undefined, confFile: string): boolean {
  const words = (unit?.get('ExecStart') ?? '').split(/[\s=;]+/);
  const isNamed = words.some((word) => /^(?:-c|--config-file)$/.test(word));
  return isNamed ? words.includes(confFile) : confFile === debianConf;
}
