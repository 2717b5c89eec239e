/** The way to the filter in main.cf and master.cf. The way back is reinjection.ts. */
import { addressList, isListed } from '../../daemon/config-address.ts';
import type { Config } from '../../daemon/config.ts';
import { type SmtpListenerConfig, smtpListeners } from '../../daemon/config-listener.ts';
import { type Postfix, valueOf } from '../../postfix/installation.ts';
import { type Check, error, type Look, ofPostfix, ok, unknown, warn } from '../check.ts';
import type { Facts } from '../facts.ts';
import { sourceAddress } from '../source-address.ts';
import { transportsToUs, type Way, waysToUs } from '../ways.ts';

const asPrinted =
  'clamgate postfix --diff shows what is missing, clamgate postfix --apply makes it.';

export const postfixChecks: readonly Check[] = [
  {
    id: 'postfix-readable',
    what: 'the configuration of Postfix can be read',
    why: 'What Postfix does can then not be checked at all.',
    mend: 'Run the doctor on the machine of Postfix; --postfix-directory names another instance.',
    see: 'postconf(1)',
    look: ({ postfix }) => [
      postfix.known
        ? ok(`${postfix.value.directory}, Postfix ${postfix.value.main.get('mail_version') ?? '?'}`)
        : unreadable(postfix.why),
    ],
  },
  {
    id: 'postfix-filter',
    what: 'the content_filter of main.cf leads to clamgate',
    why: 'Without it no mail is scanned. Where only an smtpd of master.cf has it, mail that is queued anew (postsuper -r) and mail of local users pass by.',
    mend: asPrinted,
    see: 'postconf(5) content_filter; docs/guarantees.md',
    look: ofPostfix((postfix, { config }) => {
      const listeners = behindQueue(config);
      return listeners.length === 0 ? [] : filterLooks(postfix, waysToUs(postfix, listeners));
    }),
  },
  {
    id: 'postfix-transport',
    what: 'the transport of content_filter is in master.cf, and speaks what its listener speaks',
    why: 'Without it all mail stays in the queue ("mail transport unavailable").',
    mend: asPrinted,
    see: 'master(5)',
    look: ofPostfix((postfix, { config }) =>
      waysToUs(postfix, behindQueue(config)).map(
        ({ transport, transportName, listener, filter }) => {
          if (transport === undefined) return error(`${transportName}/unix is not in master.cf`);
          // lmtp(8) knows this form of a destination; smtp(8) ends with a fatal error over it.
          if (transport.command === 'smtp' && filter.startsWith(`${transportName}:inet:`)) {
            return error(`content_filter = ${filter}: smtp(8) takes no "inet:"`);
          }
          const { command } = transport;
          return command === listener.protocol
            ? ok(`${transportName} is ${command}`)
            : error(
                `${transportName} is ${command}, the listener ${listener.address} speaks ${listener.protocol}`,
              );
        },
      ),
    ),
  },
  {
    id: 'postfix-xforward',
    what: 'Postfix tells the filter who the client was, and the queue id (XFORWARD)',
    why: 'Without the queue id several recipients of a message that is tried again cannot be told apart in time, and the log of the next hop knows only the filter.',
    mend: 'In the entry of the filter transport: -o smtp_send_xforward_command=yes (lmtp_ for LMTP).',
    see: 'https://www.postfix.org/XFORWARD_README.html; docs/guarantees.md',
    look: ofPostfix((postfix, facts) =>
      ofTransports(postfix, facts, ({ transport, listener }) => {
        const name = `${transport.command}_send_xforward_command`;
        const value = valueOf(postfix, transport, name);
        const text = `${transport.name}: ${name} = ${value}`;
        if (value !== 'yes') return warn(text);
        const source = sourceAddress(postfix, transport, listener.address);
        return source === undefined || mayForward(listener, source)
          ? ok(text)
          : warn(
              `${transport.name} connects from ${source}, which xforward_from does not name`,
              mendOfSource,
            );
      }),
    ),
  },
  {
    id: 'postfix-unchanged',
    what: 'a message reaches the filter as it came to Postfix',
    why: 'What Postfix rewrites on the way in is rewritten a second time on the way out, and breaks signatures (DKIM).',
    mend: 'In the entry of the filter transport: -o disable_mime_output_conversion=yes and -o smtp_generic_maps= (lmtp_ for LMTP).',
    see: 'https://www.postfix.org/FILTER_README.html',
    look: ofPostfix((postfix, facts) =>
      ofTransports(postfix, facts, ({ transport }) => {
        const maps = valueOf(postfix, transport, `${transport.command}_generic_maps`);
        if (maps !== '')
          return warn(`${transport.name}: ${transport.command}_generic_maps = ${maps}`);
        const conversion = valueOf(postfix, transport, 'disable_mime_output_conversion');
        return conversion === 'yes'
          ? ok(`${transport.name} changes nothing`)
          : warn(`${transport.name}: disable_mime_output_conversion = ${conversion}`);
      }),
    ),
  },
  {
    id: 'postfix-mapping',
    what: 'addresses are mapped behind the filter, and not before it as well',
    why: 'Mapped twice, a virtual alias is expanded before and after: recipients get a message twice.',
    mend: 'In main.cf: receive_override_options = no_address_mappings.',
    see: 'postconf(5) receive_override_options',
    look: ofPostfix((postfix, { config }) => {
      if (!waysToUs(postfix, behindQueue(config)).some(({ inMain }) => inMain)) return [];
      const value = postfix.main.get('receive_override_options') ?? '';
      const text = `receive_override_options = ${value}`;
      return [value.includes('no_address_mappings') ? ok(text) : warn(text)];
    }),
  },
  {
    id: 'queue-ids',
    what: 'Postfix uses each queue id once (enable_long_queue_ids)',
    why: 'clamgate knows a retry by its queue id, and the witness a queue file: a short one is used again, and a later message could be taken for an earlier one.',
    mend: 'In main.cf: enable_long_queue_ids = yes.',
    see: 'postconf(5) enable_long_queue_ids; docs/guarantees.md',
    look: ofPostfix((postfix, { config }) => {
      if (!config.ledger.enabled) return [];
      const value = postfix.main.get('enable_long_queue_ids') ?? '';
      const text = `enable_long_queue_ids = ${value}`;
      if (value === 'yes') return [ok(text)];
      return [config.commit.address === undefined ? warn(text) : error(text)];
    }),
  },
];

