/** Whether each clamd answers, finds what it must find, and has signatures that are new enough. */
import { classify } from '../../protocol/clamd/signature.ts';
import { type Check, error, ifKnown, type Look, noAnswer, ok, unknown, warn } from '../check.ts';
import type { CanaryAnswer, ClamdFacts, Facts } from '../facts.ts';
import { isOn } from './clamd-values.ts';

const day = 86_400_000;
/** ClamAV publishes them daily; and warns of those that are older than seven days. */
const staleMs = 3 * day;
const outdatedMs = 7 * day;

export const clamdChecks: readonly Check[] = [
  {
    id: 'clamd-answers',
    what: 'each clamd answers PING',
    why: 'While no clamd answers all mail is put off (451 4.7.1); while some do, those have all the work.',
    mend: 'Start it and look into its log; it takes minutes to load its signatures. While it loads or reloads it may take connections and say nothing.',
    see: 'clamd(8)',
    look: ({ clamd, isRoot }) =>
      clamd.map((one) => {
        const { endpoint, pong } = one;
        if (!pong.known) return silentLook(one, pong.why, { clamd, isRoot });
        if (pong.value === 'PONG') return ok(`${endpoint} answers`);
        return error(`${endpoint} answers PING with ${JSON.stringify(pong.value)}: it is no clamd`);
      }),
  },
  {
    id: 'clamd-canary',
    what: 'each clamd finds the EICAR test file, and nothing in harmless bytes',
    why: 'A clamd that finds nothing in EICAR has no signatures worth the name: it calls every virus clean.',
    mend: 'Run freshclam, look at DatabaseDirectory in clamd.conf, and restart clamd.',
    see: 'freshclam(1); https://www.eicar.org',
    look: ({ clamd }) =>
      answering(clamd).flatMap(({ endpoint, canary }) =>
        ifKnown(canary, `the canary at ${endpoint}`, (answer) => judged(endpoint, answer)),
      ),
  },
  {
    id: 'clamd-second-opinion',
    what: 'another client (clamdjs) hears the same from clamd over TCP',
    why: 'When two clients that share no code disagree, one of them misunderstands clamd, or something between changes what is sent.',
    mend: 'Look at what stands between: a proxy, a load balancer, a firewall that scans.',
    see: 'docs/decisions/0001-instream.md',
    look: ({ clamd }) =>
      clamd.flatMap(({ endpoint, canary, secondOpinion }) => {
        if (secondOpinion === undefined || !canary.known) return [];
        return ifKnown(secondOpinion, `the second opinion on ${endpoint}`, (other) =>
          isSame(canary.value, other)
            ? ok(`${endpoint}: the same`)
            : error(`${endpoint}: "${canary.value.eicar}" and "${other.eicar}" of EICAR`),
        );
      }),
  },
  {
    id: 'clamd-limit-alerts',
    what: 'each clamd says when it reaches one of its limits (AlertExceedsMax)',
    why: 'Without it clamd says OK about what it did not look at inside archives, PDFs and office documents: too deep, too many, too large.',
    mend: 'Set "AlertExceedsMax yes" in clamd.conf and restart clamd.',
    see: 'clamd.conf(5) AlertExceedsMax; docs/architecture.md',
    look: ({ clamd, config }) =>
      answering(clamd).flatMap(({ endpoint, limitAlerts }) =>
        ifKnown(limitAlerts, `whether ${endpoint} tells of its limits`, (alerts) => {
          const end = `[rules] limits_silent = "${config.rules['limits-silent']}"`;
          if (alerts === 'on') return ok(`${endpoint} tells of its limits`);
          if (alerts === 'silent') return warn(`${endpoint} is silent about its limits (${end})`);
          return unknown(`whether ${endpoint} tells of its limits: its answer was neither`);
        }),
      ),
  },
  {
    id: 'clamd-encrypted-alerts',
    what: 'where encrypted parts are stopped, clamd tells of those inside archives',
    why: 'clamgate sees that a part is encrypted, and clamd alone sees it of a file inside an archive: with its alert off such a file passes as clean.',
    mend: 'Set "AlertEncrypted yes" in clamd.conf and restart clamd, or leave [rules] encrypted at "tag".',
    see: 'clamd.conf(5) AlertEncrypted',
    look: ({ clamd, config: { rules } }) => {
      if (rules.encrypted === 'pass' || rules.encrypted === 'tag') {
        return [ok(`[rules] encrypted = "${rules.encrypted}" lets them through, and says so`)];
      }
      return clamd.flatMap(({ endpoint, conf }) => {
        if (conf?.known !== true) return [];
        const isTold =
          isOn(conf.value, 'AlertEncrypted') || isOn(conf.value, 'AlertEncryptedArchive');
        return isTold ? ok(`${endpoint} tells of them`) : warn(`${endpoint} is silent about them`);
      });
    },
  },
  {
    id: 'signature-age',
    what: 'the signatures of each clamd are of these days',
    why: 'Most malware is days old: a clamd with old signatures finds little, and says OK.',
    mend: 'See why freshclam does not bring new ones: its log, its timer or daemon, the way to database.clamav.net.',
    see: 'freshclam(1), freshclam.conf(5)',
    look: ({ clamd, now }) =>
      answering(clamd).flatMap(({ endpoint, version }) =>
        ifKnown(version, `the signatures of ${endpoint}`, ({ text, database }) =>
          database
            ? aged(`${endpoint}: ${text}`, now - database.built)
            : unknown(`the signatures of ${endpoint}: "${text}" names no database of ClamAV's`),
        ),
      ),
  },
  {
    id: 'clock-signatures',
    what: 'no signatures were made in the future',
    why: 'Then the clock of this machine or of that clamd is wrong, and the age of signatures says nothing.',
    mend: 'Set the clock: timedatectl set-ntp true.',
    see: 'timedatectl(1)',
    look: ({ clamd, now }) =>
      clamd.flatMap(({ endpoint, version }) => {
        const database = version.known ? version.value.database : undefined;
        if (database === undefined) return [];
        const ahead = database.built - now;
        // VERSION tells the local time of clamd's machine, which may be another zone.
        return [
          ahead < day
            ? ok(`${endpoint}: before now`)
            : error(`${endpoint}: ${Math.ceil(ahead / day)} days ahead of this clock`),
        ];
      }),
  },
  {
    id: 'signature-skew',
    what: 'all clamds have the same signatures and engine',
    why: 'The same message is then infected or clean by chance, and no answer can be kept (the cache is off).',
    mend: 'Update all of them in one go.',
    see: 'docs/decisions/0004-verdict-cache.md',
    look: skew,
  },
];

