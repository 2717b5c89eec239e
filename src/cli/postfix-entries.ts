/**
 * What Postfix has to be told so that mail goes through clamgate and back: settings of main.cf and
 * services of master.cf, made from the configuration. Values only; postfix.ts writes them down.
 */
import { type Config, type SmtpListenerConfig, smtpListeners } from '../daemon/config.ts';
import { isLoopback } from '../daemon/config-address.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import { parseSocketAddress } from '../socket-address.ts';

export interface Setting {
  readonly name: string;
  readonly value: string;
  /** For the comment in front of it. */
  readonly why?: string;
}

/** An entry of master.cf (master(5)). */
export interface Service {
  readonly name: string;
  readonly type: 'inet' | 'unix';
  readonly private: 'n' | '-';
  readonly chroot: 'n';
  readonly processes: number;
  readonly command: 'smtp' | 'lmtp' | 'smtpd';
  readonly options: readonly Setting[];
  readonly why: string;
}

export interface PostfixEntries {
  readonly mainCf: readonly Setting[];
  readonly masterCf: readonly Service[];
  /** What could not be made, or has to be looked at. */
  readonly notes: readonly string[];
}

/** Messages in the filter at once. */
const filterProcesses = 10;
/**
 * More than can be in the filter: a connection that the filter keeps for the next message holds its
 * smtpd for five seconds, and a release from quarantine or another client wants one, too.
 */
const backProcesses = 20;

/** @param queueDirectory Postfix's own (postconf queue_directory). */
export function postfixEntries(config: Config, queueDirectory: string): PostfixEntries {
  const filters = smtpListeners(config);
  // A Milter hands nothing on, so nobody has to ask.
  const commit = filters.length > 0 ? commitServer(config.commit.address, queueDirectory) : {};
  const back = filters.map((listener) => reinjection(listener, commit));
  const services = [
    ...filters.map(filterTransport),
    ...back.flatMap(({ service }) => service ?? []),
  ];
  return {
    mainCf: [
      ...(filters.length > 0 ? filterSettings(filters) : []),
      ...milterSettings(config, queueDirectory),
    ],
    // Two listeners may have one next hop.
    masterCf: services.filter(
      ({ name }, at) => services.findIndex((other) => other.name === name) === at,
    ),
    notes: [...(commit.note ?? []), ...back.flatMap(({ note }) => note ?? [])],
  };
}

function filterSettings([first]: readonly SmtpListenerConfig[]): Setting[] {
  return [
    {
      name: 'content_filter',
      value: first ? `${transportName(0)}:${destination(first.address)}` : '',
      why: 'Every message goes through the filter; addresses are mapped after it, not before.',
    },
    { name: 'receive_override_options', value: 'no_address_mappings' },
    {
      name: 'enable_long_queue_ids',
      value: 'yes',
      why: 'By its queue id a retry is known again: one that is used again would be another message.',
    },
  ];
}

/** MILTER_README: what has come by smtpd, and what has not. */
function milterSettings({ listeners }: Config, queueDirectory: string): Setting[] {
  const doors = listeners.filter((listener) => listener.protocol === 'milter');
  if (doors.length === 0) return [];
  const names = doors.map(({ address }) =>
    address.startsWith('unix:') ? seenByPostfix(address, queueDirectory) : `inet:${address}`,
  );
  const value = names.join(', ');
  return [
    {
      name: 'smtpd_milters',
      value,
      why: 'Mail that comes by SMTP is scanned while its sender is still there.',
    },
    {
      name: 'non_smtpd_milters',
      value,
      why: 'So is what comes by sendmail(1): where it is refused, Postfix bounces it to its sender here.',
    },
    {
      name: 'milter_default_action',
      value: 'tempfail',
      why: 'While clamgate cannot be asked, mail waits where it is.',
    },
    { name: 'milter_protocol', value: '6' },
    {
      name: 'milter_content_timeout',
      value: '300s',
      why: 'clamgate answers within 240 s, and says meanwhile that it is at work.',
    },
  ];
}

/** A Unix socket below the queue directory by its path there, which chrooted processes find, too. */
function seenByPostfix(address: string, queueDirectory: string): string {
  const inside = `unix:${queueDirectory.replace(/\/+$/, '')}/`;
  return address.startsWith(inside) ? `unix:${address.slice(inside.length)}` : address;
}

/** postconf(5), content_filter: the brackets keep Postfix from asking DNS for MX records. */
function destination(address: string): string {
  if (address.startsWith('unix:')) return address;
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  return `[${host.replace(/^\[|\]$/g, '').replace(/^(?=.*:)/, 'ipv6:')}]:${port}`;
}

function transportName(at: number): string {
  return at === 0 ? 'scan' : `scan${at + 1}`;
}

