import { describe, expect, it } from '@jest/globals';
import { Cancelled } from '../../src/errors.ts';
import { ClamdPlaces, type Place } from '../../src/scan/clamd-places.ts';
import { addressOf } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';

const a = addressOf('tcp://a:1');
const b = addressOf('tcp://b:1');
const { signal } = new AbortController();

/** Enters, and notes under `name` when it was let in. */
function enter(places: ClamdPlaces, log: string[], name: string): Promise<Place> {
  return places.enter(signal).then((place) => {
    log.push(name);
    return place;
  });
}

describe('ClamdPlaces', () => {
  it('chooses the least loaded clamd, and none above its ceiling', async () => {
    const places = new ClamdPlaces([a, b], 2, new FakeClock());
    const names: string[] = [];
    for (let i = 0; i < 4; i++) names.push((await places.enter(signal)).address.name);
    expect(names).toEqual([a.name, b.name, a.name, b.name]);
    void places.enter(signal);
    expect([places.inflight, places.waiting]).toEqual([4, 1]);
  });

  it('serves the line in its order', async () => {
    const places = new ClamdPlaces([a], 1, new FakeClock());
    const log: string[] = [];
    const first = await enter(places, log, 'first');
    const second = enter(places, log, 'second');
    const third = enter(places, log, 'third');
    first.leave();
    first.leave();
    (await second).leave();
    (await third).leave();
    expect(log).toEqual(['first', 'second', 'third']);
    expect([places.inflight, places.waiting]).toEqual([0, 0]);
  });

  it('lets nobody wait behind one who waits for another clamd', async () => {
    const places = new ClamdPlaces([a, b], 1, new FakeClock());
    const [atA, atB] = [await places.enter(signal), await places.enter(signal)];
    const onlyB = places.enter(signal, a);
    const any = places.enter(signal);
    atA.leave();
    expect((await any).address).toBe(a);
    expect(places.waiting).toBe(1);
    atB.leave();
    expect((await onlyB).address).toBe(b);
  });

  it('lets a waiter leave the line', async () => {
    const places = new ClamdPlaces([a], 1, new FakeClock());
    const first = await places.enter(signal);
    const control = new AbortController();
    const waiting = places.enter(control.signal);
    control.abort(new Cancelled('peer-gone'));
    await expect(waiting).rejects.toEqual(new Cancelled('peer-gone'));
    expect(places.waiting).toBe(0);
    first.leave();
    expect(places.inflight).toBe(0);
    await expect(places.enter(control.signal)).rejects.toBeInstanceOf(Cancelled);
  });

  it('prefers others for a while to a clamd that could not be reached', async () => {
    const clock = new FakeClock();
    const places = new ClamdPlaces([a, b], 2, clock);
    const failing = await places.enter(signal);
    failing.avoid();
    failing.leave();
    const held = [await places.enter(signal), await places.enter(signal)];
    expect(held.map(({ address }) => address)).toEqual([b, b]);
    expect((await places.enter(signal)).address).toBe(a);
    held.forEach((place) => {
      place.leave();
    });
    clock.advance(1000);
    held.push(await places.enter(signal));
    expect((await places.enter(signal)).address).toBe(a);
  });
});
