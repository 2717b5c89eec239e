/** clamd as a service: its unit, and the time that it takes to load. */
import { showDuration } from '../../daemon/config-units.ts';
import { type Check, error, type Look, ok, unknown, warn } from '../check.ts';
import type { ClamdFacts, Unit } from '../facts.ts';
import { timeSpanMs } from '../probes/units.ts';
import { realPath } from '../../daemon/config-clamd-conf.ts';
import { isOn } from './clamd-values.ts';
import { ofUnits, seconds } from './clamd-units.ts';

/** systemd/clamd@.service.d/clamgate.conf: enough for the slowest host that was seen. */
const startFloorMs = 900_000;
/** A host under load, and a day with more signatures. */
const startFactor = 4;

export const clamdServiceChecks: readonly Check[] = [
  {
    id: 'unit-clamd-start',
    what: "systemd waits longer for clamd's start than it takes to load",
    why: 'A clamd of Type=forking that has not loaded in TimeoutStartSec is killed, started again and killed again: it never comes up.',
    mend: 'systemctl edit the unit: [Service] TimeoutStartSec=900, or four times what it takes to load; systemd/ has the drop-in.',
    see: 'systemd/README.md; systemd.service(5) TimeoutStartSec=',
    look: ofUnits(startLook),
  },
  {
    id: 'unit-clamd-type',
    what: "the unit's Type fits how clamd starts",
    why: 'clamd never calls sd_notify: with Type=notify systemd kills it; with Type=oneshot, Type=dbus, or Type=forking and Foreground (or a PIDFile= that clamd does not write) systemd waits for ever; with Type=simple and no Foreground it takes clamd for ended.',
    mend: 'Type=forking without Foreground and without PIDFile=, or Type=simple with "clamd --foreground=true".',
    see: 'systemd.service(5) Type=; clamd.conf(5) Foreground',
    look: ofUnits(typeLook),
  },
  {
    id: 'unit-clamd-restart',
    what: 'systemd starts clamd again when it dies',
    why: 'The kernel may kill clamd for its memory, and Debian has no Restart= for it: then mail is put off until somebody sees it.',
    mend: 'systemctl edit the unit: [Service] Restart=always, RestartSec=10.',
    see: 'systemd/README.md; systemd.service(5) Restart=',
    look: ofUnits((unit, { endpoint }) => {
      const restart = unit.get('Restart') ?? '';
      const text = `${endpoint}: Restart=${restart}`;
      return [restart === '' || restart === 'no' ? warn(text) : ok(text)];
    }),
  },
  {
    id: 'unit-clamd-socket',
    what: 'clamd listens where its clamd.conf says',
    why: 'A clamd that systemd gives a socket opens none of its own: TCPSocket, TCPAddr and LocalSocketMode count for nothing.',
    mend: 'Set ListenStream= and SocketMode= in the .socket unit, or disable that unit.',
    see: 'systemd.socket(5); systemd/README.md',
    look: ofUnits((unit, { endpoint, conf }) => {
      const socket = (unit.get('TriggeredBy') ?? '')
        .split(' ')
        .find((name) => name.endsWith('.socket'));
      if (socket === undefined || conf?.known !== true) return [];
      const ignored = ['TCPSocket', 'TCPAddr'].filter((name) => conf.value.values.has(name));
      const text = `${endpoint}: ${socket} gives it its socket`;
      return [
        ignored.length === 0 ? ok(text) : warn(`${text}, and ${ignored.join(', ')} is ignored`),
      ];
    }),
  },
  {
    id: 'unit-daemon-stop',
    what: 'systemd lets clamgate finish what it is handing over',
    why: 'A daemon that is killed before drain_ms is over leaves messages in doubt.',
    mend: 'Set TimeoutStopSec= of clamgate.service above [limits] drain_ms.',
    see: 'systemd/README.md',
    look: ({ daemonUnit, config: { limits } }) => {
      const given = daemonUnit.known
        ? timeSpanMs(daemonUnit.value.get('TimeoutStopUSec'))
        : undefined;
      if (given === undefined) return [];
      const text = `TimeoutStopSec ${seconds(given)}, drain_ms ${showDuration(limits.drainMs)}`;
      return [given > limits.drainMs ? ok(text) : error(text)];
    },
  },
];

function startLook(unit: Unit, { endpoint, process, load }: ClamdFacts): readonly Look[] {
  const type = unit.get('Type') ?? '';
  if (type !== 'forking') {
    return [ok(`${endpoint}: Type=${type} counts as started at once, however long it loads`)];
  }
  const given = timeSpanMs(unit.get('TimeoutStartUSec'));
  if (given !== undefined && process?.known !== true && isKilledAtStart(unit)) {
    const text = `${endpoint}: systemd kills it again and again before it has loaded, after TimeoutStartSec ${seconds(given)}`;
    return [error(text, mendOf(unit, Math.max(given, load?.known === true ? load.value.ms : 0)))];
  }
  if (given === undefined || load?.known !== true) {
    return [
      unknown(`how long ${endpoint} loads: ${load?.known === false ? load.why : 'not known'}`),
    ];
  }
  const { ms, source } = load.value;
  const text = `${endpoint}: loads in ${seconds(ms)} (${source}), TimeoutStartSec ${seconds(given)}`;
  const mend = mendOf(unit, ms);
  if (given <= ms) return [error(text, mend)];
  return [given < startFactor * ms ? warn(text, mend) : ok(text)];
}

/** Result= is of the last start that failed; while the next one is tried, only that it is not the first. */
function isKilledAtStart(unit: Unit): boolean {
  const isTried = unit.get('ActiveState') === 'activating' && Number(unit.get('NRestarts')) > 0;
  return unit.get('Result') === 'timeout' || isTried;
}

/** @param ms how long it takes to load, or at least takes. */
function mendOf(unit: Unit, ms: number): string {
  const wanted = Math.max(startFloorMs, Math.ceil((startFactor * ms) / 60_000) * 60_000);
  const name = unit.get('Id') ?? 'the unit';
  return `systemctl edit ${name}: [Service] TimeoutStartSec=${wanted / 1000}`;
}

function typeLook(unit: Unit, { endpoint, conf }: ClamdFacts): readonly Look[] {
  const type = unit.get('Type') ?? '';
  if (/^(?:notify|dbus|oneshot)/.test(type)) return [error(`${endpoint}: Type=${type}`)];
  const started = unit.get('ExecStart') ?? '';
  const byArgument = /(?:--foreground(?:=(?:yes|true|1))?|-F)(?=[\s;]|$)/i.test(started);
  if (conf?.known !== true) return [];
  const inForeground = byArgument || isOn(conf.value, 'Foreground');
  const text = `${endpoint}: Type=${type}, ${inForeground ? 'in the foreground' : 'in the background'}`;
  if (inForeground === (type === 'forking')) return [error(text)];
  const awaited = unit.get('PIDFile') ?? '';
  const written = conf.value.values.get('PidFile') ?? '';
  const isAwaited = type === 'forking' && awaited !== '' && realPath(awaited) !== realPath(written);
  if (!isAwaited) return [ok(text)];
  const word = written === '' ? 'none' : written;
  return [error(`${text}; systemd waits for PIDFile ${awaited}, and clamd writes ${word}`)];
}
