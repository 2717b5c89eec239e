/** The memory that clamd takes to load its signatures anew, and the wait where it takes none. */
import { type Check, error, type Look, ok, unknown, warn } from '../check.ts';
import type { ClamdFacts, Facts, LargeProcess, Unit } from '../facts.ts';
import { ofUnits, seconds } from './clamd-units.ts';
import { isOn } from './clamd-values.ts';

/** A wait that senders do not notice. */
const blockedMs = 60_000;
/** 1.68 GB became 3.35 GB with 6.4 million signatures, and mail is scanned meanwhile. */
const ceilingFactor = 2.2;
/** Signatures become more each day. */
const growth = 1.25;
const ceilingStep = 256 * 2 ** 20;

const mendMemory =
  'Set "ConcurrentDatabaseReload no" in clamd.conf (mail waits while it reloads), add memory, or a second clamd elsewhere.';

export const clamdMemoryChecks: readonly Check[] = [
  {
    id: 'unit-clamd-memory',
    what: "MemoryMax of clamd's unit leaves room for what clamd takes",
    why: 'What goes beyond MemoryMax is killed by the kernel, however much memory the machine has: at a reload, which takes twice as much, or already while it loads. Beyond MemoryHigh it is slowed down until it seems dead.',
    mend: 'systemctl edit the unit: [Service] MemoryMax= 2.2 times what clamd takes when loaded, or 1.25 times with "ConcurrentDatabaseReload no".',
    see: 'systemd.resource-control(5) MemoryMax=; systemd/README.md',
    look: ofUnits(ceilingLook),
  },
  {
    id: 'reload-memory',
    what: 'there is memory for clamd to reload its signatures',
    why: 'With ConcurrentDatabaseReload clamd has its signatures twice for a while (1.7 GB become 3.4 GB); where there is no room the kernel kills it, or the machine swaps and stands still.',
    mend: mendMemory,
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
];

function ceilingLook(unit: Unit, { endpoint, process, conf }: ClamdFacts): readonly Look[] {
  const max = bytesOf(unit.get('MemoryMax'));
  const high = bytesOf(unit.get('MemoryHigh'));
  const limits = `MemoryMax ${mebibytes(max)}, MemoryHigh ${mebibytes(high)}`;
  if (process?.known !== true) {
    if (unit.get('Result') !== 'oom-kill') return [];
    return [error(`${endpoint}: the kernel has killed it for its memory (oom-kill); ${limits}`)];
  }
  if (max === Infinity && high === Infinity) return [ok(`${endpoint}: no MemoryMax`)];
  const { rssBytes } = process.value;
  const doubles = conf?.known !== true || isOn(conf.value, 'ConcurrentDatabaseReload');
  const need = doubles ? 2 * rssBytes : rssBytes;
  const wanted = Math.ceil(((doubles ? ceilingFactor : growth) * rssBytes) / ceilingStep);
  const mend = `systemctl edit ${unit.get('Id') ?? 'the unit'}: [Service] MemoryMax=${wanted * 256}M`;
  const how = doubles ? ', and twice that to reload' : '';
  const text = `${endpoint} takes ${mebibytes(rssBytes)}${how}; ${limits}`;
  if (max < need) return [error(text, mend)];
  return [high < need ? warn(text, `${mend}, and MemoryHigh=infinity`) : ok(text)];
}

/** As `clamgate update` judges it (cli/update/memory), and some way before that refuses. */
function reloadMemory(facts: Facts): readonly Look[] {
  const { clamd, memory, config } = facts;
  const doubling = clamd.filter(
    ({ conf }) => conf?.known === true && isOn(conf.value, 'ConcurrentDatabaseReload'),
  );
  if (!memory.known) return doubling.length > 0 ? [unknown(`memory: ${memory.why}`)] : [];
  const { availableBytes } = memory.value;
  return doubling.map(({ endpoint, process }) => {
    if (process?.known !== true)
      return unknown(`how much ${endpoint} takes: ${process?.why ?? ''}`);
    const bytes = process.value.rssBytes + process.value.swapBytes;
    const text = `${endpoint} takes ${mebibytes(bytes)}, and as much again to reload; ${mebibytes(availableBytes)} are available`;
    const mend = `${mendMemory} ${largestText(facts)}`;
    if (availableBytes < bytes) return error(text, mend);
    const comfortable = Math.max(growth * bytes, bytes + config.update.memoryReserveBytes);
    return availableBytes < comfortable ? warn(text, mend) : ok(text);
  });
}

function largestText({ largest }: Facts): string {
  if (!largest.known) return `The largest processes are not known: ${largest.why}.`;
  const shown = largest.value.map(
    ({ name, pid, rssBytes }: LargeProcess) => `${name} (${pid}) ${mebibytes(rssBytes)}`,
  );
  return `The largest processes: ${shown.join(', ')}.`;
}

/** As systemctl has it: bytes, or `infinity`; what it does not know has no limit either. */
function bytesOf(text: string | undefined): number {
  return /^\d+$/.test(text ?? '') ? Number(text) : Infinity;
}

function mebibytes(bytes: number): string {
  return bytes === Infinity ? 'infinity' : `${Math.round(bytes / 2 ** 20)} MiB`;
}
