/** The steps that concern one endpoint: from the look at its memory until the daemon has it back. */
import { messageOf } from '../../errors.ts';
import type { ClamdAddress } from '../../scan/clamd-address.ts';
import { databaseNumber } from './databases.ts';
import type { EndpointReport } from './daemon-control.ts';
import { Lease } from './lease.ts';
import { type LocalClamd, type ReloadFacts, reloadFacts } from './local-clamds.ts';
import { largest } from './machine.ts';
import { judge, judgementText, shortageAdvice } from './memory.ts';
import type { StepResult, UpdateParts } from './parts.ts';
import { pause } from './pause.ts';
import { lastLines, runProgram } from './programs.ts';
import { ReloadLog } from './reload-log.ts';
import { loadingPatienceMs, Waiting } from './waiting.ts';
import type { Version } from './version.ts';

/** How often a canary that failed is asked again, and what for: a scan can be lost to chance. */
const canaryTries = 3;

export class EndpointSteps {
  readonly #parts: UpdateParts;
  readonly #address: ClamdAddress;
  readonly #unit: string | undefined;
  readonly #lease: Lease;
  #local: LocalClamd | undefined;
  #facts: ReloadFacts | undefined;
  #isLeased = false;
  #before: Version | undefined;
  #after: Version | undefined;
  #waiting: Waiting | undefined;

  constructor(parts: UpdateParts, address: ClamdAddress) {
    const { config, control, clock, limits } = parts;
    this.#parts = parts;
    this.#address = address;
    this.#unit = config.restart[address.name];
    this.#lease = new Lease(control, address.name, clock, limits);
  }

  get before(): Version | undefined {
    return this.#before;
  }

  get after(): Version | undefined {
    return this.#after;
  }

  async measure(): Promise<StepResult> {
    const { clamds } = this.#parts;
    this.#local = clamds.find(this.#address);
    this.#facts = this.#local && reloadFacts(this.#local.conf);
    this.#before = await this.#version();
    if (this.#unit !== undefined) {
      return { outcome: 'done', text: `${this.#unit} is restarted, which needs no memory twice` };
    }
    if (!this.#before) {
      const text = 'does not answer; it has the new signatures when it starts';
      return { outcome: 'passed-over', text, advice: ['see why it is away: clamgate status'] };
    }
    if (this.#before.isHollow) {
      const advice = ['restart it: a clamd that has lost its signatures loads none any more'];
      return { outcome: 'passed-over', text: `has lost its signatures`, advice };
    }
    return this.#measureReload();
  }

  async drain(): Promise<StepResult> {
    const alone = await this.#isAlone();
    const answer = await this.#lease.begin();
    this.#isLeased = answer === 'drained';
    if (answer === 'nobody') return { outcome: 'none', text: 'no daemon runs: not drained' };
    if (answer === 'unknown') {
      return { outcome: 'none', text: 'the daemon does not use it: not drained' };
    }
    const others = alone ? '; no other endpoint is ready, so mail waits' : '';
    return { outcome: 'done', text: `the daemon gives it no more mail${others}` };
  }

  /** `draining` has to be seen: what the daemon says of the moment before is not about it. */
  async idle(): Promise<StepResult> {
    const { clock, config, limits, signal } = this.#parts;
    const end = clock.monotonic() + config.drainMsMax;
    for (;;) {
      const report = await this.#report();
      if (!report) return { outcome: 'none', text: 'the daemon is gone, or has it no more' };
      if (report.inflight === undefined) {
        return { outcome: 'none', text: 'the daemon does not say what it has there' };
      }
      const isNow = report.draining !== false;
      if (isNow && report.inflight === 0) return { outcome: 'done', text: 'nothing is under way' };
      if (clock.monotonic() >= end) return this.#notIdle(report.inflight);
      await pause(clock, limits.pollMs, signal);
    }
  }

