/** The ladder of time: clamd gives up before we do, and we before Postfix. */
import { smtpListeners } from '../../daemon/config-listener.ts';
import { showDuration } from '../../daemon/config-units.ts';
import { durationMs, type Postfix, valueOf } from '../../postfix/installation.ts';
import { type Check, error, ifKnown, type Look, ofPostfix, ok, warn } from '../check.ts';
import type { Way } from '../ways.ts';
import { transportsToUs } from '../ways.ts';
import { reinjectionEntries } from '../reinjection.ts';
import { confMs } from './clamd-values.ts';

/** defaultCommitLimits.answerMs: how long a commit question may take us. */
const commitAnswerMs = 20_000;
/** docs/architecture.md: what comes before DATA is answered in that time whatever happens. */
const dataInitMs = 120_000;
const dataTransferMs = 180_000;

export const timeChecks: readonly Check[] = [
  {
    id: 'time-scan',
    what: "clamd's MaxScanTime is below scan_ms",
    why: 'A scan that clamd goes on with after clamgate has given up is done in vain, again at each retry: such a message is put off until it bounces.',
    mend: 'Set MaxScanTime in clamd.conf (120000 is usual) below [limits] scan_ms.',
    see: 'clamd.conf(5) MaxScanTime; clamgate.example.toml',
    look: ({ clamd, config: { limits } }) =>
      clamd.flatMap(({ endpoint, conf }) =>
        conf?.known === true
          ? [scanTime(endpoint, confMs(conf.value, 'MaxScanTime'), limits.scanMs)]
          : [],
      ),
  },
  {
    id: 'time-final-dot',
    what: 'the reply to the end of a message comes before Postfix gives up on it',
    why: 'A reply that Postfix no longer waits for is a message that it sends again: delivered twice, or scanned in vain.',
    mend: 'Raise the _data_done_timeout of the filter transport (600s), or lower [limits] deadline_ms.',
    see: 'postconf(5) smtp_data_done_timeout',
    look: ofPostfix((postfix, { config }) => {
      const { deadlineMs, nextHopDotMs } = config.limits;
      const ours = deadlineMs + nextHopDotMs;
      return overTransports(postfix, smtpListeners(config), 'data_done_timeout', (given, name) =>
        given > ours
          ? ok(
              `${name} waits ${showDuration(given)}, an answer takes at most ${showDuration(ours)}`,
            )
          : error(
              `${name} waits ${showDuration(given)} for an answer that may take ${showDuration(ours)} (deadline_ms and next_hop_dot_ms)`,
            ),
      );
    }),
  },
  {
    id: 'time-envelope',
    what: 'MAIL and RCPT are answered before Postfix gives up on them',
    why: 'A message may wait in line at MAIL, and the next hop is asked at MAIL and RCPT; when Postfix does not wait that long, it counts the filter as dead and puts all mail off.',
    mend: 'Raise _mail_timeout and _rcpt_timeout of the filter transport (300s), or lower [limits] transaction_wait_ms and next_hop_reply_ms.',
    see: 'postconf(5) smtp_mail_timeout, smtp_rcpt_timeout',
    look: ofPostfix((postfix, { config }) => {
      const { transactionWaitMs, nextHopReplyMs } = config.limits;
      const waits: [string, number][] = [
        ['mail_timeout', transactionWaitMs + nextHopReplyMs],
        ['rcpt_timeout', nextHopReplyMs],
      ];
      return waits.flatMap(([parameter, ours]) =>
        overTransports(postfix, smtpListeners(config), parameter, (given, name) =>
          given > ours
            ? ok(`${name} waits ${showDuration(given)}, ours is ${showDuration(ours)}`)
            : error(
                `${name} waits ${showDuration(given)}, an answer may take ${showDuration(ours)}`,
              ),
        ),
      );
    }),
  },
  {
    id: 'time-transfer',
    what: 'Postfix is as patient as usual while it sends a message',
    why: 'clamgate goes on reading while it scans, but not without end on a slow disk; with less patience than usual Postfix breaks off large messages again and again.',
    mend: 'Leave _data_init_timeout (120s) and _data_xfer_timeout (180s) of the filter transport at their defaults.',
    see: 'postconf(5) smtp_data_init_timeout, smtp_data_xfer_timeout',
    look: ofPostfix((postfix, { config }) => {
      const floors: [string, number][] = [
        ['data_init_timeout', dataInitMs],
        ['data_xfer_timeout', dataTransferMs],
      ];
      return floors.flatMap(([parameter, floor]) =>
        overTransports(postfix, smtpListeners(config), parameter, (given, name) =>
          given >= floor
            ? ok(`${name} is ${showDuration(given)}`)
            : warn(`${name} is ${showDuration(given)}, below ${showDuration(floor)}`),
        ),
      );
    }),
  },
  {
    id: 'time-reinjection',
    what: 'the re-injection smtpd waits while a message is scanned',
    why: 'The next hop is connected at MAIL and hears nothing more until the scan ends; one that hangs up meanwhile costs each slow message a second connection.',
    mend: 'Raise smtpd_timeout of the re-injection entry (300s) above MaxScanTime.',
    see: 'postconf(5) smtpd_timeout',
    look: ofPostfix((postfix, { config }) =>
      reinjectionEntries(postfix, smtpListeners(config)).map((entry) => {
        const given = durationMs(valueOf(postfix, entry, 'smtpd_timeout')) ?? Infinity;
        const { maxScanTimeMs } = config.clamd;
        return given > maxScanTimeMs
          ? ok(`${entry.name} waits ${showDuration(given)}`)
          : warn(
              `${entry.name} hangs up after ${showDuration(given)}, a scan may take ${showDuration(maxScanTimeMs)} (smtpd_timeout, max_scan_time)`,
            );
      }),
    ),
  },
  {
    id: 'time-commit',
    what: 'the re-injection smtpd waits for the answer to the commit question',
    why: 'An answer that comes too late counts as none, and the message is put off although nothing is wrong.',
    mend: 'Leave smtpd_policy_service_timeout at 100s.',
    see: 'postconf(5) smtpd_policy_service_timeout',
    look: ofPostfix((postfix, { config }) =>
      config.commit.address === undefined
        ? []
        : reinjectionEntries(postfix, smtpListeners(config)).map((entry) => {
            const text = valueOf(postfix, entry, 'smtpd_policy_service_timeout');
            const given = durationMs(text) ?? Infinity;
            return given > commitAnswerMs
              ? ok(`${entry.name} waits ${showDuration(given)}`)
              : warn(
                  `${entry.name} waits ${text}, an answer may take ${showDuration(commitAnswerMs)}`,
                );
          }),
    ),
  },
  {
    id: 'time-queue',
    what: 'the ledger remembers a message longer than Postfix keeps it',
    why: 'A retry of what the ledger has forgotten is a new message: it is delivered a second time.',
    mend: 'Set [ledger] retention above maximal_queue_lifetime of main.cf.',
    see: 'postconf(5) maximal_queue_lifetime; docs/guarantees.md',
    look: ofPostfix((postfix, { config: { ledger } }) => {
      const lifetime = durationMs(postfix.main.get('maximal_queue_lifetime') ?? '', 'd');
      if (!ledger.enabled || lifetime === undefined) return [];
      const figures = `retention ${showDuration(ledger.retentionMs)}, maximal_queue_lifetime ${showDuration(lifetime)}`;
      return [ledger.retentionMs > lifetime ? ok(figures) : error(figures)];
    }),
  },
  {
    id: 'clock-synchronised',
    what: 'the clock of this machine is set by NTP',
    why: 'The age of signatures, the retention of the ledger and the quarantine, and every log are counted by it.',
    mend: 'Enable systemd-timesyncd or chrony: timedatectl set-ntp true.',
    see: 'timedatectl(1)',
    look: ({ clock }) =>
      ifKnown(clock, 'whether the clock is synchronised', ({ synchronised, source }) =>
        synchronised ? ok(`synchronised (${source})`) : warn(`not synchronised (${source})`),
      ),
  },
];

function scanTime(endpoint: string, ms: number, ours: number): Look {
  if (ms === 0) return warn(`${endpoint} scans without end (MaxScanTime 0)`);
  const figures = `${endpoint} scans for at most ${showDuration(ms)}, scan_ms is ${showDuration(ours)}`;
  return ms < ours ? ok(figures) : warn(figures);
}

/** A time of smtp(8) or lmtp(8), of each transport that leads to us. */
function overTransports(
  postfix: Postfix,
  listeners: readonly Way['listener'][],
  parameter: string,
  look: (ms: number, name: string) => Look,
): Look[] {
  return transportsToUs(postfix, listeners).flatMap(({ transport }) => {
    const name = `${transport.command}_${parameter}`;
    const given = durationMs(valueOf(postfix, transport, name));
    // 0 is no limit.
    return given === undefined
      ? []
      : [look(given === 0 ? Infinity : given, `${transport.name}: ${name}`)];
  });
}
