/** `clamgate doctor`: looks at the whole set-up, and says of what is wrong how to mend it. */
import type { Config } from '../daemon/config.ts';
import { ConfigError } from '../daemon/config-error.ts';
import type { Status } from '../daemon/control-status.ts';
import { examine, type Finding } from '../doctor/check.ts';
import { checks } from '../doctor/checks.ts';
import { gather, type Subject } from '../doctor/gather.ts';
import { type Host, systemHost } from '../doctor/host.ts';
import { findUser } from '../doctor/probes/user.ts';
import { messageOf } from '../errors.ts';
import type { CliContext } from './context.ts';
import { askControl } from './control-client.ts';
import { listenPlaces, type Unplaced } from './listen-places.ts';
import { counted, type Counts, doctorText } from './doctor-text.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

export interface DoctorOptions {
  /** Lists what is well, too. */
  readonly verbose?: true;
  /** Who the daemon runs as, where its unit does not tell. */
  readonly user?: string;
  /** config_directory of another Postfix instance. */
  readonly postfixDirectory?: string;
  /** Before the usual places. */
  readonly clamdConf?: readonly string[];
}

export interface Report {
  /** Whether nothing wrong was found; of what is unknown nothing is said by it. */
  readonly healthy: boolean;
  readonly isRoot: boolean;
  readonly counts: Counts;
  readonly findings: readonly Finding[];
}

/** From here on it is said what is being done. */
const longMs = 2000;

/**
 * Never throws for what it finds, or cannot find out.
 *
 * @throws {CliFailure} usage or noInput, for what was named and is not there.
 */
export async function doctor(context: CliContext, options: DoctorOptions): Promise<void> {
  const host = systemHost(context.clock);
  await checkNamed(host, options);
  const { findings, exitCode } = await looked(context, options);
  const counts = counted(findings);
  const healthy = counts.error + counts.warn === 0;
  const report: Report = { healthy, isRoot: host.uid === 0, counts, findings };
  context.result(report, () => doctorText(report, options.verbose === true));
  context.exitCode = exitCode ?? (healthy ? exitCodes.ok : exitCodes.negative);
}

/** A slip in a name would otherwise show as things that are not known, or not at all. */
async function checkNamed(host: Host, { user, clamdConf }: DoctorOptions): Promise<void> {
  for (const file of clamdConf ?? []) {
    await host.readText(file).catch((cause: unknown) => {
      throw new CliFailure(exitCodes.noInput, `--clamd-conf ${file}: ${messageOf(cause)}`, {
        cause,
      });
    });
  }
  if (user === undefined) return;
  await findUser(host, user).catch((cause: unknown) => {
    throw new CliFailure(exitCodes.usage, `--user ${user}: ${messageOf(cause)}`, { cause });
  });
}

interface Looked {
  readonly findings: readonly Finding[];
  readonly exitCode?: ExitCode;
}

async function looked(context: CliContext, options: DoctorOptions): Promise<Looked> {
  let config: Config;
  try {
    config = await context.config();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { findings: [unusable(error)], exitCode: exitCodes.config };
  }
  const host = systemHost(context.clock);
  const { config: placed, unplaced } = await listenPlaces(config, host.run);
  const lost = unplaced.map(({ address }) => address);
  const known = placed.listeners.filter(({ address }) => !lost.includes(address));
  const { clamdConfFiles } = await import('../daemon/config-clamd-conf.ts');
  const subject: Subject = {
    config: { ...placed, listeners: known },
    askDaemon: async () => (await askControl(config.control.address, '/status')) as Status,
    userName: options.user,
    postfixDirectory: options.postfixDirectory,
    clamdConfFiles: [...(options.clamdConf ?? []), ...clamdConfFiles],
  };
  const progress = new Progress(context);
  try {
    const facts = await gather(host, subject, (step) => {
      progress.at(step);
    });
    return { findings: [...unplaced.map(notFound), ...examine(checks, facts)] };
  } finally {
    progress.stop();
  }
}

/** A listener that nothing else can be said of. */
function notFound({ address, why }: Unplaced): Finding {
  return {
    id: 'listener-answers',
    severity: 'unknown',
    what: `${address}: ${why}`,
    why: 'What Postfix sends there, and whether it is answered, cannot be looked at.',
    mend: 'Write the address in place of the name, or install the unit.',
    see: 'systemd/README.md',
  };
}

/** Nothing else can be looked at then. */
function unusable({ message, file }: ConfigError): Finding {
  return {
    id: 'configuration',
    severity: 'error',
    what: message,
    why: 'The daemon does not start with it.',
    mend: `Mend ${file}; clamgate check-config names each line.`,
    see: 'clamgate.example.toml',
  };
}

/** On a terminal, and only when it takes long. */
class Progress {
  readonly #context: CliContext;
  readonly #timer: { cancel(): void };
  #step = '';
  #isLong = false;

  constructor(context: CliContext) {
    this.#context = context;
    this.#timer = context.clock.after(longMs, () => {
      this.#isLong = true;
      this.#tell();
    });
  }

  at(step: string): void {
    this.#step = step;
    if (this.#isLong) this.#tell();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #tell(): void {
    if (this.#context.stderr.isTTY === true) this.#context.note(`looking at ${this.#step} ...`);
  }
}
