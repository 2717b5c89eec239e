/** Whether the clamds have signatures that are too old, or that differ for long. */
import type { Clock } from '../clock.ts';
import type { ClamdVersion } from '../protocol/clamd/version.ts';
import type { PoolEvent } from './pool-settings.ts';

/** Updated one after the other, or each at its own SelfCheck (an hour on Debian), they differ so long. */
const skewMsMax = 7_200_000;
const dayMs = 86_400_000;

export interface SignatureSettings {
  readonly clock: Clock;
  readonly ageMsMax: () => number;
  readonly observe: (event: PoolEvent) => void;
}

/** What one clamd has; undefined where it is not known. */
export type Versions = ReadonlyMap<string, ClamdVersion | undefined>;

export class SignatureWatch {
  readonly #settings: SignatureSettings;
  readonly #old = new Set<string>();
  /** Since when they differ; monotonic. */
  #differSince: number | undefined;
  #isSkewed = false;

  constructor(settings: SignatureSettings) {
    this.#settings = settings;
  }

  /** Whether they have differed for long. */
  get isSkewed(): boolean {
    return this.#isSkewed;
  }

  isOld(endpoint: string): boolean {
    return this.#old.has(endpoint);
  }

  look(versions: Versions): void {
    for (const [endpoint, version] of versions) {
      if (version?.made !== undefined) this.#age(endpoint, version.made);
    }
    for (const endpoint of this.#old) if (!versions.has(endpoint)) this.#old.delete(endpoint);
    this.#compare(versions);
  }

  #age(endpoint: string, made: number): void {
    const { clock, ageMsMax, observe } = this.#settings;
    const age = clock.now() - made;
    const isOld = age > ageMsMax();
    if (isOld === this.#old.has(endpoint)) return;
    if (isOld) this.#old.add(endpoint);
    else this.#old.delete(endpoint);
    const detail = `its signatures are ${Math.floor(age / dayMs)} days old`;
    observe({ kind: 'old-signatures', endpoint, on: isOld, detail });
  }

  #compare(versions: Versions): void {
    const { clock, observe } = this.#settings;
    const known = [...versions].filter(([, version]) => version !== undefined);
    const kinds = new Set(known.map(([, version]) => version && kindOf(version)));
    if (kinds.size < 2) this.#differSince = undefined;
    else this.#differSince ??= clock.monotonic();
    const isSkewed =
      this.#differSince !== undefined && clock.monotonic() - this.#differSince >= skewMsMax;
    if (isSkewed === this.#isSkewed) return;
    this.#isSkewed = isSkewed;
    const detail = known.map(([name, version]) => `${name} has ${version ? kindOf(version) : ''}`);
    observe({ kind: 'skew', on: isSkewed, detail: detail.join(', ') });
  }
}

function kindOf({ engine, database }: ClamdVersion): string {
  return `${engine}/${database ?? 'no number'}`;
}
