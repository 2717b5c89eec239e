import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Cancelled } from '../../src/errors.ts';
import { ClamdEndpoint } from '../../src/scan/clamd-endpoint.ts';
import { ClamdPlaces, type NoPlace, type Place } from '../../src/scan/clamd-places.ts';
import type { Evidence } from '../../src/scan/endpoint-state.ts';
import { addressOf } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';

const { signal } = new AbortController();
const right: Evidence = { kind: 'right', detail: '' };

class Line {
  readonly clock = new FakeClock();
  readonly endpoints: readonly ClamdEndpoint[];
  readonly places: ClamdPlaces;
  readonly log: string[] = [];
  wanted = 0;

  constructor(inflightMax: number, weights: readonly number[] = [1], waitingMax = 100) {
    const wanted = (): void => {
      this.wanted++;
    };
    this.places = new ClamdPlaces(waitingMax, { clock: this.clock, wanted });
    const changed = (): void => {
      this.places.changed();
    };
    this.endpoints = weights.map((weight, at) => {
      const member = { address: addressOf(`tcp://${at}:1`), weight };
      return new ClamdEndpoint(member, inflightMax, { clock: this.clock, changed });
    });
    this.places.endpoints = this.endpoints;
  }

  /** All are ready, and their limits at their ceilings. */
  ready(): this {
    for (const one of this.endpoints) {
      one.learn(right);
      for (let i = 0; i < 500; i++) one.limit.grow();
    }
    return this;
  }

  async enter(name: string, except?: ClamdEndpoint): Promise<Place> {
    const place = await this.try(name, 60_000, except);
    if (typeof place === 'string') throw new Error(place);
    return place;
  }

  async try(name: string, ms = 60_000, except?: ClamdEndpoint): Promise<Place | NoPlace> {
    const until = this.clock.monotonic() + ms;
    const place = await this.places.enter(signal, { until, except });
    this.log.push(name);
    return place;
  }

  at(index: number): ClamdEndpoint {
    const endpoint = this.endpoints[index];
    if (!endpoint) throw new Error('no such endpoint');
    return endpoint;
  }
}

describe('a place', () => {
  it('is on the least loaded clamd, and on none above its limit', async () => {
    const line = new Line(2, [1, 1]).ready();
    const names: string[] = [];
    for (let i = 0; i < 4; i++) names.push((await line.enter('')).endpoint.address.name);
    expect(names).toEqual(['tcp://0:1', 'tcp://1:1', 'tcp://0:1', 'tcp://1:1']);
    void line.try('');
    await Promise.resolve();
    expect([line.places.inflight, line.places.waiting]).toEqual([4, 1]);
  });

  it('goes by weight', async () => {
    const line = new Line(100, [3, 1]).ready();
    for (let i = 0; i < 40; i++) await line.enter('');
    expect(line.endpoints.map(({ inflight }) => inflight)).toEqual([30, 10]);
  });

  it('goes round between those that have nothing to do', async () => {
    const line = new Line(8, [1, 1, 1]).ready();
    const names: string[] = [];
    for (let i = 0; i < 6; i++) {
      const place = await line.enter('');
      names.push(place.endpoint.address.name.charAt(6));
      place.leave();
    }
    expect(names).toEqual(['0', '1', '2', '0', '1', '2']);
  });

  it.each<[string, Evidence | 'drained' | 'removed']>([
    ['starts', { kind: 'gone', detail: '' }],
    ['reloads', { kind: 'silent', detail: '' }],
    ['has too much to do', { kind: 'full', detail: '' }],
    ['lies', { kind: 'lie', detail: '' }],
    ['cannot scan', { kind: 'unfit', detail: '' }],
    ['is drained', 'drained'],
    ['is not in the configuration any more', 'removed'],
  ])('is never on a clamd that %s', async (_, evidence) => {
    const line = new Line(8, [1, 1]).ready();
    const bad = line.at(0);
    if (evidence === 'drained') bad.drainedUntil = Infinity;
    else if (evidence === 'removed') line.places.endpoints = [line.at(1)];
    else bad.learn(evidence);
    for (let i = 0; i < 8; i++) {
      expect((await line.enter('')).endpoint).toBe(line.at(1));
    }
    void line.try('waits');
    await Promise.resolve();
    expect([bad.inflight, line.places.waiting]).toEqual([0, 1]);
  });
});

