/** The daemon, its rights, its disks and its ledger. */
import { showSize } from '../../daemon/config-units.ts';
import type { Config } from '../../daemon/config.ts';
import { type Check, error, ifKnown, type Look, noAnswer, ok, unknown, warn } from '../check.ts';
import type { AccessFacts, DiskFacts } from '../facts.ts';

export const machineChecks: readonly Check[] = [
  {
    id: 'configuration',
    what: 'the configuration is wise',
    why: 'What works can still let mail through, lose it or hold it up.',
    mend: 'clamgate check-config names each line.',
    see: 'clamgate.example.toml',
    look: ({ advice, config }) => {
      const warnings = advice.filter(({ severity }) => severity === 'warning');
      if (warnings.length === 0) return [ok(config.file)];
      return warnings.map(({ key, text }) => warn(`${key}: ${text}`));
    },
  },
  {
    id: 'daemon-answers',
    what: 'the daemon runs, and answers at its control endpoint',
    why: 'Without it all mail stays in the queue of Postfix.',
    mend: 'systemctl start clamgate, and see journalctl -u clamgate; as root where only that may ask it.',
    see: 'clamgate status',
    look: ({ daemon, isRoot }) => {
      if (daemon.known)
        return [ok(`version ${daemon.value.version}, since ${daemon.value.started}`)];
      return [noAnswer('the daemon', daemon.why, isRoot)];
    },
  },
  {
    id: 'daemon-ready',
    what: 'the daemon can work',
    why: 'What it cannot do puts mail off.',
    mend: 'clamgate status says why; the log has more.',
    see: 'clamgate status',
    look: ({ daemon }) => {
      if (!daemon.known) return [];
      // Of clamd clamd-answers tells, of the ledger ledger-usable.
      const own = daemon.value.reasons.filter((reason) => !/^no (?:clamd|ledger)/.test(reason));
      return own.length === 0 ? [ok('ready')] : own.map((reason) => error(reason));
    },
  },
  {
    id: 'ledger-usable',
    what: 'the ledger can be used',
    why: 'While it cannot every message is put off (452 4.3.1).',
    mend: 'See the error in the log; it is never begun anew by itself (docs/guarantees.md).',
    see: 'docs/guarantees.md',
    look: ({ daemon }) => {
      const ledger = daemon.known ? daemon.value.ledger : undefined;
      if (ledger === undefined) return [];
      return [ledger.usable ? ok('it can') : error('it cannot be opened for writing')];
    },
  },
  {
    id: 'ledger-in-doubt',
    what: 'no message is in doubt',
    why: 'Nobody can tell whether the next hop has it: it may come twice ([ledger] in_doubt = "retry"), or waits for you ("hold").',
    mend: 'clamgate ledger list --state in-doubt, then clamgate ledger settle.',
    see: 'docs/guarantees.md, "Entries in doubt"',
    look: ({ daemon, config: { ledger } }) => {
      const inDoubt = (daemon.known ? daemon.value.ledger?.inDoubt : undefined) ?? 0;
      if (!ledger.enabled || !daemon.known) return [];
      if (inDoubt === 0) return [ok('none')];
      const text = `${inDoubt} in doubt ([ledger] in_doubt = "${ledger.inDoubt}")`;
      return [ledger.inDoubt === 'hold' ? error(text) : warn(text)];
    },
  },
  {
    // A daemon that does not run has no sockets: daemon-answers tells of it.
    id: 'access-sockets',
    what: 'the daemon may connect to clamd, next hop and witness, and Postfix to the daemon',
    why: 'A socket that its user may not use is as good as none: mail is put off.',
    mend: "Give the daemon's user the group of the socket (SupplementaryGroups= in a drop-in of clamgate.service), or widen LocalSocketMode in clamd.conf, mode of the listener.",
    see: 'systemd/README.md; clamd.conf(5) LocalSocketMode',
    look: ({ access, daemon }) =>
      access
        .filter(({ kind, who }) => kind === 'connect' && (daemon.known || who === 'daemon'))
        .filter((one) => !isToldElsewhere(one))
        .map((one) => (isWitness(one) && isAbsent(one) ? noWitness(one) : accessLook(one))),
  },
  {
    id: 'access-configuration',
    what: "the daemon's user may read the configuration",
    why: 'A daemon that may not does not start, and a reload leaves it with what it had before.',
    mend: 'chmod 0644 the file, or chgrp clamgate and chmod 0640; the user has to be let through each directory above it, too.',
    see: 'systemd/README.md',
    look: ({ access }) => access.filter(({ kind }) => kind === 'read').map(accessLook),
  },
  {
    id: 'access-directories',
    what: 'the daemon may write where spool, quarantine and ledger lie',
    why: 'What cannot be written is put off (452 4.3.1).',
    mend: "Make the directories the daemon's (StateDirectory= does it for /var/lib/clamgate; others need ReadWritePaths= as well).",
    see: 'systemd/README.md',
    look: ({ access }) => access.filter(({ kind }) => kind === 'write').map(accessLook),
  },
  {
    id: 'disk-room',
    what: 'there is room for what spool, quarantine, ledger and queue may take',
    why: 'A full disk puts mail off (452 4.3.1); a full queue disk stops Postfix (queue_minfree).',
    mend: 'Make room, or lower [limits] transactions_max and message_bytes_max, [quarantine] max_size, [ledger] max_size.',
    see: 'clamgate.example.toml; postconf(5) queue_minfree',
    look: ({ disks, config }) =>
      disks.flatMap((disk) =>
        ifKnown(disk.space, `the disk of ${disk.path}`, ({ freeBytes }) =>
          roomLook(disk, freeBytes, config),
        ),
      ),
  },
  {
    id: 'disk-lasting',
    what: 'quarantine and ledger lie on a disk',
    why: 'What is kept in memory is gone after a power loss, and Postfix was told 250.',
    mend: 'Move [quarantine] directory and [ledger] file to a disk.',
    see: 'clamgate.example.toml',
    look: ({ disks }) =>
      disks
        .filter(({ purpose }) => purpose === 'quarantine' || purpose === 'ledger')
        .flatMap(({ path, space }) => {
          if (!space.known) return [];
          return [space.value.inMemory ? error(`${path} is in memory (tmpfs)`) : ok(path)];
        }),
  },
];

