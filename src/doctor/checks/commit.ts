/** The commit question: configured on both sides, and asked through the real re-injection smtpd. */
import { smtpListeners } from '../../daemon/config-listener.ts';
import { isChrooted, type Postfix, valueOf } from '../../postfix/installation.ts';
import type { Service } from '../../postfix/postconf.ts';
import { type Check, error, type Look, ofPostfix, ok, unknown, warn } from '../check.ts';
import type { CommitTrial, Facts } from '../facts.ts';
import { policyServerOf, reinjectionEntries } from '../reinjection.ts';

export const commitChecks: readonly Check[] = [
  {
    id: 'commit-configured',
    what: 'a next hop of this Postfix asks before it commits ([commit])',
    why: 'Without the question nobody can tell, when the reply of the next hop is lost, whether it has the message: it may be delivered twice.',
    mend: 'README, "Closing the duplicate window": [commit] address, the witness, then clamgate postfix --apply.',
    see: 'README.md; docs/guarantees.md',
    look: ofPostfix((postfix, { config }) => {
      const entries = reinjectionEntries(postfix, smtpListeners(config));
      if (entries.length === 0 || !config.ledger.enabled) return [];
      return config.commit.address === undefined
        ? [warn('[commit] address is not set')]
        : [ok(config.commit.address)];
    }),
  },
  {
    id: 'commit-entry',
    what: 'the re-injection entry asks where clamgate listens for the question',
    why: 'An entry that does not ask leaves the duplicate window open; one that asks where nobody is takes no mail at all (451 4.3.5).',
    mend: 'clamgate postfix --diff shows the entry; a chrooted smtpd needs the path relative to queue_directory.',
    see: 'postconf(5) check_policy_service; docs/guarantees.md',
    look: ofPostfix((postfix, { config }) => {
      const { address } = config.commit;
      return reinjectionEntries(postfix, smtpListeners(config)).flatMap((entry) =>
        entryLook(postfix, entry, address),
      );
    }),
  },
  {
    id: 'commit-answers',
    what: 'asked through the real smtpd, clamgate answers the commit question',
    why: 'Configuration does not tell what a chrooted smtpd can reach. While it reaches nobody it takes no mail; while somebody else answers, nothing is decided by clamgate.',
    mend: 'Start clamgate; have the socket inside queue_directory, where everybody may connect to it; [commit] name must be that of the running daemon.',
    see: 'README.md, "Closing the duplicate window"',
    look: ({ commitTrials, nextHops }) =>
      commitTrials.filter((trial) => isUp(trial, nextHops)).map(trialLook),
  },
  {
    id: 'commit-default-action',
    what: 'a re-injection smtpd that cannot ask takes nothing',
    why: 'With another smtpd_policy_service_default_action than a 4xx it commits without an answer, or bounces mail.',
    mend: 'Leave smtpd_policy_service_default_action at "451 4.3.5 Server configuration problem".',
    see: 'postconf(5) smtpd_policy_service_default_action',
    look: ofPostfix((postfix, { config }) =>
      reinjectionEntries(postfix, smtpListeners(config))
        .filter((entry) => policyServerOf(postfix, entry) !== undefined)
        .map((entry) => {
          const action = valueOf(postfix, entry, 'smtpd_policy_service_default_action');
          const text = `${entry.name}: ${action}`;
          return /^(?:4\d\d|defer)\b/i.test(action) ? ok(text) : error(text);
        }),
    ),
  },
];

function entryLook(postfix: Postfix, entry: Service, address: string | undefined): Look[] {
  const server = policyServerOf(postfix, entry);
  if (address === undefined) {
    return server === undefined
      ? []
      : [warn(`${entry.name} asks ${server}, [commit] address is not set`)];
  }
  if (server === undefined) return [error(`${entry.name} does not ask`)];
  const queue = (postfix.main.get('queue_directory') ?? '').replace(/\/+$/, '');
  const chrooted = isChrooted(postfix, entry);
  const [, path] = /^unix:(.*)$/.exec(server) ?? [];
  const text = `${entry.name} asks ${server}${chrooted ? ', chrooted' : ''}, clamgate listens at ${address}`;
  if (path === undefined) return [isSameInet(server, address) ? ok(text) : error(text)];
  // Relative to the queue directory, which is also the root of one that is chrooted.
  const seen = path.startsWith('/') && !chrooted ? path : `${queue}/${path.replace(/^\/+/, '')}`;
  return [`unix:${seen}` === address ? ok(text) : error(text)];
}

function isSameInet(server: string, address: string): boolean {
  const plain = (text: string): string =>
    text.replace(/^inet:/, '').replace(/^localhost:/, '127.0.0.1:');
  return plain(server) === plain(address);
}

/** One that does not answer at all is told of by next-hop-answers. */
function isUp({ nextHop }: CommitTrial, nextHops: Facts['nextHops']): boolean {
  const address = nextHop.replace(/^(?:smtp|lmtp):/, '');
  return nextHops.some((one) => one.address === address && one.extensions.known);
}

/** commitActions.stale: what clamgate says of an attempt that it does not know. */
function trialLook({ nextHop, reply }: CommitTrial): Look {
  if (!reply.known) return unknown(`the commit question at ${nextHop}: ${reply.why}`);
  const { value } = reply;
  if (/^451 .*Stale attempt/.test(value)) return ok(`${nextHop} asks, and is answered`);
  if (value.startsWith('2')) {
    return error(`${nextHop} accepted a message that it may not have (${value})`);
  }
  return error(`${nextHop} says ${value}`, value.endsWith(' to MAIL') ? mendOfMail : undefined);
}

/** What refuses our MAIL refuses that of every message. */
const mendOfMail =
  'All mail that comes back meets this. See the other findings about its entry (reinjection-...), what smtpd_sender_restrictions and its TLS settings ask, and the room in the queue (queue_minfree).';
