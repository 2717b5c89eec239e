/** What the control endpoint knows of the daemon, asked for anew but for what is dear to get. */
import type { Clock } from '../clock.ts';
import type { PoolLoad } from '../scan/clamd-pool.ts';
import type { EndpointStatus } from '../scan/endpoint-status.ts';
import { Recent } from './control-recent.ts';
import type { DaemonLoad } from './daemon.ts';

export interface QuarantineSize {
  readonly messages: number;
  readonly bytes: number;
}

export interface LedgerStatus {
  /** Whether it can be read and was opened for writing; where not, every message is put off. */
  readonly usable: boolean;
  /** Entries whose end nobody knows, those in doubt included and those at work not. */
  readonly unsettled: number;
  readonly inDoubt: number;
  /** On the disk. */
  readonly bytes: number;
}

/** The daemon as the control endpoint sees it. */
export interface StatusSources {
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** The addresses that are listened on. */
  listening(): readonly string[];
  /** Whether the daemon is going down. */
  stopping(): boolean;
  load(): DaemonLoad;
  /** How each clamd is. */
  clamd(): readonly EndpointStatus[];
  /** What is being scanned, and how it goes. */
  scanning(): PoolLoad;
  quarantine(): Promise<QuarantineSize>;
  /** Undefined when it is switched off. */
  ledger(): Promise<LedgerStatus | undefined>;
  /** Why every message is put off; undefined when none is for such a reason. */
  ledgerProblem(): string | undefined;
}

/** What GET /status answers. */
export interface Status {
  readonly version: string;
  /** ISO 8601. */
  readonly started: string;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reasons: readonly string[];
  readonly listening: readonly string[];
  readonly load: DaemonLoad;
  readonly clamd: readonly ShownEndpoint[];
  readonly scanning: ShownScanning;
  /** Absent when it could not be read. */
  readonly quarantine?: QuarantineSize;
  /** Absent when it is switched off, or nothing could be learned of it. */
  readonly ledger?: LedgerStatus;
}

/** With times as ISO 8601. */
export interface ShownEndpoint extends Omit<
  EndpointStatus,
  'since' | 'drainedUntil' | 'databaseDate'
> {
  readonly since: string;
  readonly drainedUntil?: string;
  readonly databaseDate?: string;
}

export interface ShownScanning extends Omit<PoolLoad, 'storm'> {
  readonly storm: Omit<PoolLoad['storm'], 'since'> & { readonly since?: string };
}

const quarantineGoodForMs = 60_000;
const ledgerGoodForMs = 5000;

export class StatusReport {
  readonly #sources: StatusSources;
  readonly #quarantine: Recent<QuarantineSize>;
  readonly #ledger: Recent<LedgerStatus | undefined>;

  constructor(sources: StatusSources, clock: Clock) {
    this.#sources = sources;
    this.#quarantine = new Recent(() => sources.quarantine(), quarantineGoodForMs, clock);
    this.#ledger = new Recent(() => sources.ledger(), ledgerGoodForMs, clock);
  }

  get clamd(): readonly EndpointStatus[] {
    return this.#sources.clamd();
  }

  get scanning(): PoolLoad {
    return this.#sources.scanning();
  }

  /** Never rejects: what could not be learned is missing. */
  async status(): Promise<Status> {
    const [quarantine, ledger] = await Promise.all([
      this.#quarantine.get().catch(() => undefined),
      this.#ledger.get().catch(() => undefined),
    ]);
    const { clamd } = this;
    const reasons = this.#reasons(clamd);
    return {
      version: this.#sources.version,
      started: new Date(this.#sources.started).toISOString(),
      ready: reasons.length === 0,
      reasons,
      listening: this.#sources.listening(),
      load: this.#sources.load(),
      clamd: clamd.map(shownEndpoint),
      scanning: shownScanning(this.scanning),
      ...(quarantine && { quarantine }),
      ...(ledger && { ledger }),
    };
  }

  #reasons(clamd: readonly EndpointStatus[]): string[] {
    const reasons: string[] = [];
    if (this.#sources.stopping()) reasons.push('the daemon is going down');
    if (this.#sources.listening().length === 0) reasons.push('no listener is open');
    const ledger = this.#sources.ledgerProblem();
    if (ledger !== undefined) reasons.push(`no ledger: ${ledger}`);
    if (!clamd.some(isServing)) reasons.push(whyNoneServes(clamd));
    return reasons;
  }
}

/** Whether it is given mail. */
function isServing({ ok, draining }: EndpointStatus): boolean {
  return ok && !draining;
}

/** How it begins when none is ready: who lists the clamds as well need not say it twice. */
export const noClamdReady = 'no clamd is ready';

function whyNoneServes(clamd: readonly EndpointStatus[]): string {
  const ready = clamd.filter(({ ok }) => ok);
  if (ready.length > 0) {
    return `only drained clamds are ready: ${ready.map(({ endpoint }) => endpoint).join(', ')}`;
  }
  const details = clamd.map(({ endpoint, state, detail }) => `${endpoint} ${state}: ${detail}`);
  return [noClamdReady, ...details].join('; ');
}

function shownEndpoint({
  since,
  drainedUntil,
  databaseDate,
  ...rest
}: EndpointStatus): ShownEndpoint {
  return {
    ...rest,
    since: iso(since),
    ...(drainedUntil !== undefined && { drainedUntil: iso(drainedUntil) }),
    ...(databaseDate !== undefined && { databaseDate: iso(databaseDate) }),
  };
}

function shownScanning({ storm: { since, ...storm }, ...load }: PoolLoad): ShownScanning {
  return { ...load, storm: { ...storm, ...(since !== undefined && { since: iso(since) }) } };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
