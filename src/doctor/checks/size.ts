/** The ladder of sizes: what Postfix takes we take, and what we take clamd looks at, to its end. */
import { showDuration, showSize } from '../../daemon/config-units.ts';
import type { Config } from '../../daemon/config.ts';
import { type Postfix, valueOf } from '../../postfix/installation.ts';
import { type Check, error, type Look, ofPostfix, ok, warn } from '../check.ts';
import type { ClamdConf, Facts } from '../facts.ts';
import { clamdFileCheck } from './clamd-file.ts';
import { confBytes, confMs } from './clamd-values.ts';
import { messageBytes, sizeText } from './message-bytes.ts';
import { reinjectionEntry } from '../reinjection.ts';

export const sizeChecks: readonly Check[] = [
  {
    id: 'size-postfix',
    what: 'whatever Postfix accepts is not too large for clamgate',
    why: 'Mail that Postfix has accepted and the filter refuses (552) bounces, to senders that are often forged.',
    mend: 'Set message_size_limit of main.cf to at most [limits] message_bytes_max.',
    see: 'postconf(5) message_size_limit',
    look: ofPostfix((postfix, { config }) => {
      const theirs = messageBytes(postfix);
      const ours = config.limits.messageBytesMax;
      const figures = `message_size_limit ${sizeText(theirs)}, message_bytes_max ${showSize(ours)}`;
      return [theirs <= ours ? ok(figures) : error(figures)];
    }),
  },
  {
    id: 'size-stream',
    what: 'the largest message can be scanned whole',
    why: 'What is longer than StreamMaxLength or MaxFileSize is not scanned whole; [rules] oversize decides, and by default it is quarantined.',
    mend: 'Raise StreamMaxLength and MaxFileSize in clamd.conf, and stream_max_length and max_file_size with them, or lower message_size_limit of main.cf.',
    see: 'clamd.conf(5) StreamMaxLength, MaxFileSize; postconf(5) message_size_limit',
    look: ofPostfix((postfix, { config }) => {
      const largest = Math.min(messageBytes(postfix), config.limits.messageBytesMax);
      const seen = Math.min(config.clamd.streamMaxLengthBytes, config.clamd.maxFileSizeBytes);
      if (largest <= seen) return [ok(`${sizeText(largest)}, of ${showSize(seen)}`)];
      const end = config.rules.oversize;
      const text = `messages between ${showSize(seen)} and ${sizeText(largest)} cannot be scanned whole ([rules] oversize = "${end}")`;
      return [end === 'pass' || end === 'tag' ? error(text) : warn(text)];
    }),
  },
  {
    id: 'size-clamd-conf',
    what: 'clamgate knows the limits of clamd as they are',
    why: 'clamd does not tell its limits, and says OK about what is beyond MaxFileSize and MaxScanTime: where clamgate takes them for larger than they are, what lies between may be called clean unseen.',
    mend: 'Make [clamd] stream_max_length, max_file_size and max_scan_time those of clamd.conf, or the other way round.',
    see: 'clamgate.example.toml [clamd]; clamd.conf(5)',
    look: ({ clamd, config }) =>
      clamd.flatMap(({ endpoint, conf }) =>
        conf?.known === true ? [agreement(endpoint, conf.value, config.clamd)] : [],
      ),
  },
  {
    id: 'size-clamd-ladder',
    what: "clamd's StreamMaxLength is at most MaxFileSize, and that at most MaxScanSize",
    why: 'clamd takes a stream of StreamMaxLength, but looks into no file beyond MaxFileSize and at no more than MaxScanSize of what it unpacks, and says OK.',
    mend: 'Order them in clamd.conf: StreamMaxLength, MaxFileSize, MaxScanSize.',
    see: 'clamd.conf(5)',
    look: ({ clamd }) =>
      clamd.flatMap(({ endpoint, conf }) =>
        conf?.known === true ? [innerLadder(endpoint, conf.value)] : [],
      ),
  },
  clamdFileCheck,
  {
    id: 'size-next-hop',
    what: 'the next hop takes as large a message as Postfix does',
    why: 'What it refuses for its size bounces after it was accepted.',
    mend: 'Raise message_size_limit at the next hop; in the re-injection entry: -o message_size_limit=0.',
    see: 'postconf(5) message_size_limit; RFC 1870',
    look: ofPostfix((postfix, facts) =>
      facts.nextHops.flatMap((hop) =>
        hop.extensions.known ? nextHopSize(postfix, facts, hop) : [],
      ),
    ),
  },
];

function agreement(endpoint: string, conf: ClamdConf, ours: Config['clamd']): Look {
  const time = confMs(conf, 'MaxScanTime');
  const pairs: [string, number, number, (value: number) => string][] = [
    ['StreamMaxLength', confBytes(conf, 'StreamMaxLength'), ours.streamMaxLengthBytes, sizeText],
    ['MaxFileSize', confBytes(conf, 'MaxFileSize'), ours.maxFileSizeBytes, sizeText],
    ['MaxScanTime', time === 0 ? Infinity : time, ours.maxScanTimeMs, showDuration],
  ];
  const smaller = pairs.filter(([, theirs, own]) => theirs < own);
  if (smaller.length === 0) return ok(`${endpoint}: as in ${conf.file}, or stricter`);
  const figures = smaller.map(
    ([name, theirs, own, show]) => `${name} is ${show(theirs)}, taken for ${show(own)}`,
  );
  return warn(`${endpoint}: ${figures.join('; ')} (${conf.file})`);
}

function innerLadder(endpoint: string, conf: ClamdConf): Look {
  const [stream, file, scan] = ['StreamMaxLength', 'MaxFileSize', 'MaxScanSize'].map((name) =>
    confBytes(conf, name),
  );
  const figures = `${endpoint}: StreamMaxLength ${sizeText(stream ?? 0)}, MaxFileSize ${sizeText(file ?? 0)}, MaxScanSize ${sizeText(scan ?? 0)}`;
  const isOrdered = (stream ?? 0) <= (file ?? 0) && (file ?? 0) <= (scan ?? 0);
  return isOrdered ? ok(figures) : warn(figures);
}

function nextHopSize(postfix: Postfix, { config }: Facts, hop: Facts['nextHops'][number]): Look[] {
  const announced = hop.extensions.known ? hop.extensions.value.get('SIZE') : undefined;
  const bytes = Number(announced?.[0] ?? 0);
  const theirs = bytes === 0 ? Infinity : bytes;
  const largest = Math.min(messageBytes(postfix), config.limits.messageBytesMax);
  const figures = `${hop.address} takes ${sizeText(theirs)}, Postfix ${sizeText(largest)}`;
  if (theirs >= largest) return [ok(figures)];
  const entry = reinjectionEntry(postfix, hop.address);
  const own = entry && valueOf(postfix, entry, 'message_size_limit');
  return [
    error(own === undefined ? figures : `${figures} (message_size_limit=${own} in its entry)`),
  ];
}
