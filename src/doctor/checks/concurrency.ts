/** The ladder of concurrency: what Postfix sends at once we take, and what we take clamd and the next hop do. */
import type { Config } from '../../daemon/config.ts';
import { smtpListeners } from '../../daemon/config-listener.ts';
import { type Postfix, processLimit } from '../../postfix/installation.ts';
import type { Service } from '../../postfix/postconf.ts';
import { type Check, error, ifKnown, type Look, ofPostfix, ok, warn } from '../check.ts';
import type { ClamdFacts, Facts } from '../facts.ts';
import { reinjectionEntry } from '../reinjection.ts';
import { transportsToUs } from '../ways.ts';
import { confText } from './clamd-values.ts';

export const concurrencyChecks: readonly Check[] = [
  {
    id: 'processes-filter',
    what: 'clamgate works on as many messages as Postfix sends at once',
    why: 'What comes beyond transactions_max waits at MAIL, and beyond sessions_max for its greeting, while Postfix holds a process for each.',
    mend: 'Lower the process limit (maxproc) of the filter transport in master.cf, or raise [limits] transactions_max and sessions_max.',
    see: 'master(5); clamgate.example.toml [limits]',
    look: ofPostfix((postfix, { config }) => {
      const ways = transportsToUs(postfix, smtpListeners(config));
      if (ways.length === 0) return [];
      const sent = ways.reduce((sum, { transport }) => sum + sentAtOnce(postfix, transport), 0);
      const taken = Math.min(config.limits.transactionsMax, config.limits.sessionsMax);
      const figures = `${limitText(sent)} at once from Postfix, ${taken} taken`;
      return [sent <= taken ? ok(figures) : warn(figures)];
    }),
  },
  {
    id: 'processes-back',
    what: 'more messages can come back than are in the filter',
    why: 'A connection that waits for the next message holds a process of the re-injection smtpd for 5 s: with no more of them than of the filter transport, messages wait for each other.',
    mend: 'Raise the process limit (maxproc) of the re-injection entry in master.cf above that of the filter transport.',
    see: 'master(5); https://www.postfix.org/FILTER_README.html',
    look: ofPostfix((postfix, { config }) => {
      const ways = transportsToUs(postfix, smtpListeners(config));
      const nextHops = [...new Set(smtpListeners(config).map(({ nextHop }) => nextHop))];
      return nextHops.flatMap((nextHop) => {
        const entry = reinjectionEntry(postfix, nextHop);
        const through = ways.filter(({ listener }) => listener.nextHop === nextHop);
        if (entry === undefined || through.length === 0) return [];
        const sent = through.reduce((sum, way) => sum + sentAtOnce(postfix, way.transport), 0);
        const back = processLimit(postfix, entry);
        const figures = `${limitText(sent)} into the filter, ${limitText(back)} back at ${entry.name}`;
        return [back > sent ? ok(figures) : warn(figures)];
      });
    }),
  },
  {
    id: 'clamd-threads',
    what: 'clamd has more threads than clamgate gives it streams',
    why: 'When all threads are at work clamd lets scans wait unseen, and clamgate cannot tell a busy clamd from a dead one.',
    mend: 'Set [clamd] inflight_max below MaxThreads of clamd.conf, or raise MaxThreads.',
    see: 'clamd.conf(5) MaxThreads',
    look: ({ clamd, config }) =>
      answering(clamd).flatMap(({ endpoint, threadsMax }) =>
        ifKnown(threadsMax, `MaxThreads of ${endpoint}`, (threads) => {
          const { inflightMax } = config.clamd;
          const figures = `${endpoint}: MaxThreads ${threads}, inflight_max ${inflightMax}`;
          const same = othersOf(clamd, endpoint);
          if (inflightMax < threads && inflightMax * (same.length + 1) >= threads) {
            const names = same.join(', ');
            return warn(`${figures}, and as many by ${names}: it is the same clamd`, mendOfSame);
          }
          return inflightMax < threads ? ok(figures) : warn(figures);
        }),
      ),
  },
  {
    id: 'clamd-queue',
    what: "clamd's queue holds more than its threads",
    why: 'When MaxQueue is reached clamd stops answering anything, PING as well, until a scan ends.',
    mend: 'Set MaxQueue in clamd.conf to at least twice MaxThreads.',
    see: 'clamd.conf(5) MaxQueue',
    look: ({ clamd }) =>
      clamd.flatMap(({ endpoint, conf }) => {
        if (conf?.known !== true) return [];
        const [queue, threads] = ['MaxQueue', 'MaxThreads'].map((name) =>
          Number(confText(conf.value, name)),
        );
        const figures = `${endpoint}: MaxQueue ${queue ?? 0}, MaxThreads ${threads ?? 0}`;
        return [(queue ?? 0) >= 2 * (threads ?? 0) ? ok(figures) : warn(figures)];
      }),
  },
  {
    id: 'clamd-backlog',
    what: 'the kernel holds as many connections for clamd as clamgate opens at once',
    why: 'A connection that finds no place is refused by a Unix socket at once (EAGAIN), and each scan needs one.',
    mend: 'Raise MaxConnectionQueueLength in clamd.conf (or Backlog= of its .socket unit) above [clamd] inflight_max.',
    see: 'clamd.conf(5) MaxConnectionQueueLength; systemd.socket(5) Backlog=',
    look: ({ clamd, config }) =>
      clamd.flatMap(({ endpoint, backlog }) => {
        if (backlog?.known !== true) return [];
        const figures = `${endpoint}: ${backlog.value} connections, inflight_max ${config.clamd.inflightMax}`;
        return [backlog.value >= config.clamd.inflightMax ? ok(figures) : warn(figures)];
      }),
  },
  {
    id: 'backlog-kernel',
    what: 'the kernel lets our listeners have the backlog that they ask for',
    why: 'listen(2) cuts a backlog to net.core.somaxconn without a word; connections beyond it are refused, and Postfix takes the filter for dead.',
    mend: 'sysctl -w net.core.somaxconn=4096 (and in /etc/sysctl.d), or lower backlog.',
    see: 'listen(2)',
    look: ({ somaxconn, config }) =>
      ifKnown(somaxconn, 'net.core.somaxconn', (most) =>
        config.listeners.map((one) => room(one, most)),
      ),
  },
  {
    id: 'daemon-files',
    what: 'the daemon may open as many files as its sessions need',
    why: 'A daemon that runs out of descriptors can neither accept a connection nor spool a message.',
    mend: 'Raise LimitNOFILE= of clamgate.service, or lower [limits] sessions_max and sessions_waiting_max.',
    see: 'systemd.exec(5) LimitNOFILE=',
    look: ({ daemon, daemonProcess, config }) => {
      if (!daemon.known) return [];
      return ifKnown(daemonProcess, 'the limits of the daemon', ({ openFilesMax }) => {
        const needed = filesNeeded(config);
        const figures = `${openFilesMax} allowed, up to ${needed} needed`;
        return openFilesMax >= needed ? ok(figures) : error(figures);
      });
    },
  },
];

