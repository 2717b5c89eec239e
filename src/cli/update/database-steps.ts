/** The steps that concern the signatures, before any endpoint is touched. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readClamdConf } from '../../daemon/config-clamd-conf.ts';
import { systemCode } from '../../store/files.ts';
import { databaseNumber, fingerprint, listDatabases } from './databases.ts';
import { install, overlay, type SetApart, setApart } from './delivered.ts';
import { reloadFacts } from './local-clamds.ts';
import { judge, judgementText } from './memory.ts';
import type { StepResult, UpdateParts } from './parts.ts';
import { pause } from './pause.ts';
import { lastLines, runProgram } from './programs.ts';
import type { Version } from './version.ts';

export class DatabaseSteps {
  readonly #parts: UpdateParts;
  #apart: SetApart | undefined;
  #trialMs: number | undefined;

  constructor(parts: UpdateParts) {
    this.#parts = parts;
  }

  /** How long the signatures took to load when they were tried; undefined where they were not. */
  get trialMs(): number | undefined {
    return this.#trialMs;
  }

  async wait(): Promise<StepResult> {
    const { config, clock, random, signal } = this.#parts;
    if (config.windowMs === 0) return { outcome: 'none', text: 'at once' };
    const ms = Math.floor(random() * config.windowMs);
    await pause(clock, ms, signal);
    return { outcome: 'done', text: `${Math.round(ms / 1000)} s, by lot` };
  }

  async bring(): Promise<StepResult> {
    const { config } = this.#parts;
    if (config.source === 'freshclam') return this.#freshclam();
    if (config.source === 'delivered') return this.#delivered(config.deliveredDirectory ?? '');
    return { outcome: 'none', text: 'what is there is loaded anew' };
  }

  async look(): Promise<StepResult> {
    const { endpoints, questions, limits, config, signal } = this.#parts;
    const versions = await Promise.all(
      endpoints.map((address) => questions.version(address, limits.answerMs, signal)),
    );
    const number = await databaseNumber(config.databaseDirectory);
    const have = endpoints.map(({ name }, at) => `${name} ${haveText(versions[at])}`).join(', ');
    const text = `${config.databaseDirectory} has ${number ?? 'no number'}; ${have}`;
    const isNews = config.source === 'none' || (await this.#isNews(versions, number));
    if (isNews) return { outcome: 'done', text, advice: this.#hints() };
    return { outcome: 'none', text: `nothing new since the last update: ${text}` };
  }

  async check(): Promise<StepResult> {
    const { config, trial, signal } = this.#parts;
    if (config.check === 'no') return { outcome: 'none', text: 'not checked ([update] check)' };
    const obstacle = await this.obstacle();
    if (obstacle !== undefined) return this.#unchecked(obstacle);
    const conf = this.#local().find((one) => one.process)?.conf;
    const result = await trial.run(await this.#candidate(), conf, signal);
    if (result.kind === 'unknown') return this.#unchecked(result.why);
    if (result.kind === 'bad') {
      return { outcome: 'refused', text: result.why, advice: this.#badAdvice() };
    }
    this.#trialMs = result.tookMs;
    return { outcome: 'done', text: `they load, and know EICAR: ${result.version.words}` };
  }

  /** Why the signatures cannot be tried; undefined where they can. */
  async obstacle(): Promise<string | undefined> {
    const { machine, config } = this.#parts;
    if ((await this.#fingerprint()) === undefined) {
      return `there is no ${config.databaseDirectory} on this machine`;
    }
    const sizes = this.#local().flatMap(({ process }) =>
      process ? [process.residentBytes + process.swapBytes] : [],
    );
    if (sizes.length === 0) return 'no clamd runs here whose size tells how much memory it takes';
    const availableBytes = machine.availableBytes();
    if (availableBytes === undefined) return 'the system does not say how much memory there is';
    const judgement = judge(
      'trial',
      Math.max(...sizes),
      { availableBytes },
      config.memoryReserveBytes,
    );
    return judgement.kind === 'fits' ? undefined : `it ${judgementText(judgement)}`;
  }

  async install(): Promise<StepResult> {
    if (!this.#apart) return { outcome: 'none', text: 'nothing to install' };
    const { databaseDirectory } = this.#parts.config;
    await install(this.#apart, databaseDirectory);
    return { outcome: 'done', text: `${this.#apart.names.join(', ')} to ${databaseDirectory}` };
  }

  /** Every endpoint has loaded what is there now. */
  async remember(): Promise<void> {
    const print = await this.#fingerprint();
    if (print !== undefined) await writeFile(this.#stamp, `${print}\n`);
  }

  get #stamp(): string {
    return join(this.#parts.config.stateDirectory, 'loaded');
  }

  async #freshclam(): Promise<StepResult> {
    const { config, programs, clock, signal } = this.#parts;
    const within = { clock, ms: config.freshclamMsMax };
    const { code, output, problem } = await runProgram(
      programs.start(config.freshclam),
      within,
      signal,
    );
    const words = lastLines(output, 2);
    // freshclam(1): 0 is up to date, or updated.
    if (code === 0 && problem === undefined) return { outcome: 'done', text: words };
    const how = problem ?? `freshclam ended with ${code ?? 'no code'}`;
    const advice = /locked by another process/i.test(output)
      ? ['another freshclam runs: systemctl disable --now clamav-freshclam (docs/signatures.md)']
      : ['no clamd was touched; freshclam(1) has the meaning of the code'];
    return { outcome: 'failed', text: `${how}: ${words}`, advice };
  }

  async #delivered(from: string): Promise<StepResult> {
    const { config, limits } = this.#parts;
    const apart = join(config.stateDirectory, 'delivered');
    const max = limits.deliveredBytesMax;
    this.#apart = await setApart(from, config.databaseDirectory, apart, max);
    if (!this.#apart) return { outcome: 'none', text: `${from} has nothing that is not installed` };
    return { outcome: 'done', text: `${this.#apart.names.join(', ')} from ${from}` };
  }

  async #isNews(
    versions: readonly (Version | undefined)[],
    number: number | undefined,
  ): Promise<boolean> {
    if (this.#apart) return true;
    const last = await readFile(this.#stamp, 'utf8').catch(() => '');
    const print = await this.#fingerprint();
    if (print === undefined || last !== `${print}\n`) return true;
    const isBehind = (version: Version): boolean =>
      version.isHollow || (number !== undefined && version.database !== number);
    return versions.some((version) => version && isBehind(version));
  }

  async #fingerprint(): Promise<string | undefined> {
    try {
      return fingerprint(await listDatabases(this.#parts.config.databaseDirectory));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #local() {
    const { endpoints, clamds } = this.#parts;
    return endpoints.flatMap((address) => clamds.find(address) ?? []);
  }

  /** The directory that loads as clamd's own will when all is installed. */
  async #candidate(): Promise<string> {
    const { databaseDirectory, stateDirectory } = this.#parts.config;
    if (!this.#apart) return databaseDirectory;
    const into = join(stateDirectory, 'overlay');
    await overlay(databaseDirectory, this.#apart, into);
    return into;
  }

  #unchecked(why: string): StepResult {
    const text = `could not be checked: ${why}`;
    if (this.#parts.config.check === 'auto') return { outcome: 'none', text };
    const advice = ['no clamd was touched; [update] check = "auto" goes on unchecked'];
    return { outcome: 'failed', text, advice };
  }

  #badAdvice(): string[] {
    const { config } = this.#parts;
    const untouched = 'no clamd was touched: all keep the signatures they have';
    if (this.#apart) {
      return [
        untouched,
        `nothing was installed: mend what lies in ${config.deliveredDirectory ?? ''}`,
      ];
    }
    const dir = config.databaseDirectory;
    return [
      `${untouched}, but one that starts anew would not come up: mend or remove what is named ` +
        `above in ${dir} before any does`,
    ];
  }

  /** What would have a clamd reload by itself, unasked and while it has mail. */
  #hints(): string[] {
    const { config, freshclamConfFiles } = this.#parts;
    const checks = this.#local().flatMap(({ confFile, conf }) => {
      const seconds = reloadFacts(conf).selfCheckSeconds;
      return seconds > 0 ? [`set SelfCheck 0 in ${confFile}: else clamd reloads by itself`] : [];
    });
    const notified = freshclamConfFiles.filter((file) => readClamdConf(file)?.has('NotifyClamd'));
    const notices = notified.map(
      (file) => `remove NotifyClamd from ${file}: freshclam has clamd reload at once, unchecked`,
    );
    return [...new Set([...checks, ...(config.source === 'freshclam' ? notices : [])])];
  }
}

function haveText(version: Version | undefined): string {
  if (!version) return 'does not answer';
  if (version.isHollow) return 'has lost its signatures';
  return `has ${version.database ?? 'no number'}`;
}
