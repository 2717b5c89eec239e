/**
 * `make chaos`: real Postfix on both sides, real clamd, and faults while mail goes through; every
 * message is counted at the far end. Progress goes to standard error, the tables to standard output;
 * exit status 1 if clamgate breaks a promise or a scenario cannot be played to its end.
 */
import { env, exit, stderr, stdout } from 'node:process';
import { missing } from '../support/programs.ts';
import { checkpointScenarios } from './checkpoint-scenarios.ts';
import { clamdScenarios } from './clamd-scenarios.ts';
import { missingInBuild } from './clamgate-filter.ts';
import type { FilterName } from './filter.ts';
import { doorScenarios } from './door-scenarios.ts';
import { filterScenarios } from './filter-scenarios.ts';
import { ledgerScenarios } from './ledger-scenarios.ts';
import { nextHopScenarios } from './next-hop-scenarios.ts';
import { type Options, optionsOf } from './options.ts';
import { play, type Result } from './play.ts';
import { poolScenarios } from './pool-scenarios.ts';
import { reportOf } from './report.ts';
import { requeueScenarios } from './requeue-scenarios.ts';
import { witnessScenarios } from './witness-scenarios.ts';

const scenarios = [
  ...clamdScenarios,
  ...poolScenarios,
  ...filterScenarios,
  ...nextHopScenarios,
  ...requeueScenarios,
  ...witnessScenarios,
  ...ledgerScenarios,
  ...checkpointScenarios,
  ...doorScenarios,
];

async function chaos(options: Options): Promise<readonly Result[]> {
  const { short, only, peers } = options;
  const filters: readonly FilterName[] = peers
    ? ['clamgate', 'amavisd-new', 'clamsmtp']
    : ['clamgate'];
  const chosen = scenarios.filter(
    ({ name, longOnly }) => only.test(name) && !(short && longOnly === true),
  );
  const results: Result[] = [];
  for (const scenario of chosen) {
    for (const filter of filters) {
      const tell = progress(`${filter}, ${scenario.name}`);
      tell(scenario.faults);
      const result = await play(scenario, filter, options, tell);
      tell(summary(result));
      results.push(result);
    }
  }
  return results;
}

function summary(result: Result): string {
  if (result.kind !== 'played') return `${result.kind}: ${result.why}`;
  const { sent, once, stopped, lost, twice, unscanned } = result.tally;
  const counts = `${sent} sent, ${once} once, ${stopped} stopped, ${lost} lost, ${twice} twice, ${unscanned} infected delivered`;
  return [counts, ...result.broken.map((what) => `BROKEN: ${what}`)].join('; ');
}

function progress(what: string): (text: string) => void {
  return (text) => {
    const time = new Date().toISOString().slice(11, 19);
    stderr.write(`${time} ${what}: ${text}\n`);
  };
}

function failed(result: Result): boolean {
  return result.kind === 'failed' || (result.kind === 'played' && result.broken.length > 0);
}

/** What is missing for all of it. */
function obstacle({ peers, ledger }: Options): string | undefined {
  const peerPrograms = peers ? ['amavisd', 'clamsmtpd'] : [];
  const absent = missing(['root', 'postfix', 'clamd', ...peerPrograms]);
  return absent.length > 0 ? `missing: ${absent.join(', ')}` : missingInBuild(ledger);
}

const options = optionsOf(env);
const why = obstacle(options);
if (why !== undefined) {
  stderr.write(`chaos: ${why}\n`);
  exit(1);
}
stderr.write(`SEED=${options.seed}\n`);
const results = await chaos(options);
stdout.write(`\n${reportOf(results, options)}`);
// What a killed program has left open must not keep us.
exit(results.some(failed) ? 1 : 0);