describe('the line', () => {
  it('is served in its order', async () => {
    const line = new Line(1).ready();
    const first = await line.enter('first');
    const second = line.enter('second');
    const third = line.enter('third');
    first.leave();
    first.leave();
    (await second).leave();
    (await third).leave();
    expect(line.log).toEqual(['first', 'second', 'third']);
    expect([line.places.inflight, line.places.waiting, line.clock.pending]).toEqual([0, 0, 0]);
  });

  it('lets nobody overtake who comes when there is room', async () => {
    const line = new Line(1).ready();
    const first = await line.enter('first');
    const second = line.enter('second');
    first.leave();
    const third = line.enter('third');
    (await second).leave();
    await third;
    expect(line.log).toEqual(['first', 'second', 'third']);
  });

  it('holds nobody up behind one who waits for another clamd', async () => {
    const line = new Line(1, [1, 1]).ready();
    const [atA, atB] = [await line.enter(''), await line.enter('')];
    const onlyB = line.enter('', line.at(0));
    const any = line.enter('');
    atA.leave();
    expect((await any).endpoint).toBe(line.at(0));
    expect(line.places.waiting).toBe(1);
    atB.leave();
    expect((await onlyB).endpoint).toBe(line.at(1));
  });

  it('is not full for who needs not wait, though all in it wait for another clamd', async () => {
    const line = new Line(1, [1, 1], 1).ready();
    line.at(1).learn({ kind: 'gone', detail: '' });
    const onlyB = line.enter('', line.at(0));
    expect((await line.enter('')).endpoint).toBe(line.at(0));
    expect(await line.try('')).toBe('line-full');
    line.at(1).learn(right);
    expect((await onlyB).endpoint).toBe(line.at(1));
  });

  it('lets a waiter leave', async () => {
    const line = new Line(1).ready();
    const first = await line.enter('');
    const control = new AbortController();
    const waiting = line.places.enter(control.signal, { until: Infinity });
    expect(line.places.isWaiting(control.signal)).toBe(true);
    control.abort(new Cancelled('peer-gone'));
    await expect(waiting).rejects.toEqual(new Cancelled('peer-gone'));
    expect([line.places.waiting, line.places.isWaiting(control.signal)]).toEqual([0, false]);
    first.leave();
    expect(line.places.inflight).toBe(0);
    await expect(line.places.enter(control.signal, { until: 0 })).rejects.toBeInstanceOf(Cancelled);
  });

  it.each<[string, Evidence]>([
    ['starts', { kind: 'gone', detail: '' }],
    ['has too much to do', { kind: 'full', detail: '' }],
  ])(
    'waits while the only clamd %s, has it looked at, and is served when it is back',
    async (_, evidence) => {
      const line = new Line(8).ready();
      line.at(0).learn(evidence);
      const waiting = line.enter('');
      expect(line.wanted).toBeGreaterThan(0);
      expect(line.places.waiting).toBe(1);
      line.clock.advance(500);
      expect(line.places.longestWaitMs).toBe(500);
      line.at(0).learn(right);
      expect((await waiting).endpoint).toBe(line.at(0));
    },
  );

  it('waits for one that is drained', async () => {
    const line = new Line(8).ready();
    line.at(0).drainedUntil = Infinity;
    const waiting = line.enter('');
    line.at(0).drainedUntil = undefined;
    line.places.changed();
    expect((await waiting).endpoint).toBe(line.at(0));
  });

  it('ends in time', async () => {
    const line = new Line(1).ready();
    await line.enter('');
    const waiting = line.try('', 1000);
    line.clock.advance(1000);
    expect([await waiting, line.places.waiting]).toEqual(['late', 0]);
  });

  it.each<Evidence>([
    { kind: 'lie', detail: '' },
    { kind: 'unfit', detail: '' },
  ])('does not wait for nothing: $kind', async (evidence) => {
    const line = new Line(1).ready();
    await line.enter('');
    const waiting = line.try('');
    line.at(0).learn(evidence);
    expect([await waiting, await line.try('')]).toEqual(['none', 'none']);
  });

  it('is bounded', async () => {
    const line = new Line(1, [1], 2).ready();
    await line.enter('');
    void line.try('');
    void line.try('');
    expect(await line.try('')).toBe('line-full');
  });
});

type Step =
  | { readonly kind: 'enter'; readonly except?: number }
  | { readonly kind: 'leave' | 'advance' | 'abort'; readonly of: number }
  | { readonly kind: 'evidence'; readonly at: number; readonly evidence: Evidence }
  | { readonly kind: 'drain' | 'resume'; readonly at: number };

