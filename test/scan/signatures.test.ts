import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ClamdVersion } from '../../src/protocol/clamd/version.ts';
import type { PoolEvent } from '../../src/scan/pool-settings.ts';
import { SignatureWatch } from '../../src/scan/signatures.ts';
import { FakeClock } from '../support/fake-clock.ts';

const dayMs = 86_400_000;
let clock: FakeClock;
let told: PoolEvent[];
let watch: SignatureWatch;

beforeEach(() => {
  clock = new FakeClock(100 * dayMs);
  told = [];
  watch = new SignatureWatch({
    clock,
    ageMsMax: () => 7 * dayMs,
    observe: (event) => told.push(event),
  });
});

const aged = (days: number, database = 27000): ClamdVersion => ({
  engine: '1.4.6',
  isHollow: false,
  database,
  made: clock.now() - days * dayMs,
});
const look = (...versions: (ClamdVersion | undefined)[]): void => {
  watch.look(new Map(versions.map((version, at) => [`e${at}`, version])));
};

describe('old signatures', () => {
  it('are told of once, and again when they are not old any more', () => {
    look(aged(7));
    expect([watch.isOld('e0'), told]).toEqual([false, []]);
    look(aged(8.5));
    look(aged(8.6));
    expect(watch.isOld('e0')).toBe(true);
    look(aged(0, 27001));
    expect(watch.isOld('e0')).toBe(false);
    expect(told).toEqual([
      {
        kind: 'old-signatures',
        endpoint: 'e0',
        on: true,
        detail: 'its signatures are 8 days old',
      },
      {
        kind: 'old-signatures',
        endpoint: 'e0',
        on: false,
        detail: 'its signatures are 0 days old',
      },
    ]);
  });

  it('stay old while clamd is away, and not when it is not one of the pool any more', () => {
    look(aged(8));
    look(undefined);
    expect(watch.isOld('e0')).toBe(true);
    watch.look(new Map());
    expect(watch.isOld('e0')).toBe(false);
  });

  it('without a date are not known to be', () => {
    look({ engine: '1.4.6', database: undefined, made: undefined, isHollow: false });
    expect([watch.isOld('e0'), told]).toEqual([false, []]);
  });
});

describe('signatures that differ', () => {
  const skews = (): boolean[] => told.flatMap((event) => (event.kind === 'skew' ? [event.on] : []));

  it('are told of when they have differed for two hours, and when they do not any more', () => {
    look(aged(0, 1), aged(0, 2));
    clock.advance(7_199_999);
    look(aged(0, 1), aged(0, 2));
    expect([watch.isSkewed, skews()]).toEqual([false, []]);
    clock.advance(1);
    look(aged(0, 1), aged(0, 2));
    look(aged(0, 1), aged(0, 2));
    expect([watch.isSkewed, skews()]).toEqual([true, [true]]);
    look(aged(0, 2), aged(0, 2));
    expect([watch.isSkewed, skews()]).toEqual([false, [true, false]]);
  });

  it('count from when they began to, and not across one that is away', () => {
    look(aged(0, 1), aged(0, 2));
    clock.advance(7_000_000);
    look(aged(0, 1), undefined);
    look(aged(0, 1), aged(0, 2));
    clock.advance(7_000_000);
    look(aged(0, 1), aged(0, 2));
    expect(watch.isSkewed).toBe(false);
  });
});
