/** `clamgate update`: new signatures for one clamd after the other. The order of things is update/plan.ts. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import { assert } from '../assert.ts';
import { clamdConfFiles } from '../daemon/config-clamd-conf.ts';
import type { Config } from '../daemon/config.ts';
import { parseDuration } from '../daemon/config-units.ts';
import type { UpdateConfig } from '../daemon/config-update.ts';
import { Cancelled } from '../errors.ts';
import { type ClamdAddress, parseClamdAddress } from '../scan/clamd-address.ts';
import { nodeFiles, systemCode } from '../store/files.ts';
import { type LedgerLock, lockFile } from '../store/ledger-lock.ts';
import type { CliContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { SocketQuestions } from './update/clamd-questions.ts';
import { HttpControl } from './update/daemon-control.ts';
import { forecast } from './update/dry-run.ts';
import { updateLimits } from './update/limits.ts';
import { FoundClamds } from './update/local-clamds.ts';
import { LinuxMachine } from './update/machine.ts';
import type { UpdateParts } from './update/parts.ts';
import { ChildPrograms } from './update/programs.ts';
import { endText, exitCodeOf, stepText } from './update/report.ts';
import { UpdateRun } from './update/run.ts';
import { ClamdTrial } from './update/trial.ts';

export interface UpdateOptions {
  readonly window?: string;
  readonly reloadOnly?: true;
  readonly dryRun?: true;
}

/** Debian's and Ubuntu's; Fedora's and EL's; ClamAV's own. */
const freshclamConfFiles = [
  '/etc/clamav/freshclam.conf',
  '/etc/freshclam.conf',
  '/usr/local/etc/freshclam.conf',
];

/** @throws {CliFailure} temporary, when another update runs. */
export async function update(context: CliContext, options: UpdateOptions): Promise<void> {
  const config = await context.config();
  const settings = settingsOf(config.update, options);
  const calledOff = new Canceller();
  const parts = updateParts(context, { ...config, update: settings }, calledOff.signal);
  if (options.dryRun) {
    await tellForecast(context, parts);
    return;
  }
  const lock = await takeLock(settings.stateDirectory);
  const callOff = (): void => {
    calledOff.abort(new Cancelled('shutdown'));
  };
  process.on('SIGTERM', callOff).on('SIGINT', callOff);
  try {
    await run(context, parts);
  } finally {
    process.off('SIGTERM', callOff).off('SIGINT', callOff);
    lock.release();
  }
}

async function run(context: CliContext, parts: UpdateParts): Promise<void> {
  const updating = new UpdateRun(parts, (step) => {
    if (!context.json) context.print(stepText(step, context.clock.now()));
  });
  const report = await updating.run();
  context.exitCode = exitCodeOf(report);
  context.result(report, () => endText(report));
  // Where the steps go to a log of their own, this is what a mail of cron shows.
  if (context.exitCode !== exitCodes.ok) context.note(`clamgate update: ${endText(report)}`);
}

async function tellForecast(context: CliContext, parts: UpdateParts): Promise<void> {
  const lines = await forecast(parts);
  if (lines.some(({ stops }) => stops)) context.exitCode = exitCodes.temporary;
  context.result({ dryRun: true, steps: lines }, () =>
    lines
      .flatMap(({ about, would, advice }) => [
        `${about}: ${would}`,
        ...advice.map((one) => `  - ${one}`),
      ])
      .join('\n'),
  );
}

function settingsOf(update: UpdateConfig, { window, reloadOnly }: UpdateOptions): UpdateConfig {
  const windowMs = window === undefined ? update.windowMs : parseDuration(window);
  if (windowMs === undefined) {
    throw new CliFailure(
      exitCodes.usage,
      `--window must be a duration such as 1h, not "${window ?? ''}"`,
    );
  }
  return { ...update, windowMs, ...(reloadOnly && { source: 'none' }) };
}

/** All that an update of this machine is made of. */
export function updateParts(
  context: CliContext,
  config: Config,
  signal: CancelSignal,
  limits = updateLimits,
): UpdateParts {
  const { clock } = context;
  const machine = new LinuxMachine();
  const questions = new SocketQuestions(clock);
  const programs = new ChildPrograms(clock, limits);
  const { clamd, databaseDirectory, stateDirectory, checkMsMax } = config.update;
  const trial = new ClamdTrial({
    ...{ clock, programs, questions, limits, clamd, stateDirectory, databaseDirectory },
    loadMsMax: checkMsMax,
    isRoot: process.getuid?.() === 0,
  });
  return {
    ...{ clock, limits, machine, questions, programs, trial, signal, freshclamConfFiles },
    config: config.update,
    endpoints: inOrder(config).map(addressOf),
    random: Math.random,
    control: new HttpControl(config.control.address, limits.answerMs),
    clamds: new FoundClamds(machine, context.clamdConfFiles ?? clamdConfFiles),
  };
}

function inOrder({ clamd, update: { order } }: Config): string[] {
  return [...order, ...clamd.endpoints.filter((name) => !order.includes(name))];
}

function addressOf(name: string): ClamdAddress {
  const parsed = parseClamdAddress(name);
  assert(parsed.ok, 'the configuration has been checked');
  return parsed.address;
}

/** @throws {CliFailure} temporary, when another has it. @throws {OperationalError} STORE. */
async function takeLock(directory: string): Promise<LedgerLock> {
  try {
    mkdirSync(directory, { mode: 0o755 });
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') {
      throw new CliFailure(exitCodes.ioError, `${directory}: cannot be made`, { cause });
    }
  }
  const lock = await lockFile(nodeFiles, join(directory, 'lock'), 0);
  if (lock) return lock;
  throw new CliFailure(exitCodes.temporary, `another update runs (${join(directory, 'lock')})`);
}
