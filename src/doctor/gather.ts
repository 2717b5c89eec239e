/** Gathers all facts at once, each probe within its time. What cannot be found out is in them as such. */
import { dirname, resolve } from 'node:path';
import type { Config } from '../daemon/config.ts';
import { smtpListeners } from '../daemon/config-listener.ts';
import { isLoopback, isWildcard } from '../daemon/config-address.ts';
import type { Status } from '../daemon/control-status.ts';
import { warnings } from '../daemon/config-warnings.ts';
import { readPostfix, type Postfix } from '../postfix/installation.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import { parseSocketAddress, type SocketAddress } from '../socket-address.ts';
import { messageBytes } from './checks/message-bytes.ts';
import { gatherClamd } from './gather-clamd.ts';
import type {
  AccessFacts,
  CommitTrial,
  DiskFacts,
  DoorFacts,
  Facts,
  ProcessFacts,
  User,
} from './facts.ts';
import type { Host } from './host.ts';
import { type Known, notKnown, probe, valueOf } from './known.ts';
import { obstacleFor } from './probes/access.ts';
import { askExtensions, tryToCommit } from './probes/door.ts';
import { type ListeningSocket, listeningSockets, socketAt } from './probes/listening.ts';
import { readClock, readMemory, readSomaxconn, readSpace } from './probes/machine.ts';
import { reachableAddresses } from './probes/outside.ts';
import { readLargest, readProcess } from './probes/processes.ts';
import { showUnit } from './probes/units.ts';
import { findUser } from './probes/user.ts';
import { policyServerOf, reinjectionEntry } from './reinjection.ts';

export interface Subject {
  readonly config: Config;
  /** Asks the running daemon. */
  readonly askDaemon: () => Promise<Status>;
  /** Who runs the daemon, where its unit does not tell. */
  readonly userName: string | undefined;
  /** Of the Postfix instance, where it is not the usual one. */
  readonly postfixDirectory: string | undefined;
  /** Where a clamd.conf may be. */
  readonly clamdConfFiles: readonly string[];
}

/** For what answers at once or not at all; talking to a server has its own limits below it. */
export const probeMs = 30_000;
const usualUser = 'clamgate';
const largestShown = 5;

/** @param progress is told of each step that begins. */
export async function gather(
  host: Host,
  subject: Subject,
  progress: (step: string) => void,
): Promise<Facts> {
  const { config } = subject;
  const { clock } = host;
  const find = <T>(act: () => Promise<T>): Promise<Known<T>> => probe(clock, probeMs, act);
  progress('Postfix, the daemon and the machine');
  const [daemonUnit, sockets, postfix, daemon, memory, time, somaxconn] = await Promise.all([
    find(() => showUnit(host, 'clamgate.service')),
    find(() => listeningSockets(host)),
    find(() => readPostfix(host.run, subject.postfixDirectory)),
    find(subject.askDaemon),
    find(() => readMemory(host)),
    find(() => readClock(host)),
    find(() => readSomaxconn(host)),
  ]);
  const unit = valueOf(daemonUnit);
  const name = subject.userName ?? (unit?.get('User') || usualUser);
  const user = await find(() => findUser(host, name, unit));
  progress('listeners and next hops');
  const doors = await gatherDoors(host, config);
  const commitTrials = await gatherTrials(host, config, valueOf(postfix));
  progress('clamd');
  const around = {
    sockets: valueOf(sockets),
    confFiles: subject.clamdConfFiles,
    messageBytes: wholeBytes(config, valueOf(postfix)),
  };
  const clamd = await Promise.all(
    config.clamd.endpoints.map((endpoint) => gatherClamd(host, endpoint, around)),
  );
  progress('rights and disks');
  return {
    config,
    advice: warnings(config),
    isRoot: host.uid === 0,
    now: clock.now(),
    user,
    postfix,
    daemon,
    daemonProcess: await findDaemonProcess(host, config, sockets),
    daemonUnit,
    clamd,
    ...doors,
    commitTrials,
    access: await gatherAccess(host, config, { user, postfix: valueOf(postfix) }),
    disks: await gatherDisks(host, config, valueOf(postfix)),
    memory,
    largest: await find(() => readLargest(host, largestShown)),
    clock: time,
    somaxconn,
  };
}

/** Of a larger message size-stream tells. */
function wholeBytes({ limits, clamd }: Config, postfix: Postfix | undefined): number {
  return Math.min(
    postfix ? messageBytes(postfix) : Infinity,
    limits.messageBytesMax,
    clamd.streamMaxLengthBytes,
    clamd.maxFileSizeBytes,
  );
}

async function gatherDoors(
  host: Host,
  config: Config,
): Promise<{ listeners: DoorFacts[]; nextHops: DoorFacts[] }> {
  const { hostname } = config;
  const listeners = smtpListeners(config);
  const ours = listeners.map(({ protocol, address }) => `${protocol}:${address}`);
  const nextHops = [...new Set(listeners.map(({ nextHop }) => nextHop))];
  const [listening, next] = await Promise.all([
    Promise.all(ours.map((address) => gatherDoor(host, address, hostname))),
    Promise.all(nextHops.map((address) => gatherDoor(host, address, hostname))),
  ]);
  return { listeners: listening, nextHops: next };
}

async function gatherDoor({ clock }: Host, text: string, name: string): Promise<DoorFacts> {
  const { flavour, connect } = parseNextHopAddress(text);
  // One that listens on every address is asked at the loopback one.
  const asked =
    'path' in connect || !isWildcard(connect.host) ? text : atLoopback(flavour, connect);
  const extensions = await probe(clock, probeMs, () => askExtensions(clock, asked, name));
  const address = text.replace(/^(?:smtp|lmtp):/, '');
  const outside = await reachableFrom(clock, connect);
  return { address, flavour, extensions, ...(outside && { outside }) };
}