/** Those that answer: of the others clamd-answers tells. */
function answering(clamd: readonly ClamdFacts[]): readonly ClamdFacts[] {
  return clamd.filter(({ pong }) => pong.known);
}

function room({ address, backlog }: Config['listeners'][number], most: number): Look {
  const figures = `${address}: backlog ${backlog}, net.core.somaxconn ${most}`;
  return backlog <= most ? ok(figures) : warn(figures);
}

/** Of Node.js itself, the ledger, logs, and an operator's questions. */
const ownFiles = 100;

/** A session; and a transaction's next hop, spool (written and read), and queue at clamd. */
function filesNeeded({ limits, clamd }: Config): number {
  const sessions = limits.sessionsMax + limits.sessionsWaitingMax;
  const transactions = 3 * Math.min(limits.transactionsMax, limits.sessionsMax);
  return sessions + transactions + clamd.inflightMax * clamd.endpoints.length + ownFiles;
}

/** A content_filter names one destination, and of that qmgr(8) has no more under way than this. */
function sentAtOnce(postfix: Postfix, transport: Service): number {
  const ofTransport = postfix.main.get(`${transport.name}_destination_concurrency_limit`);
  const all = postfix.main.get('default_destination_concurrency_limit') ?? '20';
  // As postconf -x has it; where it is not known as a parameter of this transport it is the general one.
  const limit = Number(ofTransport ?? all);
  return Math.min(processLimit(postfix, transport), limit === 0 ? Infinity : limit);
}

const mendOfSame =
  'Name each clamd once in [clamd] endpoints: a second address of the same process is no second clamd.';

/** Further endpoints that are the same process. */
function othersOf(clamd: Facts['clamd'], endpoint: string): string[] {
  const pidOf = (name: string): number | undefined => {
    const process = clamd.find((one) => one.endpoint === name)?.process;
    return process?.known === true ? process.value.pid : undefined;
  };
  const pid = pidOf(endpoint);
  const names = clamd.map((one) => one.endpoint).filter((name) => name !== endpoint);
  return pid === undefined ? [] : names.filter((name) => pidOf(name) === pid);
}

function limitText(processes: number): string {
  return processes === Infinity ? 'any number' : String(processes);
}
