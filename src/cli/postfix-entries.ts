/**
 * What Postfix has to be told so that mail goes through clamgate and back: settings of main.cf and
 * services of master.cf, made from the configuration. Values only; postfix.ts writes them down.
 */
import type { Config } from '../daemon/config.ts';
import { type SmtpListenerConfig, smtpListeners } from '../daemon/config-listener.ts';
import type { Position } from '../verdict/disposition.ts';
import type { PostfixEntries, Service, Setting } from './postfix-entry.ts';
import { backProcesses, type Commit, commitServer, reinjection } from './postfix-reinjection.ts';

/** Messages in the filter at once. */
const filterProcesses = 10;

/** What a listener in one position needs. */
type Door = (listener: SmtpListenerConfig, at: number, commit: Commit) => PostfixEntries;

const doors: Readonly<Record<Position, Door>> = {
  'after-queue': afterQueue,
  'before-queue': beforeQueue,
};

/** @param queueDirectory Postfix's own (postconf queue_directory). */
export function postfixEntries(config: Config, queueDirectory: string): PostfixEntries {
  const filters = smtpListeners(config);
  // A Milter hands nothing on, so nobody has to ask.
  const commit = filters.length > 0 ? commitServer(config.commit.address, queueDirectory) : {};
  const made = filters.map((listener, at) => doors[listener.position](listener, at, commit));
  const settings = [
    ...made.flatMap(({ mainCf }) => mainCf),
    ...milterSettings(config, queueDirectory),
  ];
  const services = made.flatMap(({ masterCf }) => masterCf);
  const [ways, back] = [services.filter(isWay), services.filter((one) => !isWay(one))];
  return {
    // Of two listeners the first has the mail of main.cf; and two may have one next hop.
    mainCf: firstOfEach(settings),
    masterCf: firstOfEach([...ways, ...back]),
    notes: [
      ...(commit.note ?? []),
      ...made.flatMap(({ notes }) => notes),
      ...policyNotes(config, queueDirectory),
    ],
  };
}

/** To a filter, not back from it. */
function isWay({ type, name }: Service): boolean {
  return type === 'unix' || name === publicSmtpd;
}

function firstOfEach<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return all.filter(({ name }, at) => all.findIndex((other) => other.name === name) === at);
}

const longQueueIds: Setting = {
  name: 'enable_long_queue_ids',
  value: 'yes',
  why: 'By its queue id a retry is known again: one that is used again would be another message.',
};

function afterQueue(listener: SmtpListenerConfig, at: number, commit: Commit): PostfixEntries {
  const { service, note } = reinjection(listener, commit);
  return {
    mainCf: [...filterSettings(listener, at), longQueueIds],
    masterCf: [filterTransport(listener, at), ...(service ? [service] : [])],
    notes: note === undefined ? [] : [note],
  };
}

/** SMTPD_PROXY_README. Only what comes from outside is proxied: content_filter has no part in it. */
function beforeQueue(listener: SmtpListenerConfig, _at: number, commit: Commit): PostfixEntries {
  const { service, note } = reinjection(listener, commit);
  return {
    mainCf: [],
    masterCf: [proxiedSmtpd(listener), ...(service ? [service] : [])],
    notes: note === undefined ? [] : [note],
  };
}

const publicSmtpd = 'smtp';

function proxiedSmtpd({ address }: SmtpListenerConfig): Service {
  return {
    name: publicSmtpd,
    type: 'inet',
    private: 'n',
    chroot: 'n',
    processes: backProcesses,
    command: 'smtpd',
    options: [
      {
        name: 'smtpd_proxy_filter',
        value: address,
        why: 'Mail from outside is scanned while its sender is still there.',
      },
      {
        name: 'smtpd_proxy_options',
        value: 'speed_adjust',
        why: 'Postfix takes the whole message first, so that a slow sender holds no filter.',
      },
      {
        name: 'smtpd_client_connection_count_limit',
        value: '10',
        why: 'One client may not take all processes.',
      },
    ],
    why: 'The smtpd on port 25. An entry that is there keeps its columns and further options.',
  };
}

function filterSettings({ address }: SmtpListenerConfig, at: number): Setting[] {
  return [
    {
      name: 'content_filter',
      value: `${transportName(at)}:${destination(address)}`,
      why: 'Every message goes through the filter; addresses are mapped after it, not before.',
    },
    { name: 'receive_override_options', value: 'no_address_mappings', list: true },
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
      why: 'clamgate answers within 270 s, and says meanwhile that it is at work.',
    },
  ];
}

/** Where in a list of restrictions it belongs is for whoever wrote that list to say. */
function policyNotes({ listeners }: Config, queueDirectory: string): string[] {
  const doors = listeners.filter(({ protocol }) => protocol === 'policy');
  return doors.map(({ address }) => {
    const server = address.startsWith('unix:')
      ? seenByPostfix(address, queueDirectory)
      : `inet:${address}`;
    return (
      `Put check_policy_service ${server} into smtpd_recipient_restrictions, behind ` +
      'reject_unauth_destination, and into smtpd_end_of_data_restrictions.'
    );
  });
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
      {
        name: `${protocol}_tls_security_level`,
        value: 'none',
        why: 'The filter speaks no TLS: what main.cf asks of a relayhost would put all mail off here.',
      },
      { name: `${protocol}_tls_wrappermode`, value: 'no' },
    ],
    why: `To clamgate at ${address}. The last number is how many messages are in it at once.`,
  };
}
