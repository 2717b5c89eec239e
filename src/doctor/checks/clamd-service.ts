/** clamd as a service: its unit, the time and the memory that it takes to load. */
import { showDuration } from '../../daemon/config-units.ts';
import { type Check, error, type Look, ok, unknown, warn } from '../check.ts';
import type { ClamdFacts, Facts, Unit } from '../facts.ts';
import { timeSpanMs } from '../probes/units.ts';
import { isOn } from './clamd-values.ts';

/** systemd/clamd@.service.d/clamgate.conf: enough for the slowest host that was seen. */
const startFloorMs = 900_000;
/** A host under load, and a day with more signatures. */
const startFactor = 4;
/** A wait that senders do not notice. */
const blockedMs = 60_000;

export const clamdServiceChecks: readonly Check[] = [
  {
    id: 'unit-clamd-start',
    what: "systemd waits longer for clamd's start than it takes to load",
    why: 'A clamd of Type=forking that has not loaded in TimeoutStartSec is killed, started again and killed again: it never comes up.',
    mend: 'systemctl edit the unit: [Service] TimeoutStartSec=900; systemd/ has the drop-in.',
    see: 'systemd/README.md; systemd.service(5) TimeoutStartSec=',
    look: ofUnits(startLook),
  },
  {
    id: 'unit-clamd-type',
    what: "the unit's Type fits how clamd starts",
    why: 'clamd never calls sd_notify: with Type=notify systemd kills it; with Type=forking and Foreground systemd waits for ever; with Type=simple and no Foreground it takes clamd for ended.',
    mend: 'Type=forking without Foreground, or Type=simple with "clamd --foreground=true".',
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
    id: 'reload-memory',
    what: 'there is memory for clamd to reload its signatures',
    why: 'With ConcurrentDatabaseReload clamd has its signatures twice for a while (1.7 GB become 3.4 GB); where there is no room the kernel kills it, or the machine swaps and stands still.',
    mend: 'Set "ConcurrentDatabaseReload no" in clamd.conf (mail waits while it reloads), add memory, or a second clamd elsewhere.',
    see: 'clamd.conf(5) ConcurrentDatabaseReload; docs/doctor.md',
    look: reloadMemory,
  },
  {
    id: 'reload-blocks',
    what: 'mail does not wait long while clamd reloads',
    why: 'With ConcurrentDatabaseReload no clamd answers nobody while it reloads; with no other clamd all mail waits that long.',
    mend: 'A second clamd that is reloaded at another time, or "ConcurrentDatabaseReload yes" where there is memory for it.',
    see: 'clamd.conf(5) ConcurrentDatabaseReload',
    look: ({ clamd }) =>
      clamd.flatMap(({ endpoint, conf, load }) => {
        if (conf?.known !== true || isOn(conf.value, 'ConcurrentDatabaseReload')) return [];
        if (clamd.length > 1) return [ok(`${endpoint}: there are others`)];
        if (load?.known !== true)
          return [unknown(`how long ${endpoint} reloads: ${load?.why ?? ''}`)];
        const text = `${endpoint} is silent for ${seconds(load.value.ms)} at each reload, and is the only one`;
        return [load.value.ms < blockedMs ? ok(text) : warn(text)];
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

function ofUnits(look: (unit: Unit, clamd: ClamdFacts) => readonly Look[]): Check['look'] {
  return ({ clamd }) =>
    clamd.flatMap((one) => (one.unit?.known === true ? look(one.unit.value, one) : []));
}

function startLook(unit: Unit, { endpoint, load }: ClamdFacts): readonly Look[] {
  const type = unit.get('Type') ?? '';
  if (type !== 'forking') {
    return [ok(`${endpoint}: Type=${type} counts as started at once, however long it loads`)];
  }
  const given = timeSpanMs(unit.get('TimeoutStartUSec'));
  if (given === undefined || load?.known !== true) {
    return [
      unknown(`how long ${endpoint} loads: ${load?.known === false ? load.why : 'not known'}`),
    ];
  }
  const { ms, source } = load.value;
  const wanted = Math.max(startFloorMs, Math.ceil((startFactor * ms) / 60_000) * 60_000);
  const text = `${endpoint}: loads in ${seconds(ms)} (${source}), TimeoutStartSec ${seconds(given)}`;
  const mend = `systemctl edit the unit: [Service] TimeoutStartSec=${wanted / 1000}`;
  if (given <= ms) return [error(text, mend)];
  return [given < startFactor * ms ? warn(text, mend) : ok(text)];
}

function typeLook(unit: Unit, { endpoint, conf }: ClamdFacts): readonly Look[] {
  const type = unit.get('Type') ?? '';
  if (type.startsWith('notify')) return [error(`${endpoint}: Type=${type}`)];
  const started = unit.get('ExecStart') ?? '';
  const byArgument = /(?:--foreground(?:=(?:yes|true|1))?|-F)(?=[\s;]|$)/i.test(started);
  if (conf?.known !== true) return [];
  const inForeground = byArgument || isOn(conf.value, 'Foreground');
  const text = `${endpoint}: Type=${type}, ${inForeground ? 'in the foreground' : 'in the background'}`;
  return [inForeground === (type === 'forking') ? error(text) : ok(text)];
}

function reloadMemory({ clamd, memory }: Facts): readonly Look[] {
  const doubling = clamd.filter(
    ({ conf }) => conf?.known === true && isOn(conf.value, 'ConcurrentDatabaseReload'),
  );
  if (!memory.known) return doubling.length > 0 ? [unknown(`memory: ${memory.why}`)] : [];
  const { availableBytes } = memory.value;
  return doubling.map(({ endpoint, process }) => {
    if (process?.known !== true)
      return unknown(`how much ${endpoint} takes: ${process?.why ?? ''}`);
    const { rssBytes } = process.value;
    const text = `${endpoint} takes ${mebibytes(rssBytes)}, and as much again to reload; ${mebibytes(availableBytes)} are free`;
    if (availableBytes < rssBytes) return error(text);
    return availableBytes < 1.25 * rssBytes ? warn(text) : ok(text);
  });
}

function seconds(ms: number): string {
  return ms === Infinity ? 'without end' : `${Math.round(ms / 100) / 10} s`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
