import { describe, expect, it } from '@jest/globals';
import {
  afterSample,
  defaultStormLevels,
  isEased,
  noStorm,
  type Storm,
  type StormLevels,
  type StormSample,
  stormWords,
} from '../../src/scan/storm.ts';
import { StormWatch } from '../../src/scan/storm-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';

const calm: StormSample = {
  waiting: 0,
  waitMs: 0,
  latencyMs: undefined,
  memory: undefined,
  io: undefined,
  cpu: 100,
};

function after(storm: Storm, count: number, sample: Partial<StormSample> = {}): Storm {
  let now = storm;
  for (let i = 0; i < count; i++)
    now = afterSample(now, { ...calm, ...sample }, defaultStormLevels);
  return now;
}

describe('a storm', () => {
  it.each<[keyof StormLevels, boolean]>([
    ['waiting', false],
    ['waitMs', false],
    ['latencyMs', true],
    ['memory', true],
    ['io', true],
  ])(
    'begins when %s is at its level three times in a row; less at once helps: %j',
    (name, eased) => {
      const sample = { [name]: defaultStormLevels[name] };
      expect(after(noStorm, 2, sample).on).toBe(false);
      const storm = after(noStorm, 3, sample);
      expect([storm.on, storm.causes, isEased(storm)]).toEqual([true, [name], eased]);
      expect(after(noStorm, 3, { [name]: defaultStormLevels[name] - 1 }).on).toBe(false);
    },
  );

  it('begins not by what comes and goes', () => {
    const twice = after(noStorm, 2, { io: 99 });
    expect(after(after(twice, 1), 2, { io: 99 }).on).toBe(false);
  });

  it('ends when all has been well below its level for five samples', () => {
    const storm = after(noStorm, 3, { io: 99 });
    expect(after(storm, 100, { io: 50 }).on).toBe(true);
    expect(after(storm, 4, { io: 47 }).on).toBe(true);
    expect(after(after(after(storm, 4), 1, { io: 99 }), 4).on).toBe(true);
    const over = after(storm, 5, { io: 47 });
    expect([over.on, over.causes]).toEqual([false, []]);
  });

  it('is not eased while it subsides', () => {
    const storm = after(noStorm, 3, { io: 99 });
    expect(isEased(storm)).toBe(true);
    expect(isEased(after(storm, 1))).toBe(false);
    expect(isEased(noStorm)).toBe(false);
  });

  it('does not come of a level that is switched off', () => {
    expect(defaultStormLevels.cpu).toBe(0);
    expect(after(noStorm, 10).on).toBe(false);
  });

  it('is told of in words', () => {
    const sample = { ...calm, io: 71.4, waiting: 60 };
    expect(stormWords(after(noStorm, 3, sample), sample, defaultStormLevels)).toBe(
      'streams wait 60 (level 50), disk pressure 71 % (level 60 %)',
    );
  });
});

describe('who watches for it', () => {
  function watching(levels = defaultStormLevels) {
    const clock = new FakeClock();
    const log: string[] = [];
    let held = false;
    let load = { waiting: 0, waitMs: 0, latencyMs: 0 };
    const watch = new StormWatch({
      clock,
      levels: () => levels,
      load: () => load,
      cut: () => log.push('cut'),
      hold: (now) => (held = now),
      changed: (on) => log.push(on ? 'begin' : 'end'),
    });
    const is = (next: typeof load) => (load = next);
    return { clock, log, watch, is, isHeld: () => held };
  }

  it('says when it begins and ends, and cuts at most every ten seconds', () => {
    const { clock, log, watch } = watching();
    const samples = (count: number, latencyMs: number): void => {
      for (let i = 0; i < count; i++) {
        clock.advance(2000);
        watch.observe({ ...calm, latencyMs });
      }
    };
    samples(10, 30_000);
    expect(log).toEqual(['begin', 'cut', 'cut']);
    expect(watch.status).toMatchObject({ on: true, since: 1_006_000 });
    samples(5, 0);
    expect(log).toEqual(['begin', 'cut', 'cut', 'end']);
    expect(watch.status).toMatchObject({ on: false, since: 1_030_000, detail: '' });
  });

  it('holds what is done at once while less would help, and not for a long line', () => {
    const { watch, isHeld } = watching();
    const samples = (sample: Partial<StormSample>): boolean => {
      for (let i = 0; i < 3; i++) watch.observe({ ...calm, ...sample });
      return isHeld();
    };
    expect(samples({ waiting: 99 })).toBe(false);
    expect(samples({ waiting: 99, io: 99 })).toBe(true);
    expect(samples({ waiting: 99 })).toBe(false);
  });

  it('samples every two seconds until it is closed', async () => {
    const { clock, log, watch, is } = watching();
    is({ waiting: 99, waitMs: 0, latencyMs: 0 });
    watch.start();
    for (let i = 0; i < 3; i++) {
      await until(() => clock.pending === 1, 'the next sample');
      clock.advance(2000);
    }
    await until(() => log.length > 0, 'the storm');
    expect(log).toEqual(['begin']);
    await until(() => clock.pending === 1, 'the next sample');
    watch.close();
    expect(clock.pending).toBe(0);
  });
});