function atLoopback(flavour: string, { host, port }: { host: string; port: number }): string {
  return `${flavour}:${host.includes(':') ? '[::1]' : '127.0.0.1'}:${port}`;
}

/** Undefined where it is no port of this machine alone. */
async function reachableFrom(
  clock: Host['clock'],
  where: SocketAddress,
): Promise<Known<readonly string[]> | undefined> {
  if ('path' in where || !(isLoopback(where.host) || isWildcard(where.host))) return undefined;
  return probe(clock, probeMs, () => reachableAddresses(where.port));
}

/** Only where the entry is to ask: any other would accept the message. */
async function gatherTrials(
  { clock }: Host,
  config: Config,
  postfix: Postfix | undefined,
): Promise<CommitTrial[]> {
  const { commit } = config;
  if (commit.address === undefined || postfix === undefined) return [];
  const nextHops = [...new Set(smtpListeners(config).map(({ nextHop }) => nextHop))];
  const asking = nextHops.filter((nextHop) => {
    const entry = reinjectionEntry(postfix, nextHop);
    return entry !== undefined && policyServerOf(postfix, entry) !== undefined;
  });
  const doubleBounce = postfix.main.get('double_bounce_sender') ?? 'double-bounce';
  const hello = `doctor-${Math.random().toString(36).slice(2, 12)}.${commit.name}`;
  return Promise.all(
    asking.map(async (nextHop) => {
      const act = () => tryToCommit(clock, nextHop, { hello, doubleBounce });
      return { nextHop, reply: await probe(clock, probeMs, act) };
    }),
  );
}

/** By the first of its sockets that ss knows a process of. */
async function findDaemonProcess(
  host: Host,
  { listeners }: Config,
  sockets: Known<readonly ListeningSocket[]>,
): Promise<Known<ProcessFacts>> {
  if (!sockets.known) return notKnown(sockets.why);
  const ours = listeners.flatMap(({ address }) => {
    const parsed = parseSocketAddress(address);
    return parsed.ok ? (socketAt(sockets.value, parsed.address)?.processes ?? []) : [];
  });
  const own = ours.find(({ name }) => name !== 'systemd');
  if (own === undefined) return notKnown('ss names no process at its addresses');
  return probe(host.clock, probeMs, () => readProcess(host, own.pid));
}

interface Users {
  readonly user: Known<User>;
  readonly postfix: Postfix | undefined;
}

async function gatherAccess(host: Host, config: Config, users: Users): Promise<AccessFacts[]> {
  const { clock } = host;
  const mailOwner = users.postfix?.main.get('mail_owner') ?? 'postfix';
  const owner = await probe(clock, probeMs, () => findUser(host, mailOwner));
  return Promise.all(
    wantedAccess(config).map(async (wanted) => {
      const user = wanted.who === 'daemon' ? users.user : owner;
      const obstacle = user.known
        ? await probe(clock, probeMs, () =>
            obstacleFor(host, user.value, wanted.path, wanted.kind === 'read' ? 'read' : 'write'),
          )
        : notKnown<string>(user.why);
      return { ...wanted, obstacle };
    }),
  );
}

type WantedAccess = Omit<AccessFacts, 'obstacle'>;

function wantedAccess(config: Config): WantedAccess[] {
  const { clamd, listeners, spool, quarantine, ledger, commit } = config;
  const file = resolve(config.file);
  const connecting = (
    who: AccessFacts['who'],
    address: string,
    purpose: string,
  ): WantedAccess[] => {
    const path = /^(?:smtp:|lmtp:)?unix:(\/.*)$/.exec(address)?.[1];
    return path === undefined ? [] : [{ who, path, purpose, kind: 'connect' }];
  };
  const writing = (path: string, purpose: string): WantedAccess => ({
    who: 'daemon',
    path,
    purpose,
    kind: 'write',
  });
  return [
    { who: 'daemon', path: file, purpose: 'the configuration', kind: 'read' },
    ...clamd.endpoints.flatMap((endpoint) => connecting('daemon', endpoint, 'clamd')),
    ...smtpListeners(config).flatMap(({ nextHop }) =>
      connecting('daemon', nextHop, 'the next hop'),
    ),
    ...listeners.flatMap(({ address }) => connecting('postfix', address, 'the filter')),
    ...(commit.address === undefined
      ? []
      : [
          ...connecting('postfix', commit.address, 'the commit question'),
          ...connecting('daemon', commit.witness, 'the witness'),
        ]),
    writing(spool.directory, 'the spool'),
    writing(quarantine.directory, 'the quarantine'),
    ...(ledger.enabled ? [writing(dirname(ledger.file), 'the ledger')] : []),
  ];
}

async function gatherDisks(
  { clock }: Host,
  { spool, quarantine, ledger }: Config,
  postfix: Postfix | undefined,
): Promise<DiskFacts[]> {
  const queue = postfix?.main.get('queue_directory');
  const places: [DiskFacts['purpose'], string][] = [
    ['spool', spool.directory],
    ['quarantine', quarantine.directory],
    ...(ledger.enabled ? [['ledger', dirname(ledger.file)] as [DiskFacts['purpose'], string]] : []),
    ...(queue === undefined ? [] : [['queue', queue] as [DiskFacts['purpose'], string]]),
  ];
  return Promise.all(
    places.map(async ([purpose, path]) => ({
      purpose,
      path,
      space: await probe(clock, probeMs, () => readSpace(path)),
    })),
  );
}
