/** How the tables [[listener]] of the configuration are checked and read. */
import { z } from 'zod';
import { OperationalError } from '../errors.ts';
import { parseNextHopAddress } from '../relay/address.ts';
import { addressList } from './config-address.ts';
import type { ListenerConfig } from './config-listener.ts';
import { number, setting, text, word } from './config-setting.ts';
import { parseCount, parseSize } from './config-units.ts';
import { isListenAddress } from './systemd-sockets.ts';

const count = (min: number) => number('a whole number', parseCount, min);
const size = (min: number) => number('a size such as "25M", or bytes', parseSize, min);
const MiB = 2 ** 20;

function isNextHop(value: string): boolean {
  try {
    parseNextHopAddress(value);
    return true;
  } catch (error) {
    if (error instanceof OperationalError) return false;
    throw error;
  }
}

const nextHopForm = 'host:port, unix:/path, lmtp:host:port or lmtp:unix:/path';

export const listenerShape = {
  protocol: word('smtp', 'lmtp', 'milter', 'policy'),
  address: text('host:port, [::1]:port, unix:/path or systemd:NAME', isListenAddress),
  position: word('after-queue', 'before-queue').default('after-queue'),
  next_hop: text(nextHopForm, isNextHop).optional(),
  backlog: count(1).default(511),
  xforward_from: z
    .array(
      text(
        'an address or a network such as "10.0.0.0/8"',
        (value) => addressList([value]) !== undefined,
      ),
    )
    .default(['127.0.0.0/8', '::1']),
  mode: setting('file permissions such as "0660"', (value) =>
    typeof value === 'string' && /^0?[0-7]{3}$/.test(value) ? parseInt(value, 8) : undefined,
  ).default(0o660),
  group: text('the name of a group, or its number', (value) =>
    /^[\w.-]{1,32}$/.test(value),
  ).optional(),
  quarantine: word('reject', 'hold').optional(),
  waiting_level: count(1).optional(),
  min_free: size(0).optional(),
};

/** Which keys are for which protocols, where not for all; and why. */
const only: readonly (readonly [keyof Table, readonly Protocol[], string])[] = [
  ['next_hop', ['smtp', 'lmtp'], 'no other door hands mail on'],
  ['quarantine', ['milter'], 'every other door keeps the message here, or refuses it'],
  ['waiting_level', ['policy'], 'every other door has it wait'],
  ['min_free', ['policy'], 'every other door finds out when it writes'],
];

export const listenerTable = z.strictObject(listenerShape).superRefine((table, context) => {
  const complain = (key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  for (const [key, protocols, why] of only) {
    if (table[key] === undefined || protocols.includes(table.protocol)) continue;
    complain(key, `is for ${protocols.join(' and ')}: ${why}`);
  }
  const handsOn = table.protocol === 'smtp' || table.protocol === 'lmtp';
  if (handsOn && table.next_hop === undefined) {
    complain('next_hop', `is missing; it must be ${nextHopForm}`);
  }
  if (table.position === 'before-queue' && table.protocol !== 'smtp') {
    complain('position', '"before-queue" is for smtp, which smtpd_proxy_filter speaks');
  }
});

type Table = z.output<z.ZodObject<typeof listenerShape>>;
type Protocol = Table['protocol'];

export function listenerOf(listener: Table): ListenerConfig {
  const { protocol, address, backlog, mode, group, quarantine = 'reject', position } = listener;
  const socket = { address, backlog, mode, ...(group !== undefined && { group }) };
  if (protocol === 'milter') return { ...socket, protocol, quarantine };
  if (protocol === 'policy') {
    const { waiting_level: waitingLevel = 100, min_free: freeBytesMin = 100 * MiB } = listener;
    return { ...socket, protocol, waitingLevel, freeBytesMin };
  }
  // The schema has seen to it that there is one.
  const nextHop = listener.next_hop ?? '';
  return { ...socket, protocol, position, nextHop, xforwardFrom: listener.xforward_from };
}
