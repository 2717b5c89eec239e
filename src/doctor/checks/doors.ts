/** Whether Postfix knows of our doors before the queue. The way to the filter behind it is postfix.ts. */
import { isLoopback } from '../../daemon/config-address.ts';
import type { Config } from '../../daemon/config.ts';
import type { ListenerConfig } from '../../daemon/config-listener.ts';
import { type Postfix, valueOf } from '../../postfix/installation.ts';
import type { Service } from '../../postfix/postconf.ts';
import { type Check, error, type Look, ofPostfix, ok, warn } from '../check.ts';

const asPrinted = 'clamgate postfix prints what main.cf and master.cf need for this configuration.';

export const doorChecks: readonly Check[] = [
  {
    id: 'postfix-proxy',
    what: 'an smtpd of Postfix has each listener before the queue for its smtpd_proxy_filter',
    why: 'Without it no mail comes to that listener, and none is scanned there.',
    mend: asPrinted,
    see: 'https://www.postfix.org/SMTPD_PROXY_README.html; docs/postfix.md',
    look: ofPostfix((postfix, { config }) =>
      listenersOf(config, isBeforeQueue).map(({ address }) => {
        const user = postfix.services.find((service) => {
          const filter = valueOf(postfix, service, 'smtpd_proxy_filter');
          return service.command === 'smtpd' && isNamedIn(filter, address, postfix);
        });
        if (user) return ok(`${user.name}/${user.type} asks ${address}`);
        return error(`no smtpd has smtpd_proxy_filter = ${address}`);
      }),
    ),
  },
  {
    id: 'postfix-milter',
    what: 'smtpd_milters names each of our Milters, and mail waits while it cannot be asked',
    why: 'Without it mail comes in unscanned; with milter_default_action = accept it does so whenever clamgate is away.',
    mend: asPrinted,
    see: 'https://www.postfix.org/MILTER_README.html; docs/postfix.md',
    look: ofPostfix((postfix, { config }) =>
      listenersOf(config, ({ protocol }) => protocol === 'milter').map(({ address }, _, all) =>
        milterLook(
          postfix,
          address,
          all.map((one) => one.address),
        ),
      ),
    ),
  },
  {
    id: 'postfix-policy',
    what: 'a list of restrictions asks our policy service (check_policy_service)',
    why: 'Without it nobody is told to come later while nothing can be scanned.',
    mend: 'Put check_policy_service with its address into smtpd_recipient_restrictions, behind reject_unauth_destination.',
    see: 'https://www.postfix.org/SMTPD_POLICY_README.html; docs/postfix.md',
    look: ofPostfix((postfix, { config }) =>
      listenersOf(config, ({ protocol }) => protocol === 'policy').map(({ address }) => {
        const lists = restrictionsOf(postfix);
        return lists.some((list) => isNamedIn(list, address, postfix))
          ? ok(`${address} is asked`)
          : warn(`no restriction asks ${address}`);
      }),
    ),
  },
];

function listenersOf(
  { listeners }: Config,
  isMeant: (listener: ListenerConfig) => boolean,
): readonly ListenerConfig[] {
  return listeners.filter(isMeant);
}

function isBeforeQueue(listener: ListenerConfig): boolean {
  return 'position' in listener && listener.position === 'before-queue';
}

/** @param ours all our Milters: an entry may ask another of them. */
function milterLook(postfix: Postfix, address: string, ours: readonly string[]): Look {
  const lists = [undefined, ...postfix.services].map((one) =>
    valueOf(postfix, one, 'smtpd_milters'),
  );
  if (!lists.some((list) => isNamedIn(list, address, postfix))) {
    return error(`smtpd_milters does not name ${address}`);
  }
  const action = postfix.main.get('milter_default_action') ?? '';
  const text = `smtpd_milters has ${address}, milter_default_action = ${action}`;
  if (action === 'accept') return error(text);
  const passing = milterless(postfix, ours);
  return passing.length === 0
    ? ok(text)
    : warn(
        `${passing.join(', ')} of master.cf: mail that comes there is asked of no Milter of ours`,
        'In that entry: remove -o smtpd_milters, or name the Milter there, too.',
      );
}

/** Where mail comes in with another list; what a filter gives back at a loopback address was asked about. */
function milterless(postfix: Postfix, ours: readonly string[]): string[] {
  const isDoor = ({ name, type, command }: Service): boolean =>
    command === 'smtpd' && (type === 'pass' || !isLoopback(name.slice(0, name.lastIndexOf(':'))));
  return postfix.services
    .filter(isDoor)
    .filter((one) => !valueOf(postfix, one, 'receive_override_options').includes('no_milters'))
    .filter((one) => {
      const list = valueOf(postfix, one, 'smtpd_milters');
      return !ours.some((address) => isNamedIn(list, address, postfix));
    })
    .map(({ name, type }) => `${name}/${type}`);
}

/** Of main.cf and of each entry of master.cf. */
function restrictionsOf({ main, services }: Postfix): string[] {
  const isList = ([name]: [string, string]): boolean => /^smtpd_\w+_restrictions$/.test(name);
  const all = [main, ...services.map(({ options }) => options)];
  return all.flatMap((settings) => [...settings].filter(isList).map(([, value]) => value));
}

/** A Unix socket may be named by its path below the queue directory, where smtpd is at home. */
function isNamedIn(text: string, address: string, { main }: Postfix): boolean {
  const home = `unix:${main.get('queue_directory') ?? '/var/spool/postfix'}/`;
  const forms = address.startsWith('unix:')
    ? [address, address.replace(home, 'unix:')]
    : [address, `inet:${address}`];
  return text
    .split(/[\s,{}]+/)
    .some((word) => forms.includes(word.replace(/^inet:localhost:/, 'inet:127.0.0.1:')));
}