  async load(): Promise<StepResult> {
    const { limits, questions, signal } = this.#parts;
    const log = new ReloadLog(this.#facts?.logFile, limits);
    this.#waiting = await this.#begin(log);
    if (this.#unit !== undefined) return this.#restart(this.#unit);
    await questions.reload(this.#address, limits.answerMs, signal);
    return { outcome: 'done', text: 'RELOADING' };
  }

  /** @param trialMs how long the signatures took to load elsewhere. */
  async ready(trialMs: number | undefined): Promise<StepResult> {
    const ended = await this.#waiting?.end(trialMs);
    if (!ended) return { outcome: 'failed', text: 'it was not told to load' };
    this.#after = ended.version;
    if (ended.kind === 'loaded') return { outcome: 'done', text: ended.text };
    return { outcome: 'failed', text: ended.text, advice: this.#lostAdvice() };
  }

  async canary(): Promise<StepResult> {
    const { questions, limits, clock, signal } = this.#parts;
    for (let tried = 1; ; tried++) {
      const canary = await questions.canary(this.#address, limits.canaryMs, signal);
      if (canary.kind === 'right') {
        return { outcome: 'done', text: 'EICAR is found, a harmless file is not' };
      }
      const { words } = canary;
      if (canary.kind === 'lying') {
        return { outcome: 'refused', text: words, advice: this.#lostAdvice() };
      }
      if (tried === canaryTries) {
        return { outcome: 'failed', text: words, advice: this.#lostAdvice() };
      }
      await pause(clock, limits.pollMs, signal);
    }
  }

  async resume(): Promise<StepResult> {
    if (!this.#isLeased) return { outcome: 'none', text: 'it was not drained' };
    const answer = await this.#giveBack();
    if (answer !== 'resumed')
      return { outcome: 'none', text: 'the daemon is gone, or has it no more' };
    const { clock, limits, signal } = this.#parts;
    const end = clock.monotonic() + limits.acceptedMs;
    for (;;) {
      const report = await this.#report();
      if (!report) return { outcome: 'none', text: 'the daemon is gone, or has it no more' };
      if (isAccepted(report)) return { outcome: 'done', text: 'the daemon gives it mail again' };
      if (clock.monotonic() >= end) {
        const text = `the daemon gives it no mail: ${report.state ?? ''} ${report.detail}`;
        return { outcome: 'failed', text, advice: this.#lostAdvice() };
      }
      await pause(clock, limits.pollMs, signal);
    }
  }

  /** Never throws: the lease ends by itself. */
  async release(): Promise<StepResult> {
    if (!this.#isLeased) return { outcome: 'none', text: 'it was not drained' };
    try {
      await this.#giveBack();
      return { outcome: 'done', text: 'given back to the daemon, which judges by itself' };
    } catch (error) {
      const seconds = this.#parts.limits.leaseMs / 1000;
      const text = `could not be given back (${messageOf(error)}): drained for ${seconds} s more`;
      return { outcome: 'failed', text };
    }
  }

  async #giveBack(): Promise<'resumed' | 'unknown' | 'nobody'> {
    const answer = await this.#lease.end();
    this.#isLeased = false;
    return answer;
  }

  /** One that runs here may be loading just now, whoever told it to. */
  async #version(): Promise<Version | undefined> {
    const { questions, limits, clock, config, signal } = this.#parts;
    const patience = this.#local?.process ? config.readyMsMax : 0;
    const began = clock.monotonic();
    for (;;) {
      const sinceMs = clock.monotonic() - began;
      const withinMs = Math.max(limits.answerMs, loadingPatienceMs(sinceMs, limits));
      const version = await questions.version(this.#address, withinMs, signal);
      if (version || sinceMs >= patience || this.#unit !== undefined) return version;
      await pause(clock, limits.pollMs, signal);
      if (!this.#parts.clamds.find(this.#address)?.process) return undefined;
    }
  }

  #measureReload(): StepResult {
    const { machine, config, limits } = this.#parts;
    const process = this.#local?.process;
    const availableBytes = machine.availableBytes();
    if (!this.#local || !process || !this.#facts || availableBytes === undefined) {
      const text = 'its memory cannot be looked at: it does not run here, or cannot be seen';
      return { outcome: 'done', text };
    }
    const groupBytes = machine.groupRoomBytes(process.pid);
    const way = this.#facts.concurrentReload ? 'concurrent' : 'blocking';
    const room = { availableBytes, ...(groupBytes !== undefined && { groupBytes }) };
    const size = process.residentBytes + process.swapBytes;
    const judgement = judge(way, size, room, config.memoryReserveBytes);
    const text = `a ${way} reload ${judgementText(judgement)}`;
    if (judgement.kind === 'fits') return { outcome: 'done', text };
    const advice = shortageAdvice({
      endpoint: this.#address.name,
      confFile: this.#local.confFile,
      judgement,
      largest: largest(machine.processes(), limits.listedProcesses),
    });
    return { outcome: 'refused', text, advice };
  }

  async #begin(log: ReloadLog): Promise<Waiting> {
    const directory = this.#facts?.databaseDirectory;
    const expected = directory === undefined ? undefined : await databaseNumber(directory);
    const concurrency = this.#facts?.concurrentReload === true ? 'concurrent' : 'blocking';
    const way = this.#unit === undefined ? (this.#facts ? concurrency : 'unknown') : 'restart';
    return new Waiting(this.#parts, {
      address: this.#address,
      before: this.#before,
      expected,
      way,
      log,
      didRunHere: this.#local?.process !== undefined,
    });
  }

  async #restart(unit: string): Promise<StepResult> {
    const { programs, clock, config, signal } = this.#parts;
    const running = programs.start(['systemctl', '--no-ask-password', 'restart', unit]);
    const within = { clock, ms: config.readyMsMax };
    const { code, output, problem } = await runProgram(running, within, signal);
    if (code === 0 && problem === undefined) return { outcome: 'done', text: `${unit} restarted` };
    const text = `${problem ?? `systemctl ended with ${code ?? ''}`}: ${lastLines(output, 2)}`;
    return { outcome: 'failed', text, advice: [`look at it: systemctl status ${unit}`] };
  }

  #notIdle(inflight: number): StepResult {
    const text = `${inflight} streams have not ended`;
    if (this.#unit === undefined) return { outcome: 'none', text: `${text}; a reload lets them` };
    const advice = ['it was not restarted; a longer [update] drain_time waits longer'];
    return { outcome: 'failed', text, advice };
  }

  async #report(): Promise<EndpointReport | undefined> {
    const reports = await this.#parts.control.endpoints();
    return reports?.find(({ endpoint }) => endpoint === this.#address.name);
  }

  async #isAlone(): Promise<boolean> {
    const reports = (await this.#parts.control.endpoints()) ?? [];
    return !reports.some((one) => one.endpoint !== this.#address.name && isAccepted(one));
  }

  #lostAdvice(): string[] {
    const unit = this.#unit ?? 'its unit';
    return [
      'the endpoints after it were not touched, and keep the signatures they have',
      `see why: its log, clamgate status; then restart it (systemctl restart ${unit})`,
    ];
  }
}

/** Whether the daemon gives it mail; an older one says no more than whether it answers. */
function isAccepted({ state, ok, draining }: EndpointReport): boolean {
  if (draining === true) return false;
  return state === undefined ? ok : state === 'ready' || state === 'busy';
}
