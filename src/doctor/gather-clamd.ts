/** Gathers what there is to know of one clamd. */
import { isLoopback } from '../daemon/config-address.ts';
import { type ClamdAddress, parseClamdAddress } from '../scan/clamd-address.ts';
import { askLimitAlerts } from '../scan/limits-canary.ts';
import type { ClamdFacts, ProcessFacts } from './facts.ts';
import type { Host } from './host.ts';
import { type Known, known, notKnown, probe, valueOf } from './known.ts';
import { askClamd, sendCanary, threadsMaxOf, versionFacts } from './probes/clamd.ts';
import { measureSizes } from './probes/clamd-sizes.ts';
import { findClamdConf } from './probes/clamd-conf.ts';
import { findClamdUnit } from './probes/clamd-unit.ts';
import { type ListeningSocket, socketAt } from './probes/listening.ts';
import { measureLoad } from './probes/load-time.ts';
import { reachableAddresses } from './probes/outside.ts';
import { readProcess } from './probes/processes.ts';
import { runningClamds } from './probes/running-clamds.ts';
import { askClamdjs } from './probes/second-opinion.ts';

export interface ClamdSurroundings {
  /** Undefined where ss tells nothing. */
  readonly sockets: readonly ListeningSocket[] | undefined;
  readonly confFiles: readonly string[];
  /** The largest message that is to be scanned whole, in bytes. */
  readonly messageBytes: number;
}

const askMs = 12_000;
const scanMs = 60_000;

export async function gatherClamd(
  host: Host,
  endpoint: string,
  around: ClamdSurroundings,
): Promise<ClamdFacts> {
  const parsed = parseClamdAddress(endpoint);
  if (!parsed.ok) throw new Error(parsed.problem);
  const { address } = parsed;
  const isLocal = 'path' in address.connect || isLoopback(address.connect.host);
  const answers = await askAll(host, address, around.messageBytes);
  const local = isLocal ? await gatherLocal(host, address, around) : {};
  const running =
    isLocal && !answers.pong.known
      ? valueOf(
          await probe(host.clock, askMs, () =>
            runningClamds(host, address.connect, around.confFiles),
          ),
        )
      : undefined;
  return { endpoint, isLocal, ...answers, ...local, ...(running && { running }) };
}

type Answers = Pick<
  ClamdFacts,
  'pong' | 'version' | 'threadsMax' | 'canary' | 'limitAlerts' | 'sizes' | 'secondOpinion'
>;

async function askAll(
  { clock }: Host,
  address: ClamdAddress,
  messageBytes: number,
): Promise<Answers> {
  const pong = await probe(clock, askMs, (signal) => askClamd(clock, address, 'PING', signal));
  if (!pong.known) return { pong, ...silent };
  const settings = { clock, connectMs: 5000, silenceMs: 20_000, streamBytesMax: Infinity };
  const [version, stats, canary, limitAlerts, sizes] = await Promise.all([
    probe(clock, askMs, (signal) => askClamd(clock, address, 'VERSION', signal)),
    probe(clock, askMs, (signal) => askClamd(clock, address, 'STATS', signal)),
    probe(clock, scanMs, (signal) => sendCanary(clock, address, signal)),
    probe(clock, scanMs, (signal) => askLimitAlerts(address, settings, signal)),
    probe(clock, scanMs, (signal) => measureSizes(address, messageBytes, settings, signal)),
  ]);
  const { connect } = address;
  const secondOpinion =
    'host' in connect ? await probe(clock, scanMs, () => askClamdjs(connect)) : undefined;
  return {
    pong,
    version: version.known ? known(versionFacts(version.value)) : version,
    threadsMax: stats.known
      ? await probe(clock, askMs, () => Promise.resolve(stats.value).then(threadsMaxOf))
      : stats,
    canary,
    limitAlerts,
    sizes,
    ...(secondOpinion && { secondOpinion }),
  };
}

const isSilent = notKnown<never>('it does not answer');
const silent = {
  version: isSilent,
  threadsMax: isSilent,
  canary: isSilent,
  limitAlerts: isSilent,
  sizes: isSilent,
};

type Local = Pick<ClamdFacts, 'conf' | 'process' | 'unit' | 'load' | 'backlog' | 'outside'>;

async function gatherLocal(
  host: Host,
  { connect }: ClamdAddress,
  { sockets, confFiles }: ClamdSurroundings,
): Promise<Local> {
  const { clock } = host;
  const path = 'path' in connect ? connect.path : undefined;
  const socket = sockets && socketAt(sockets, connect);
  const process = await processOf(host, socket);
  const running = valueOf(process);
  const conf = await probe(clock, askMs, () => findClamdConf(host, running, path, confFiles));
  const unit = await probe(clock, askMs, () => findClamdUnit(host, running, valueOf(conf)?.file));
  const isActivated = socket?.processes.some(({ name }) => name === 'systemd') === true;
  const sources = {
    ...{ conf: valueOf(conf), running, unit: valueOf(unit) },
    socket: isActivated ? undefined : path,
  };
  return {
    process,
    conf,
    unit,
    load: await probe(clock, askMs, () => measureLoad(host, sources)),
    backlog: socket ? known(socket.backlog) : notKnown('ss does not know its socket'),
    ...('host' in connect && {
      outside: await probe(clock, askMs, () => reachableAddresses(connect.port)),
    }),
  };
}

function processOf(host: Host, socket: ListeningSocket | undefined): Promise<Known<ProcessFacts>> {
  const own = socket?.processes.find(({ name }) => name !== 'systemd');
  if (own === undefined) return Promise.resolve(notKnown('ss names no process at its socket'));
  return probe(host.clock, askMs, () => readProcess(host, own.pid));
}
