/** TLS that somebody insists on, on the way to clamgate or back: clamgate speaks none. */
import { smtpListeners } from '../../daemon/config-listener.ts';
import { type Postfix, valueOf } from '../../postfix/installation.ts';
import type { Service } from '../../postfix/postconf.ts';
import { type Check, error, type Look, ofPostfix, ok } from '../check.ts';
import { reinjectionEntries } from '../reinjection.ts';
import { transportsToUs } from '../ways.ts';

/** postconf(5), smtp_tls_security_level and smtpd_tls_security_level: without TLS no mail. */
const mandatory = ['encrypt', 'dane-only', 'fingerprint', 'verify', 'secure'];

export const tlsChecks: readonly Check[] = [
  {
    id: 'postfix-tls',
    what: 'Postfix does not insist on TLS on the way to the filter',
    why: 'clamgate speaks no TLS: what main.cf asks of a relayhost puts all mail off on the way to the filter ("TLS is required, but was not offered").',
    mend: 'In the entry of the filter transport: -o smtp_tls_security_level=none and -o smtp_tls_wrappermode=no (lmtp_ for LMTP); clamgate postfix --apply does it.',
    see: 'postconf(5) smtp_tls_security_level, smtp_tls_wrappermode',
    look: ofPostfix((postfix, { config }) =>
      transportsToUs(postfix, smtpListeners(config)).map(({ transport }) =>
        tlsLook(postfix, transport, transport.command),
      ),
    ),
  },
  {
    id: 'reinjection-tls',
    what: 'the re-injection smtpd does not insist on TLS',
    why: 'clamgate speaks no TLS: an entry that asks for it refuses every message (530 5.7.0 Must issue a STARTTLS command first), and mail bounces that Postfix has accepted.',
    mend: 'In the re-injection entry: -o smtpd_tls_security_level=none; clamgate postfix --apply does it.',
    see: 'postconf(5) smtpd_tls_security_level, smtpd_tls_wrappermode',
    look: ofPostfix((postfix, { config }) =>
      reinjectionEntries(postfix, smtpListeners(config)).map((entry) =>
        tlsLook(postfix, entry, 'smtpd'),
      ),
    ),
  },
];

/** @param program whose parameters count: smtp, lmtp or smtpd. */
function tlsLook(postfix: Postfix, service: Service, program: string): Look {
  const of = (name: string): string => valueOf(postfix, service, `${program}_${name}`);
  const level = of('tls_security_level');
  const text = (name: string): string => `${service.name}: ${program}_${name} = ${of(name)}`;
  if (of('tls_wrappermode') === 'yes') return error(text('tls_wrappermode'));
  // Only where no level is set the older parameter counts.
  if (level === '' && of('enforce_tls') === 'yes') return error(text('enforce_tls'));
  return mandatory.includes(level)
    ? error(text('tls_security_level'))
    : ok(text('tls_security_level'));
}