const mendOfSource =
  'In the entry of the filter transport: -o smtp_bind_address=127.0.0.1 (smtp_bind_address6=::1, lmtp_ for LMTP); or name the address in [[listener]] xforward_from.';

function mayForward({ xforwardFrom }: SmtpListenerConfig, source: string): boolean {
  const list = addressList(xforwardFrom);
  return list !== undefined && isListed(list, source);
}

/** What postconf cannot read Postfix cannot either. None at the usual place is one on another machine. */
function unreadable(why: string): Look {
  const isBroken =
    /\bfatal:/.test(why) && !/Permission denied|open \/etc\/postfix\/\S+: No such/.test(why);
  if (!isBroken) return unknown(why);
  const mend = 'Mend what postconf complains of: Postfix neither starts nor reloads with it.';
  return error(why, why.includes('No such file') ? undefined : mend);
}

/** A content_filter leads to these; the doors before the queue have other settings. */
function behindQueue(config: Config): SmtpListenerConfig[] {
  return smtpListeners(config).filter(({ position }) => position === 'after-queue');
}

function filterLooks(postfix: Postfix, ways: readonly Way[]): Look[] {
  const filter = postfix.main.get('content_filter') ?? '';
  if (ways.some(({ inMain }) => inMain)) return [ok(`content_filter = ${filter}`)];
  if (ways.length > 0) return [warn('it stands only at entries of master.cf')];
  return [error(filter === '' ? 'content_filter is not set' : `content_filter = ${filter}`)];
}

function ofTransports(
  postfix: Postfix,
  { config }: Facts,
  look: (way: ReturnType<typeof transportsToUs>[number]) => Look,
): Look[] {
  return transportsToUs(postfix, behindQueue(config)).map(look);
}
