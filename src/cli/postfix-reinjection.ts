/** The smtpd that takes mail back from clamgate, and the commit question that it asks. */
import type { SmtpListenerConfig } from '../daemon/config-listener.ts';
import { isLoopback } from '../daemon/config-address.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import { parseSocketAddress } from '../socket-address.ts';
import type { Service, Setting } from './postfix-entry.ts';

/**
 * More than can be in the filter: a connection that the filter keeps for the next message holds its
 * smtpd for five seconds, and a release from quarantine or another client wants one, too.
 */
export const backProcesses = 20;

export interface Commit {
  /** For check_policy_service. */
  readonly server?: string;
  readonly note?: readonly string[];
}

/**
 * smtpd(8) gives a path to connect(2) as it is (auto_clnt(3)); its working directory is the queue
 * directory, and its root as well when it is chrooted. So a path relative to it works either way,
 * and the entry may be changed to that where smtpd has what it needs below the queue directory.
 */
export function commitServer(address: string | undefined, queueDirectory: string): Commit {
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
  if (path.startsWith(inside)) {
    return { server: `unix:${path.slice(inside.length)}` };
  }
  const note =
    `${path} is not below ${inside}: the smtpd that asks there must not be chrooted (the n in its ` +
    'entry). Below it, it may be.';
  return { server: `unix:${path}`, note: [note] };
}

export function reinjection(
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
    {
      name: 'smtpd_tls_security_level',
      value: 'none',
      why: 'clamgate speaks no TLS: where main.cf asks everybody for it, mail would bounce here.',
    },
  ];
}
