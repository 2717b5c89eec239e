/** One update from its first step to its end: does what plan.ts says, and tells of each step. */
import { assert } from '../../assert.ts';
import { Cancelled, messageOf, OperationalError } from '../../errors.ts';
import { systemCode } from '../../store/files.ts';
import { CliFailure } from '../failure.ts';
import { DatabaseSteps } from './database-steps.ts';
import { EndpointSteps } from './endpoint-steps.ts';
import type { StepResult, UpdateParts } from './parts.ts';
import {
  after,
  begin,
  type End,
  interrupt,
  type Plan,
  type PlanState,
  type StepName,
} from './plan.ts';

export interface StepReport extends StepResult {
  readonly step: StepName;
  /** Undefined where it is about all of them. */
  readonly endpoint: string | undefined;
  readonly tookMs: number;
}

export interface EndpointEnd {
  readonly endpoint: string;
  readonly state: 'updated' | 'passed-over' | 'failed' | 'not-reached';
  /** Database numbers, as it told them. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

export interface UpdateReport {
  readonly end: End;
  readonly steps: readonly StepReport[];
  readonly endpoints: readonly EndpointEnd[];
}

export class UpdateRun {
  readonly #parts: UpdateParts;
  readonly #tell: (report: StepReport) => void;
  readonly #databases: DatabaseSteps;
  readonly #endpoints: readonly EndpointSteps[];
  readonly #reports: StepReport[] = [];
  /** What no step foresaw: told when all was given back. */
  #fault: Error | undefined;

  /** @param tell of each step when it is over. */
  constructor(parts: UpdateParts, tell: (report: StepReport) => void) {
    this.#parts = parts;
    this.#tell = tell;
    this.#databases = new DatabaseSteps(parts);
    this.#endpoints = parts.endpoints.map((address) => new EndpointSteps(parts, address));
  }

  /** @throws what is a fault of ours, after what was drained has been given back. */
  async run(): Promise<UpdateReport> {
    let plan: Plan = begin(this.#endpoints.length);
    while (!('ended' in plan)) plan = await this.#take(plan);
    if (this.#fault) throw this.#fault;
    const end = plan.ended;
    const endpoints = this.#endpoints.map((steps, at) => this.#endOf(steps, at));
    const isWhole = endpoints.every(({ state }) => state === 'updated');
    if (end === 'updated' && isWhole) await this.#databases.remember();
    return { end, steps: this.#reports, endpoints };
  }

  async #take(state: PlanState): Promise<Plan> {
    const { clock, signal } = this.#parts;
    // Not every step has to wait for something, and none begins that is not wanted any more.
    if (signal.aborted && state.step !== 'release') return interrupt(state);
    const began = clock.monotonic();
    let result: StepResult | undefined;
    try {
      result = await this.#do(state);
      return after(state, result.outcome);
    } catch (error) {
      const isCancelled = error instanceof Cancelled;
      if (!isCancelled && !isForeseen(error)) this.#fault = asError(error);
      const text = isCancelled ? 'called off' : messageOf(error);
      result = { outcome: 'failed', text };
      return isCancelled ? interrupt(state) : after(state, 'failed');
    } finally {
      const tookMs = clock.monotonic() - began;
      if (result)
        this.#report({ ...result, step: state.step, endpoint: this.#name(state), tookMs });
    }
  }

  async #do(state: PlanState): Promise<StepResult> {
    const { step } = state;
    if (isOfDatabases(step)) return this.#databases[step]();
    const endpoint = this.#endpoints[state.endpoint ?? 0];
    assert(endpoint, 'the plan has as many endpoints as there are');
    return step === 'ready' ? endpoint.ready(this.#databases.trialMs) : endpoint[step]();
  }

  #name({ endpoint }: PlanState): string | undefined {
    return endpoint === undefined ? undefined : this.#parts.endpoints[endpoint]?.name;
  }

  #report(report: StepReport): void {
    this.#reports.push(report);
    this.#tell(report);
  }

  #endOf({ before, after: now }: EndpointSteps, at: number): EndpointEnd {
    const endpoint = this.#parts.endpoints[at]?.name ?? '';
    const own = this.#reports.filter((report) => report.endpoint === endpoint);
    const last = own.at(-1);
    const numbers = { before: before?.database, after: now?.database };
    if (!last) return { endpoint, state: 'not-reached', ...numbers };
    if (last.outcome === 'passed-over') return { endpoint, state: 'passed-over', ...numbers };
    const isDone = last.step === 'resume' && last.outcome !== 'failed';
    return { endpoint, state: isDone ? 'updated' : 'failed', ...numbers };
  }
}

type DatabaseStep = 'wait' | 'bring' | 'look' | 'check' | 'install';

function isOfDatabases(step: StepName): step is DatabaseStep {
  return ['wait', 'bring', 'look', 'check', 'install'].includes(step);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

/** What the world around does wrong; all else is a fault of ours. */
function isForeseen(error: unknown): boolean {
  return (
    error instanceof CliFailure ||
    error instanceof OperationalError ||
    systemCode(error) !== undefined
  );
}
