/** What really answers at each address, and who can get there. */
import { type Check, error, type Look, noAnswer, ok, unknown, warn } from '../check.ts';
import type { DoorFacts, Facts } from '../facts.ts';

/** What Postfix uses towards a filter where it is announced (FILTER_README, XFORWARD_README). */
const listenerKeywords = ['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'PIPELINING', 'XFORWARD'];
/** What a message may need on its further way. */
const nextHopKeywords = ['8BITMIME', 'SMTPUTF8', 'DSN'];

export const addressChecks: readonly Check[] = [
  {
    id: 'listener-answers',
    what: 'clamgate answers at each of its listeners',
    why: 'A connection that is refused makes Postfix take the filter for dead and put all mail off for minutes.',
    mend: 'Start clamgate (systemctl start clamgate); where something else answers, change the address of one of them.',
    see: 'postconf(5) default_destination_concurrency_failed_cohort_limit',
    look: ({ listeners, isRoot }) => listeners.map((door) => answers(door, isRoot)),
  },
  {
    id: 'listener-keywords',
    what: 'each listener announces what Postfix needs of a filter',
    why: 'Without 8BITMIME Postfix rewrites messages, without SMTPUTF8 and DSN it bounces or degrades them, and without XFORWARD no retry is known again: then it is not clamgate that answers.',
    mend: 'See what listens there: ss -lntp.',
    see: 'https://www.postfix.org/FILTER_README.html, https://www.postfix.org/XFORWARD_README.html',
    look: ({ listeners }) => listeners.flatMap((door) => keywords(door, listenerKeywords)),
  },
  {
    id: 'listener-exposed',
    what: 'no listener can be reached from other machines',
    why: 'Whoever reaches a listener can send mail through it, past all restrictions of Postfix.',
    mend: 'Listen on 127.0.0.1, [::1] or a Unix socket.',
    see: 'clamgate.example.toml [[listener]] address',
    look: ({ listeners }) => listeners.flatMap((door) => exposure(door)),
  },
  {
    id: 'next-hop-answers',
    what: 'each next hop answers',
    why: 'While it does not all clean mail is put off (451 4.4.1).',
    mend: "Where it is Postfix's re-injection smtpd: have its entry in master.cf (clamgate postfix --diff) and reload Postfix.",
    see: 'https://www.postfix.org/FILTER_README.html',
    look: ({ nextHops, isRoot }) => nextHops.map((door) => answers(door, isRoot)),
  },
  {
    id: 'next-hop-keywords',
    what: 'each next hop announces 8BITMIME, SMTPUTF8 and DSN',
    why: 'clamgate announces them to Postfix: a message that needs 8BITMIME or SMTPUTF8 and cannot go on with it is refused (550 5.6.3, 5.6.7) and bounces; without DSN what a sender asks to be told is lost.',
    mend: 'At a re-injection smtpd: smtpd_discard_ehlo_keywords empty, smtputf8_enable=yes, disable_... left alone.',
    see: 'postconf(5) smtpd_discard_ehlo_keywords, smtputf8_enable; RFC 6152, RFC 6531, RFC 3461',
    look: ({ nextHops }) => nextHops.flatMap((door) => keywords(door, nextHopKeywords)),
  },
  {
    id: 'next-hop-exposed',
    what: 'the re-injection smtpd cannot be reached from other machines',
    why: 'It takes mail without looking at it: whoever reaches it delivers viruses, or relays.',
    mend: 'Name the loopback address in its entry of master.cf (127.0.0.1:10025 inet ...), or close the port to others.',
    see: 'master(5); https://www.postfix.org/FILTER_README.html',
    look: ({ nextHops }) => nextHops.flatMap((door) => exposure(door)),
  },
  {
    id: 'clamd-exposed',
    what: 'no clamd on this machine can be reached from others over TCP',
    why: 'clamd asks nobody who he is: whoever reaches it can SHUTDOWN it, or fill it with work.',
    mend: 'Set TCPAddr 127.0.0.1 in clamd.conf, or use LocalSocket alone; between machines let a firewall in only who is to scan.',
    see: 'clamd.conf(5) TCPAddr; clamd(8)',
    look: ({ clamd }: Facts) =>
      clamd.flatMap(({ endpoint, outside }) => exposed(endpoint, outside)),
  },
];

function answers({ address, flavour, extensions }: DoorFacts, isRoot: boolean): Look {
  return extensions.known
    ? ok(`${address} speaks ${flavour.toUpperCase()}`)
    : noAnswer(`${address} does not speak ${flavour.toUpperCase()}`, extensions.why, isRoot);
}

/** Where it does not answer at all, another check has said so. */
function keywords({ address, extensions }: DoorFacts, wanted: readonly string[]): Look[] {
  if (!extensions.known) return [];
  const missing = wanted.filter((keyword) => !extensions.value.has(keyword));
  if (missing.length === 0) return [ok(`${address}: ${wanted.join(', ')}`)];
  return [warn(`${address} does not announce ${missing.join(', ')}`)];
}

function exposure({ address, outside }: DoorFacts): Look[] {
  return exposed(address, outside);
}

function exposed(name: string, outside: DoorFacts['outside']): Look[] {
  if (outside === undefined) return [];
  if (!outside.known) return [unknown(`who can reach ${name}: ${outside.why}`)];
  if (outside.value.length === 0) return [ok(`${name}: only from this machine`)];
  return [error(`${name} takes connections at ${outside.value.join(', ')}`)];
}
