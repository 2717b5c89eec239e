/**
 * Postfix A, which hands mail to the filter, and Postfix B, which takes it back and delivers to the
 * sink. They may be one, as on most mail hosts.
 */
import type { PrivatePostfix } from '../support/private-postfix.ts';
import { startPostfix } from '../support/private-postfix.ts';
import type { PostfixOptions } from '../support/private-postfix-config.ts';
import type { SinkAnswer, SinkOptions } from '../support/sink.ts';
import { commitSocket, policySocket } from './clamgate-filter.ts';
import type { FrontDoor } from './filter.ts';

export interface PairSettings {
  /** Where A asks the filter, when not behind its queue; a Milter hands nothing on to B. */
  readonly door?: FrontDoor;
  /** How long A waits for the reply to the final dot, or a Milter's word, as main.cf has it. */
  readonly dataDone?: string;
  /** How long A waits before it tries again: the least and the most, as main.cf has them. */
  readonly backoff?: readonly [string, string];
  /** Whether B's smtpd processes are chrooted in its queue directory. */
  readonly chrooted?: boolean;
  /** Where content_filter stands; main.cf unless told otherwise. */
  readonly contentFilter?: 'main.cf' | 'master.cf';
  /** Whether A and B are one. */
  readonly oneInstance?: boolean;
}

export interface Pair {
  readonly a: PrivatePostfix;
  readonly b: PrivatePostfix;
  /** While it is closed the sink answers 451, and mail waits in B. */
  readonly gate: { open: boolean };
}

/** Messages in the filter at once, and B's re-injection processes: room for other clients as well. */
const filterProcesses = 20;
const reinjectProcesses = 40;

const common = [
  // A queue id is never used again, so that each is one hand-over.
  'enable_long_queue_ids = yes',
  // Processes are killed here; master is not to take it for a broken service and pause it.
  'service_throttle_time = 1s',
  'queue_run_delay = 1s',
  'transport_retry_time = 1s',
  'initial_destination_concurrency = 20',
  'default_destination_concurrency_limit = 20',
];

const asksForAdmission = [
  `smtpd_recipient_restrictions=check_policy_service unix:${policySocket}, permit_mynetworks, reject`,
  `smtpd_end_of_data_restrictions=check_policy_service unix:${policySocket}`,
  // After a failure Postfix asks once more, a second later.
  'smtpd_policy_service_timeout=10s',
];

/** @param asks whether B's re-injection smtpd asks before it commits. */
export async function startPair(
  settings: PairSettings,
  filterPort: number,
  asks: boolean,
): Promise<Pair> {
  const gate = { open: true };
  const both = settings.oneInstance === true;
  const takesBack = optionsOfB(settings, gate, asks);
  const handsOver = optionsOfA(settings, filterPort);
  const b = await startPostfix({ ...(both && handsOver), ...takesBack });
  try {
    return { a: both ? b : await startPostfix(handsOver), b, gate };
  } catch (error) {
    await b.stop();
    throw error;
  }
}

function optionsOfB(
  settings: PairSettings,
  gate: { readonly open: boolean },
  asks: boolean,
): PostfixOptions & { sink: SinkOptions } {
  const answer: SinkOptions['answer'] = (step): SinkAnswer | undefined =>
    step === 'mail' && !gate.open ? { kind: 'reply', text: '451 4.3.0 Not now' } : undefined;
  return {
    processes: reinjectProcesses,
    chrooted: settings.chrooted ?? true,
    sink: { answer },
    // In an instance of its own; where A and B are one, A's main.cf stands (see startPair).
    ...(settings.oneInstance !== true && { mainCf: timesOf(settings) }),
    reinjectOptions: asks
      ? [`smtpd_end_of_data_restrictions=check_policy_service unix:${commitSocket}`]
      : [],
  };
}

function optionsOfA(settings: PairSettings, filterPort: number): PostfixOptions {
  const { door } = settings;
  if (door === 'milter' || door === 'before-queue')
    return frontDoorOptions(settings, door, filterPort);
  const { contentFilter = 'main.cf', dataDone = '600s' } = settings;
  const inMaster = contentFilter === 'master.cf';
  return {
    processes: filterProcesses,
    filter: {
      protocol: 'smtp',
      address: filterPort,
      options: [`smtp_data_done_timeout=${dataDone}`],
    },
    mainCf: [
      ...timesOf(settings),
      ...(inMaster ? ['content_filter =', 'receive_override_options ='] : []),
    ],
    submitOptions: [
      ...(door === 'policy' ? asksForAdmission : []),
      ...(inMaster
        ? [
            `content_filter=scan:[127.0.0.1]:${filterPort}`,
            'receive_override_options=no_address_mappings',
          ]
        : []),
    ],
  };
}

function frontDoorOptions(
  settings: PairSettings,
  door: 'milter' | 'before-queue',
  filterPort: number,
): PostfixOptions {
  const { dataDone = door === 'milter' ? '300s' : '100s' } = settings;
  const mainCf = [...timesOf(settings), 'milter_default_action = tempfail'];
  const submitOptions =
    door === 'milter'
      ? [`smtpd_milters=inet:127.0.0.1:${filterPort}`, `milter_content_timeout=${dataDone}`]
      : [`smtpd_proxy_filter=127.0.0.1:${filterPort}`, `smtpd_proxy_timeout=${dataDone}`];
  return { mainCf, submitOptions };
}

function timesOf({ backoff: [least, most] = ['1s', '2s'] }: PairSettings): string[] {
  return [...common, `minimal_backoff_time = ${least}`, `maximal_backoff_time = ${most}`];
}
