import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  afterEvidence,
  awayMsMax,
  brokenInRowMax,
  type EndpointState,
  endpointStates,
  type Evidence,
  type Health,
  unknownHealth,
} from '../../src/scan/endpoint-state.ts';

type Kind = Evidence['kind'];

function evidence(kind: Kind): Evidence {
  return kind === 'scanned' ? { kind } : { kind, detail: `it is ${kind}` };
}

function after(health: Health, kinds: readonly Kind[], now = 0): Health {
  return kinds.reduce((each, kind) => afterEvidence(each, evidence(kind), now), health);
}

const fresh = unknownHealth(0);
/** How each state is come by. */
const ways: Readonly<Record<EndpointState, readonly Kind[]>> = {
  starting: ['gone'],
  ready: ['right'],
  reloading: ['right', 'silent'],
  busy: ['full'],
  lying: ['lie'],
  dead: ['unfit'],
};
const same = (to: EndpointState): Record<EndpointState, EndpointState> => ({
  starting: to,
  ready: to,
  reloading: to,
  busy: to,
  lying: to,
  dead: to,
});
const unchanged: Record<EndpointState, EndpointState> = {
  starting: 'starting',
  ready: 'ready',
  reloading: 'reloading',
  busy: 'busy',
  lying: 'lying',
  dead: 'dead',
};

/** docs/decisions/0005-clamd-pool.md has the same table. */
const table: Readonly<Record<Kind, Readonly<Record<EndpointState, EndpointState>>>> = {
  gone: same('starting'),
  // One that has never answered is starting, whatever it looks like.
  silent: { ...same('reloading'), starting: 'starting', dead: 'starting' },
  full: { ...same('busy'), lying: 'lying' },
  right: same('ready'),
  lie: same('lying'),
  unfit: same('dead'),
  scanned: unchanged,
  broke: unchanged,
  suspect: { ...unchanged, ready: 'starting' },
};

const cases = Object.entries(table).flatMap(([kind, row]) =>
  Object.entries(row).map(([from, to]) => [from, kind, to] as const),
);

describe('a clamd that is', () => {
  it.each(cases)('%s, and %s, is %s', (from, kind, to) => {
    const before = after(fresh, ways[from as EndpointState]);
    expect(before.state).toBe(from);
    expect(after(before, [kind as Kind]).state).toBe(to);
  });

  it('in the same state stays in it since then, with the newest words', () => {
    const first = after(fresh, ['right'], 100);
    const second = afterEvidence(first, { kind: 'right', detail: 'newer' }, 200);
    expect(second).toMatchObject({ state: 'ready', since: 100, detail: 'newer' });
    expect(after(second, ['full'], 300).since).toBe(300);
  });
});

describe('one that is away', () => {
  it.each<[string, readonly Kind[], Kind, EndpointState]>([
    ['never seen', [], 'gone', 'starting'],
    ['seen', ['right'], 'gone', 'starting'],
    ['seen', ['right'], 'silent', 'reloading'],
  ])('%s, after %j, and %s: %4$s until the time is over, then dead', (_, before, kind, loading) => {
    const first = after(after(fresh, before), [kind], 1000);
    expect(first.state).toBe(loading);
    expect(after(first, [kind], 1000 + awayMsMax - 1).state).toBe(loading);
    expect(after(first, [kind], 1000 + awayMsMax).state).toBe('dead');
  });

  it('gets its time anew when it is away in another way: something begins or ends', () => {
    const dead = after(after(fresh, ['right', 'gone']), ['gone'], awayMsMax);
    expect(dead.state).toBe('dead');
    expect(after(dead, ['silent'], awayMsMax).state).toBe('reloading');
    expect(after(after(fresh, ['gone']), ['gone', 'silent'], awayMsMax).state).toBe('starting');
    expect(after(dead, ['right', 'gone'], awayMsMax).state).toBe('starting');
  });
});

describe('scans that break', () => {
  const ready = after(fresh, ['right']);
  const inRow = (count: number): Kind[] => Array.from({ length: count }, () => 'broke');

  it('in a row close it, and one between them that does not break begins anew', () => {
    expect(after(ready, inRow(brokenInRowMax - 1)).state).toBe('ready');
    expect(after(ready, inRow(brokenInRowMax)).state).toBe('busy');
    const kinds = [...inRow(brokenInRowMax - 1), 'scanned' as const, ...inRow(brokenInRowMax - 1)];
    expect(after(ready, kinds).state).toBe('ready');
  });

  it('count for nothing from one that gets no mail', () => {
    expect(after(after(fresh, ['lie']), inRow(10)).state).toBe('lying');
  });

  it('one that went well changes nothing at all', () => {
    expect(after(ready, ['scanned'])).toBe(ready);
  });
});

it('whatever comes: it becomes ready only by showing that it is right', () => {
  const kinds = Object.keys(table) as Kind[];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...kinds), fc.nat({ max: awayMsMax })), { maxLength: 50 }),
      (steps) => {
        let now = 0;
        let health = fresh;
        for (const [kind, ms] of steps) {
          const before = health;
          health = afterEvidence(before, evidence(kind), (now += ms));
          expect(endpointStates).toContain(health.state);
          if (health.state === 'ready' && before.state !== 'ready') expect(kind).toBe('right');
          if (before.state === 'lying' && !['right', 'gone', 'silent', 'unfit'].includes(kind)) {
            expect(health.state).toBe('lying');
          }
        }
      },
    ),
  );
});