/** Of what is not there the checks tell that connect to it. */
function isToldElsewhere(one: AccessFacts): boolean {
  return isAbsent(one) && ['clamd', 'the next hop', 'the filter'].includes(one.purpose);
}

function isAbsent({ obstacle, path }: AccessFacts): boolean {
  return obstacle.known && obstacle.value === `${path} is not there`;
}

function isWitness({ purpose }: AccessFacts): boolean {
  return purpose === 'the witness';
}

function noWitness({ path }: AccessFacts): Look {
  return error(
    `the witness: ${path} is not there, so a message whose reply is lost stays in doubt`,
    'systemctl enable --now clamgate-witness.socket; [commit] witness must be the ListenStream= of that unit.',
  );
}

function accessLook({ path, purpose, obstacle }: AccessFacts): Look {
  const what = `${path} (${purpose})`;
  if (!obstacle.known) return unknown(`${what}: ${obstacle.why}`);
  return obstacle.value === '' ? ok(what) : error(`${purpose}: ${obstacle.value}`);
}

/** Less than one message of the largest size stops mail now; less than the ceiling may one day. */
function roomLook({ purpose, path }: DiskFacts, free: number, config: Config): Look {
  const { limits, quarantine, ledger } = config;
  const message = limits.messageBytesMax;
  const mostly: Record<DiskFacts['purpose'], number> = {
    // All at once at their largest is a storm; a tenth of it is a busy hour.
    spool: Math.ceil((limits.transactionsMax * message) / 10),
    quarantine: quarantine.maxBytes,
    ledger: ledger.bytesMax,
    // smtpd takes nothing below 1.5 times the largest message (postconf(5), queue_minfree).
    queue: 2 * message,
  };
  const figures = `${path}: ${showRounded(free)} free, ${purpose} may take ${showRounded(mostly[purpose])}`;
  if (free < message) return error(figures);
  return free < mostly[purpose] ? warn(figures) : ok(figures);
}

function showRounded(bytes: number): string {
  const MiB = 2 ** 20;
  return bytes < 10 * MiB ? showSize(bytes) : `${Math.round(bytes / MiB)}M`;
}