const evidence = fc.constantFrom<Evidence>(
  right,
  right,
  { kind: 'scanned' },
  { kind: 'gone', detail: '' },
  { kind: 'silent', detail: '' },
  { kind: 'full', detail: '' },
  { kind: 'lie', detail: '' },
  { kind: 'unfit', detail: '' },
  { kind: 'broke', detail: '' },
);
const at = fc.nat({ max: 2 });
const of = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('enter' as const) }),
  fc.record({ kind: fc.constant('enter' as const), except: at }),
  fc.record({ kind: fc.constantFrom('leave' as const, 'advance' as const, 'abort' as const), of }),
  fc.record({ kind: fc.constant('evidence' as const), at, evidence }),
  fc.record({ kind: fc.constantFrom('drain' as const, 'resume' as const), at }),
);

/** What became of one who entered. */
interface Entered {
  readonly control: AbortController;
  readonly until: number;
  place?: Place | NoPlace | 'cancelled';
}

/** Plays the steps, and looks at each admission as it happens. */
class Play {
  readonly line = new Line(3, [1, 2, 1], 20);
  readonly entered: Entered[] = [];
  readonly wrong: string[] = [];

  async step(step: Step): Promise<void> {
    if (step.kind === 'enter') this.#enter(step.except);
    else if (step.kind === 'evidence') this.line.at(step.at).learn(step.evidence);
    else if (step.kind === 'drain') this.line.at(step.at).drainedUntil = Infinity;
    else if (step.kind === 'resume') {
      this.line.at(step.at).drainedUntil = undefined;
      this.line.places.changed();
    } else if ('of' in step) this.#toSome(step.kind, step.of);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    this.#check();
  }

  /** Everything that waits has time to end. */
  async end(): Promise<void> {
    this.line.clock.advance(100_000);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    if (this.entered.some(({ place }) => place === undefined))
      this.wrong.push('one waits for ever');
    for (const { place } of this.entered) if (typeof place === 'object') place.leave();
    if (this.line.places.inflight !== 0) this.wrong.push('a place is lost');
    if (this.line.clock.pending !== 0) this.wrong.push('a timer is left');
  }

  #enter(except?: number): void {
    const control = new AbortController();
    const until = this.line.clock.monotonic() + 5000;
    const entered: Entered = { control, until };
    this.entered.push(entered);
    const waiting = { until, ...(except !== undefined && { except: this.line.at(except) }) };
    this.line.places.enter(control.signal, waiting).then(
      (place) => {
        entered.place = place;
        if (typeof place !== 'string' && place.endpoint === waiting.except) {
          this.wrong.push('sent where it had failed');
        }
      },
      () => (entered.place = 'cancelled'),
    );
  }

  #toSome(kind: 'leave' | 'advance' | 'abort', some: number): void {
    if (kind === 'advance') this.line.clock.advance(some * 3);
    const one = this.entered[some % this.entered.length];
    if (kind === 'abort') one?.control.abort(new Cancelled('peer-gone'));
    if (kind === 'leave' && typeof one?.place === 'object') one.place.leave();
  }

  #check(): void {
    const { endpoints, clock, places } = this.line;
    const now = clock.monotonic();
    if (this.entered.some(({ place, until }) => place === undefined && until <= now)) {
      this.wrong.push('one waits beyond its time');
    }
    const isIdle = endpoints.some(({ hasRoom }) => hasRoom);
    // Who may go anywhere is not kept waiting beside a clamd that has room.
    if (isIdle && places.waiting > 0 && endpoints.every(({ hasRoom }) => hasRoom)) {
      this.wrong.push('one waits although there is room');
    }
    for (const { inflight } of endpoints) if (inflight < 0) this.wrong.push('too many left');
  }
}

it('whatever comes in whatever order: nobody is lost, starved or sent where it should not go', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const play = new Play();
      for (const one of play.line.endpoints) watchAdmissions(one, play.wrong);
      for (const each of steps) await play.step(each);
      await play.end();
      expect(play.wrong).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

/** Notes each stream that is admitted beyond the limit, or to a clamd that is not ready. */
function watchAdmissions(endpoint: ClamdEndpoint, wrong: string[]): void {
  let inflight = 0;
  Object.defineProperty(endpoint, 'inflight', {
    get: () => inflight,
    set: (next: number) => {
      if (next > inflight) {
        if (next > endpoint.limit.value) wrong.push('above the limit');
        if (endpoint.state !== 'ready') wrong.push(`mail for one that is ${endpoint.state}`);
        if (endpoint.isDraining) wrong.push('mail for one that is drained');
      }
      inflight = next;
    },
  });
}