/** Those that answer: of the others clamd-answers tells. */
function answering(clamd: readonly ClamdFacts[]): readonly ClamdFacts[] {
  return clamd.filter(({ pong }) => pong.known && pong.value === 'PONG');
}

function judged(endpoint: string, { eicar, harmless }: CanaryAnswer): Look {
  const name = /^stream: (\S(?:.*\S)?) FOUND$/.exec(eicar)?.[1];
  if (name === undefined || classify(name) !== 'infected') {
    const says = eicar === 'stream: OK' ? 'calls EICAR clean' : `says "${eicar}" of EICAR`;
    return error(`${endpoint} ${says}`);
  }
  if (harmless !== 'stream: OK') return error(`${endpoint} says "${harmless}" of harmless bytes`);
  return ok(`${endpoint} finds it (${name})`);
}

function isSame(one: CanaryAnswer, other: CanaryAnswer): boolean {
  return one.eicar === other.eicar && one.harmless === other.harmless;
}

function aged(what: string, ms: number): Look {
  const days = Math.floor(ms / day);
  const text = `${what}, ${Math.max(0, days)} days old`;
  if (ms > outdatedMs) return error(text);
  return ms > staleMs ? warn(text) : ok(text);
}

function skew({ clamd }: Facts): readonly Look[] {
  const versions = clamd.flatMap(({ version }) => (version.known ? version.value.text : []));
  if (versions.length < 2) return [];
  const different = [...new Set(versions)];
  return [
    different.length === 1
      ? ok(`all ${versions.length}: ${different[0] ?? ''}`)
      : warn(`they differ: ${different.join('; ')}`),
  ];
}

/** With what runs in its place: one that loads has no socket yet, and one may listen elsewhere. */
function silentLook(
  { endpoint, running = [] }: ClamdFacts,
  why: string,
  { clamd, isRoot }: Pick<Facts, 'clamd' | 'isRoot'>,
): Look {
  const look = noAnswer(`${endpoint} does not answer`, why, isRoot);
  const own = running.find(({ isAsked }) => isAsked);
  if (own !== undefined) {
    const words = `${look.what}; but process ${own.pid} is a clamd that is to listen there (${own.file})`;
    return { ...look, what: words, mend: mendOfLoading };
  }
  const asked = new Set(clamd.map((one) => one.endpoint));
  const others = running.filter(
    ({ listensAt }) => listensAt.length > 0 && !listensAt.some((at) => asked.has(at)),
  );
  if (others.length === 0) return look;
  const words = others.map(({ file, listensAt }) => `${listensAt.join(' and ')} (${file})`);
  return {
    ...look,
    what: `${look.what}; a clamd runs that is to listen at ${words.join('; another at ')}`,
    mend: 'Have [clamd] endpoints name where it listens, or LocalSocket in its clamd.conf what they name.',
  };
}

const mendOfLoading =
  'Wait: it loads or reloads its signatures, which takes minutes. Where that does not end its log tells why; then restart it.';