function filterTransport({ protocol, address }: SmtpListenerConfig, at: number): Service {
  return {
    name: transportName(at),
    type: 'unix',
    private: '-',
    chroot: 'n',
    processes: filterProcesses,
    command: protocol,
    options: [
      {
        name: `${protocol}_send_xforward_command`,
        value: 'yes',
        why: 'The filter learns who the client was, and the queue id by which it knows a retry.',
      },
      {
        name: `${protocol}_data_done_timeout`,
        value: '600s',
        why: 'The filter answers within deadline_ms + next_hop_dot_ms, which are below it.',
      },
      {
        name: 'disable_mime_output_conversion',
        value: 'yes',
        why: 'The message reaches the filter as it was sent.',
      },
      {
        name: `${protocol}_generic_maps`,
        value: '',
        why: 'Addresses are rewritten on the way out of Postfix, not on the way into the filter.',
      },
    ],
    why: `To clamgate at ${address}. The last number is how many messages are in it at once.`,
  };
}

interface Commit {
  /** For check_policy_service. */
  readonly server?: string;
  readonly note?: readonly string[];
}

/**
 * smtpd(8) gives a path to connect(2) as it is (auto_clnt(3)); its working directory is the queue
 * directory, and its root as well when it is chrooted. So a path relative to it works either way,
 * and the entry may be changed to that where smtpd has what it needs below the queue directory.
 */
function commitServer(address: string | undefined, queueDirectory: string): Commit {
  if (address === undefined) {
    const note =
      '[commit] address is not set: Postfix does not ask before it takes a message back, so that ' +
      'one whose reply is lost may be delivered twice.';
    return { note: [note] };
  }
  const parsed = parseSocketAddress(address);
  if (!parsed.ok || !('path' in parsed.address)) return { server: `inet:${address}` };
  const { path } = parsed.address;
  const inside = `${queueDirectory.replace(/\/+$/, '')}/`;
  if (path.startsWith(inside)) return { server: seenByPostfix(address, queueDirectory) };
  const note =
    `${path} is not below ${inside}: the smtpd that asks there must not be chrooted (the n in its ` +
    'entry). Below it, it may be.';
  return { server: `unix:${path}`, note: [note] };
}

function reinjection(
  { nextHop }: SmtpListenerConfig,
  commit: Commit,
): { readonly service?: Service; readonly note?: string } {
  const { flavour, connect } = parseNextHopAddress(nextHop);
  if (flavour === 'lmtp' || 'path' in connect) {
    return { note: `The next hop ${nextHop} is no smtpd of master.cf that could be printed here.` };
  }
  const name = nextHop.replace(/^smtp:/, '');
  const service: Service = {
    name,
    type: 'inet',
    private: 'n',
    chroot: 'n',
    processes: backProcesses,
    command: 'smtpd',
    options: reinjectionOptions(commit.server),
    why:
      `Back from clamgate, at ${name}. The last number must be above that of the way to it: a ` +
      'connection that waits for the next message holds a process for 5 s.',
  };
  const note = `${name} is on another machine: its entry belongs there, and nobody there can ask here.`;
  return isLoopback(connect.host) ? { service } : { service, note };
}

function reinjectionOptions(server: string | undefined): Setting[] {
  const question = server === undefined ? '' : `check_policy_service,${server}`;
  const off = ['helo', 'client', 'sender', 'relay', 'data'];
  return [
    {
      name: 'content_filter',
      value: '',
      why: 'Without this line mail goes round for ever.',
    },
    {
      name: 'receive_override_options',
      value: 'no_unknown_recipient_checks,no_header_body_checks,no_milters',
      why: 'What was checked on the way in is not checked again; addresses are mapped here, once.',
    },
    {
      name: 'smtpd_end_of_data_restrictions',
      value: question,
      ...(server === undefined
        ? {}
        : { why: 'Before it commits a message it asks whether it may: so none is taken twice.' }),
    },
    {
      name: 'smtpd_recipient_restrictions',
      value: 'permit_mynetworks,reject',
      why: 'Only this host gets here, so the restrictions of main.cf are left out.',
    },
    ...off.map((kind) => ({ name: `smtpd_${kind}_restrictions`, value: '' })),
    { name: 'mynetworks', value: '127.0.0.0/8,[::1]/128' },
    {
      name: 'smtpd_authorized_xforward_hosts',
      value: '127.0.0.0/8,[::1]/128',
      why: 'clamgate passes the real client on, for the log.',
    },
    {
      name: 'smtpd_error_sleep_time',
      value: '0',
      why: 'One session carries many messages, some of them given up: that is not abuse.',
    },
    { name: 'smtpd_soft_error_limit', value: '1001' },
    { name: 'smtpd_hard_error_limit', value: '1000' },
    { name: 'smtpd_junk_command_limit', value: '1000' },
  ];
}
