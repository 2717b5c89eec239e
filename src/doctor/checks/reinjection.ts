/** The entry of master.cf that takes mail back from the filter. */
import { smtpListeners } from '../../daemon/config-listener.ts';
import { type Postfix, valueOf } from '../../postfix/installation.ts';
import type { Service } from '../../postfix/postconf.ts';
import { type Check, error, type Look, ofPostfix, ok, warn } from '../check.ts';
import { reinjectionEntries } from '../reinjection.ts';

const asPrinted =
  'clamgate postfix --diff shows what is missing, clamgate postfix --apply makes it.';

export const reinjectionChecks: readonly Check[] = [
  {
    id: 'reinjection-loop',
    what: 'what comes back from the filter is not filtered again',
    why: 'With a content_filter of its own mail goes round until it has too many Received lines, and bounces.',
    mend: 'In the re-injection entry: -o content_filter= (and -o smtpd_proxy_filter=).',
    see: 'https://www.postfix.org/FILTER_README.html',
    look: ofEntries((postfix, entry) => {
      const set = ['content_filter', 'smtpd_proxy_filter'].filter(
        (name) => valueOf(postfix, entry, name) !== '',
      );
      const [first] = set;
      return first === undefined
        ? ok(`${entry.name}: no filter`)
        : error(`${entry.name}: ${first} = ${valueOf(postfix, entry, first)}`);
    }),
  },
  {
    id: 'reinjection-overrides',
    what: 'what comes back has its addresses mapped, and is not checked again',
    why: 'Where the entry takes receive_override_options of main.cf (no_address_mappings) no alias is ever expanded; where milters and header checks run again, mail is signed twice, or refused after it was accepted.',
    mend: 'In the re-injection entry: -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters.',
    see: 'postconf(5) receive_override_options; https://www.postfix.org/FILTER_README.html',
    look: ofEntries(overrides),
  },
  {
    id: 'reinjection-restrictions',
    what: 'the entry takes mail of this machine and of nobody else',
    why: 'Restrictions of main.cf that hold here refuse mail that Postfix has accepted, and it bounces; without "reject" at the end it takes mail of everybody.',
    mend: asPrinted,
    see: 'postconf(5) smtpd_recipient_restrictions',
    look: ofEntries(restrictions),
  },
  {
    id: 'reinjection-xforward',
    what: 'the entry lets clamgate say who the client was (XFORWARD)',
    why: 'Otherwise the log knows only 127.0.0.1.',
    mend: 'In the re-injection entry: -o smtpd_authorized_xforward_hosts=127.0.0.0/8,[::1]/128.',
    see: 'https://www.postfix.org/XFORWARD_README.html',
    look: ofPostfix((postfix, { config, nextHops }) =>
      nextHops.flatMap(({ address, extensions }) => {
        const isEntry = reinjectionEntries(postfix, [{ nextHop: address }]).length > 0;
        if (!isEntry || !extensions.known || !smtpListeners(config).some(hasXforward)) return [];
        return [
          extensions.value.has('XFORWARD')
            ? ok(`${address} announces it`)
            : warn(`${address} does not announce it to us`),
        ];
      }),
    ),
  },
  {
    id: 'reinjection-errors',
    what: 'the entry does not count what it refuses against clamgate',
    why: 'One session carries many messages: a few refused recipients would slow it down (smtpd_soft_error_limit) or end it (smtpd_hard_error_limit).',
    mend: asPrinted,
    see: 'postconf(5) smtpd_hard_error_limit, smtpd_error_sleep_time',
    look: ofEntries((postfix, entry) => {
      const limit = Number(valueOf(postfix, entry, 'smtpd_hard_error_limit'));
      const text = `${entry.name}: smtpd_hard_error_limit = ${limit}`;
      return limit >= 100 ? ok(text) : warn(text);
    }),
  },
];

/** A peer that may not is told so by us already. */
function hasXforward({ xforwardFrom }: { readonly xforwardFrom: readonly string[] }): boolean {
  return xforwardFrom.length > 0;
}

function ofEntries(look: (postfix: Postfix, entry: Service) => Look): Check['look'] {
  return ofPostfix((postfix, { config }) =>
    reinjectionEntries(postfix, smtpListeners(config)).map((entry) => look(postfix, entry)),
  );
}

function overrides(postfix: Postfix, entry: Service): Look {
  const value = valueOf(postfix, entry, 'receive_override_options');
  const text = `${entry.name}: receive_override_options = ${value}`;
  if (value.includes('no_address_mappings')) return error(text);
  const noMilters = value.includes('no_milters') || valueOf(postfix, entry, 'smtpd_milters') === '';
  const noChecks =
    value.includes('no_header_body_checks') ||
    ['header_checks', 'body_checks', 'mime_header_checks', 'nested_header_checks'].every((name) =>
      /^(?:|\$header_checks)$/.test(postfix.main.get(name) ?? ''),
    );
  return noMilters && noChecks && value.includes('no_unknown_recipient_checks')
    ? ok(text)
    : warn(text);
}

function restrictions(postfix: Postfix, entry: Service): Look {
  const inherited = ['client', 'helo', 'sender', 'relay', 'data'].filter(
    (kind) => !isHarmless(valueOf(postfix, entry, `smtpd_${kind}_restrictions`)),
  );
  const recipient = valueOf(postfix, entry, 'smtpd_recipient_restrictions');
  const isClosed = /permit_mynetworks[\s,]+reject\s*$/.test(recipient);
  const relay = valueOf(postfix, entry, 'smtpd_relay_restrictions');
  const isRelayClosed = /permit_mynetworks[\s,].*(?:reject|defer)\w*\s*$/.test(relay);
  if (!isClosed && !isRelayClosed) {
    return error(`${entry.name}: smtpd_recipient_restrictions = ${recipient}`);
  }
  if (inherited.length > 0) {
    const names = inherited.map((kind) => `smtpd_${kind}_restrictions`);
    return warn(`${entry.name} checks again: ${names.join(', ')}`);
  }
  return ok(`${entry.name}: ${recipient}`);
}

/** Refuses nothing of this machine: what stands behind permit_mynetworks it never meets. */
function isHarmless(value: string): boolean {
  return value === '' || /^permit_mynetworks\b/.test(value) || value === 'permit';
}
