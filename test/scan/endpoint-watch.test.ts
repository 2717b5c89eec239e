/** The watch with the probe and the canaries below it, against a clamd that changes. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import { eicarTestFile } from '../../src/scan/eicar.ts';
import { cleanCanary, foundCanary } from '../../src/scan/canary.ts';
import { ClamdEndpoint } from '../../src/scan/clamd-endpoint.ts';
import { DatabaseVersions } from '../../src/scan/database-versions.ts';
import type { EndpointState } from '../../src/scan/endpoint-state.ts';
import { EndpointWatch } from '../../src/scan/endpoint-watch.ts';
import { type LimitAlerts, limitAlertsOf, limitsCanary } from '../../src/scan/limits-canary.ts';
import { leastBytes, sizeCanary } from '../../src/scan/size-canary.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';

const speaks = 'stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0';
const first = 'ClamAV 1.4.6/27000/Thu Nov 20 2025';
let clamd: FakeClamd;
let clock: FakeClock;
let versions: DatabaseVersions;
let endpoint: ClamdEndpoint;
let watch: EndpointWatch;
let told: LimitAlerts[];
let states: EndpointState[];
let looks: number;
let wanted: boolean;
/** What its MaxFileSize is taken for. */
let suspected: number | undefined;
let sizesTold: number[];

beforeEach(async () => {
  clamd = await FakeClamd.start();
  clamd.version = first;
  clock = new FakeClock();
  told = [];
  states = [];
  looks = 0;
  wanted = false;
  suspected = undefined;
  sizesTold = [];
  arrange();
});

function arrange(lookup?: ConstructorParameters<typeof EndpointWatch>[0]['lookup']): void {
  const { address } = clamd;
  const dialling = { clock, connectMs: 5000, ...(lookup && { lookup }) };
  versions = new DatabaseVersions({ endpoints: [address], ...dialling });
  endpoint = new ClamdEndpoint({ address, weight: 1 }, 8, {
    clock,
    changed: ({ state }) => states.push(state),
  });
  watch = new EndpointWatch({
    ...dialling,
    random: () => 0.5,
    versions,
    silenceMs: 15_000,
    streamBytesMax: 1e6,
    canaryEveryMs: () => 300_000,
    fileBytesMax: () => suspected,
    isWanted: () => wanted,
    looked: (_, { alerts, fileSize }) => {
      looks++;
      if (alerts) told.push(alerts);
      if (fileSize) sizesTold.push(fileSize.bytes);
    },
  });
  watch.adjust([endpoint]);
}

afterEach(async () => {
  watch.close();
  versions.close();
  await clamd.stop();
});

const alerts = (): LimitAlerts => watch.limits(endpoint).alerts;

/** Until the next look is over, in time that passes as it is set to. */
async function nextLook(): Promise<void> {
  const before = looks;
  await until(() => {
    if (looks === before) clock.advance(100);
    return looks > before;
  }, 'the next look');
}

describe('the canaries', () => {
  it('are EICAR, a harmless line, and gzip in gzip, deeper than any clamd goes', () => {
    expect(foundCanary.toString()).toBe(eicarTestFile);
    expect(cleanCanary.toString()).toMatch(/^[ -~]+\n$/);
    let bytes = limitsCanary();
    expect(bytes.length).toBeLessThan(4096);
    let depth = 0;
    for (; bytes.readUInt16BE(0) === 0x1f8b; depth++) bytes = gunzipSync(bytes);
    expect(depth).toBe(101);
  });

  it.each<[Parameters<typeof limitAlertsOf>[0], LimitAlerts]>([
    [{ kind: 'ok' }, 'silent'],
    [{ kind: 'found', signature: 'Heuristics.Limits.Exceeded.MaxRecursion' }, 'on'],
    [{ kind: 'found', signature: 'Win.Test' }, 'unknown'],
    [{ kind: 'failed' }, 'unknown'],
    [{ kind: 'size-limit' }, 'unknown'],
  ])('of limits, answered %j: %s', (reply, expected) => {
    expect(limitAlertsOf(reply)).toBe(expected);
  });
});

describe('a look', () => {
  it.each<[string, () => unknown, EndpointState, RegExp]>([
    ['is well', () => undefined, 'ready', /^ClamAV 1\.4\.6/],
    ['calls EICAR clean', () => (clamd.ofEicar = 'stream: OK\0'), 'lying', /called EICAR clean/],
    [
      'says OK without being asked',
      () => (clamd.usual = { step: 'interrupt', words: 'stream: OK\0' }),
      'dead',
      /not a clamd/,
    ],
    ['finds a harmless line', () => (clamd.ofClean = 'stream: X FOUND\0'), 'dead', /harmless line/],
    [
      'cannot scan',
      () => (clamd.ofEicar = "stream: Can't write to file ERROR\0"),
      'dead',
      /Can't write to file/,
    ],
    [
      'finds only a limit in EICAR',
      () => (clamd.ofEicar = 'stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0'),
      'dead',
      /Heuristics/,
    ],
    [
      'has a full queue',
      () => (clamd.stats = fullStats),
      'busy',
      /all 10 threads.* 25 streams wait/,
    ],
    ['is something else', () => (clamd.version = '220 ESMTP'), 'ready', /no version: '220 ESMTP'/],
    [
      'is nothing that we know',
      () => Object.assign(clamd, { version: '220 ESMTP', pong: '500 what?\0' }),
      'dead',
      /not a clamd/,
    ],
    [
      'closes without an answer',
      () => (clamd.version = undefined),
      'starting',
      /without an answer/,
    ],
  ])('at a clamd that %s', async (_, arrangement, state, detail) => {
    arrangement();
    await watch.look();
    expect(endpoint.state).toBe(state);
    expect(endpoint.health.detail).toMatch(detail);
  });

  it.each<[string, () => unknown, EndpointState]>([
    ['VERSION', () => (clamd.usual = { step: 'hang' }), 'starting'],
    ['STATS', () => (clamd.stats = undefined), 'busy'],
    ['the canary', () => (clamd.ofEicar = undefined), 'busy'],
    ['the harmless line', () => (clamd.ofClean = undefined), 'busy'],
  ])('does not wait for ever for %s', async (_, arrangement, state) => {
    arrangement();
    const look = watch.look();
    await nextLook();
    await look;
    expect(endpoint.state).toBe(state);
  });

  it('at one that answers what it was not sent to the end sees a liar', async () => {
    clamd.early = 'stream: Eicar-Test FOUND\0';
    await watch.look();
    expect(endpoint.state).toBe('lying');
    expect(endpoint.health.detail).toContain('before the end of the stream');
  });

  it('tries each address of a name, and asks for them anew each time', async () => {
    const port = Number(/\d+$/.exec(clamd.address.name)?.[0]);
    const named = { name: 'tcp://clamd.example:1', connect: { host: 'clamd.example', port } };
    Object.defineProperty(clamd, 'address', { value: named });
    let asked = 0;
    arrange((_host, _options, answer) => {
      asked++;
      // 127.0.0.2 has no listener there.
      answer(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    });
    await watch.look();
    expect(endpoint.state).toBe('ready');
    const before = asked;
    await watch.look();
    expect(asked).toBeGreaterThan(before);
  });
});

const fullStats = 'THREADS: live 10  idle 0 max 10 idle-timeout 30\nQUEUE: 25 items\nEND\0';

describe('the limits of a clamd that is watched', () => {
  it.each<[string, LimitAlerts]>([
    [speaks, 'on'],
    ['stream: OK\0', 'silent'],
    ['stream: x ERROR\0', 'unknown'],
  ])('said %j of the canary: %s', async (words, expected) => {
    clamd.ofCanary = words;
    expect(alerts()).toBe('unknown');
    await watch.look();
    expect(alerts()).toBe(expected);
  });

  it.each<[string, () => void]>([
    ['its version moved', () => (clamd.version = 'ClamAV 1.4.6/27001/Fri Nov 21 2025')],
    ['its engine moved', () => (clamd.version = 'ClamAV 1.4.7/27000/Thu Nov 20 2025')],
    ['it does not answer', () => (clamd.version = undefined)],
  ])('are not known any more once %s', async (_, move) => {
    await watch.look();
    move();
    await versions.since(versions.mark());
    expect(alerts()).toBe('unknown');
  });

  it('are asked about again when it was away, for it may be another one now', async () => {
    await watch.look();
    clamd.version = undefined;
    await watch.look();
    Object.assign(clamd, { version: first, ofCanary: 'stream: OK\0' });
    await watch.look();
    expect(alerts()).toBe('silent');
  });

  it('are told of once for each change', async () => {
    watch.start();
    await until(() => looks === 1, 'the first look');
    for (const [version, words] of [
      [first, speaks],
      ['ClamAV 1.4.6/27001/Thu Nov 20 2025', 'stream: OK\0'],
      ['ClamAV 1.4.6/27002/Thu Nov 20 2025', 'stream: OK\0'],
    ] as const) {
      Object.assign(clamd, { version, ofCanary: words });
      await nextLook();
    }
    expect(told).toEqual(['on', 'silent']);
  });
});

describe('the canary is shown', () => {
  it('once, and not again while nothing changes', async () => {
    await watch.look();
    const { canaries } = clamd;
    await watch.look();
    expect([clamd.canaries, clamd.connections]).toEqual([canaries, 0]);
  });

  it('when the version moved, and a liar is found out', async () => {
    await watch.look();
    Object.assign(clamd, { version: 'ClamAV 1.4.6/1/Fri Nov 21 2025', ofEicar: 'stream: OK\0' });
    await watch.look();
    expect(states).toEqual(['ready', 'lying']);
  });

  it('when it was away', async () => {
    await watch.look();
    clamd.version = undefined;
    await watch.look();
    Object.assign(clamd, { version: first, ofEicar: 'stream: OK\0' });
    await watch.look();
    expect(states).toEqual(['ready', 'starting', 'lying']);
  });

  it('every few minutes', async () => {
    await watch.look();
    clamd.ofEicar = 'stream: OK\0';
    clock.advance(299_999);
    await watch.look();
    expect(endpoint.state).toBe('ready');
    clock.advance(1);
    await watch.look();
    expect(endpoint.state).toBe('lying');
  });

  it('to a liar again and again, until it is right', async () => {
    clamd.ofEicar = 'stream: OK\0';
    watch.start();
    await until(() => looks === 1, 'the first look');
    await nextLook();
    expect(states).toEqual(['lying']);
    clamd.ofEicar = 'stream: Eicar FOUND\0';
    await nextLook();
    expect(states).toEqual(['lying', 'ready']);
  });

  it('though it fell into doubt while it was looked at', async () => {
    await watch.look();
    const { canaries } = clamd;
    wanted = true;
    Object.defineProperty(clamd, 'stats', {
      get: () => {
        // It was found that no canary is due; and what comes of this look is that all is right.
        if (clamd.canaries === canaries) endpoint.learn({ kind: 'suspect', detail: 'was drained' });
        return 'END\0';
      },
    });
    await watch.look();
    expect(endpoint.state).toBe('starting');
    await until(() => endpoint.state === 'ready', 'it is ready again');
    expect(clamd.canaries).toBeGreaterThan(canaries);
  });
});

describe('it is looked at', () => {
  it('every five seconds while it is ready', async () => {
    watch.start();
    await until(() => looks === 1 && clock.pending === 1, 'the first look');
    clock.advance(4999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.pending).toBe(1);
    clock.advance(1);
    await until(() => looks === 2, 'the second');
  });

  it('more and more seldom while it is away, and each second when mail waits', async () => {
    await clamd.stop();
    watch.start();
    const pauses: number[] = [];
    for (let i = 1; i <= 7; i++) {
      await until(() => looks === i && clock.pending === 1, 'a look');
      if (i === 6) wanted = true;
      const at = clock.monotonic();
      if (wanted) watch.want();
      while (clock.pending === 1) clock.advance(50);
      pauses.push(clock.monotonic() - at);
    }
    // The first two find the same state that it was taken to be in.
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 10_000, 1000, 1000]);
    clamd = await FakeClamd.start();
  });

  it('at once when somebody wants it who never looked, and not at all when nobody does', async () => {
    expect(clock.pending).toBe(0);
    wanted = true;
    watch.want();
    await until(() => endpoint.state === 'ready', 'it is ready');
    expect(clock.pending).toBe(0);
  });

  it('no more when it is not in the configuration any more', async () => {
    watch.start();
    await until(() => looks === 1 && clock.pending === 1, 'the first look');
    watch.adjust([]);
    expect(clock.pending).toBe(0);
  });
});

describe('up to which size it looks at a file', () => {
  const MiB = 2 ** 20;
  const silent = 'stream: OK\0';
  const limitedTo =
    (bytesMax: number) =>
    (bytes: number): string =>
      bytes > bytesMax ? silent : 'stream: Eicar-Test FOUND\0';
  const known = (): number | undefined => watch.limits(endpoint).fileBytesMax;

  beforeEach(() => {
    clamd.ofCanary = silent;
    suspected = 25 * MiB;
  });

  it('is asked once where that is enough', async () => {
    await watch.look();
    expect(clamd.sizes).toEqual([25 * MiB]);
    expect(known()).toBe(25 * MiB);
    expect(endpoint.state).toBe('ready');
    clock.advance(400_000);
    await watch.look();
    expect(clamd.sizes).toHaveLength(1);
  });

  it.each([0.2, 1, 5.3, 10, 24.9])('is found out where it is less: %s MiB', async (mib) => {
    clamd.ofSize = limitedTo(mib * MiB);
    await watch.look();
    expect(known()).toBeLessThanOrEqual(mib * MiB);
    expect(known()).toBeGreaterThan((mib - 0.2) * MiB);
    expect(clamd.sizes.length).toBeLessThan(12);
    expect(sizesTold).toEqual([known()]);
  });

  it.each([
    ['tells of its limits', () => (clamd.ofCanary = 'stream: Heuristics.Limits.Exceeded FOUND\0')],
    ['is known from its own configuration', () => (suspected = undefined)],
  ])('is not asked of one that %s', async (_, arranged) => {
    arranged();
    await watch.look();
    expect(clamd.sizes).toEqual([]);
    expect(known()).toBeUndefined();
  });

  it('cannot be told of one that looks into no archives, and is not asked again', async () => {
    clamd.ofSize = () => silent;
    await watch.look();
    expect(known()).toBe(Infinity);
    expect(clamd.sizes).toHaveLength(2);
    clock.advance(400_000);
    await watch.look();
    expect(clamd.sizes).toHaveLength(2);
  });

  it('is known before the first mail, and found out anew while there is mail', async () => {
    const states: string[] = [];
    clamd.ofSize = (bytes) => {
      states.push(endpoint.state);
      return limitedTo(Infinity)(bytes);
    };
    await watch.look();
    expect(endpoint.state).toBe('ready');
    clamd.version = 'ClamAV 1.4.6/27001/Fri Nov 21 2025';
    await watch.look();
    expect(states).toEqual(['starting', 'ready']);
  });

  it('that was not answered is the least, and is asked for at each look until it is', async () => {
    clamd.ofSize = () => 'stream: Time limit reached ERROR\0';
    // It is held back meanwhile, but not for ever.
    for (let look = 1; look <= 5; look++) {
      await watch.look();
      expect([endpoint.state, clamd.sizes.length]).toEqual(['starting', look]);
    }
    watch.start();
    await until(() => endpoint.state === 'ready', 'it is held back no longer');
    expect([endpoint.state, known(), clamd.sizes.length]).toEqual(['ready', leastBytes, 6]);
    expect(sizesTold).toEqual([leastBytes]);
    const { canaries } = clamd;
    await nextLook();
    await until(() => clamd.sizes.length === 7, 'it is asked again');
    expect(sizesTold).toEqual([leastBytes]);
    expect(known()).toBe(leastBytes);
    clamd.ofSize = limitedTo(10 * MiB);
    await nextLook();
    await until(() => known() !== leastBytes, 'it is known');
    expect(known()).toBeLessThanOrEqual(10 * MiB);
    expect(clamd.canaries).toBe(canaries);
    const asked = clamd.sizes.length;
    await nextLook();
    expect(clamd.sizes).toHaveLength(asked);
  });

  it('that is answered at last lets it have mail', async () => {
    clamd.ofSize = () => 'stream: Time limit reached ERROR\0';
    await watch.look();
    clamd.ofSize = limitedTo(Infinity);
    await watch.look();
    expect([endpoint.state, known()]).toEqual(['ready', 25 * MiB]);
  });

  it('is the least of one that nobody has looked at', () => {
    expect(known()).toBe(leastBytes);
    suspected = 1000;
    expect(known()).toBe(1000);
  });

  it('is not the least of one that told of its limits, while it is asked anew', async () => {
    clamd.ofCanary = speaks;
    await watch.look();
    clamd.version = 'ClamAV 1.4.6/27001/Fri Nov 21 2025';
    await versions.read(endpoint.address);
    expect([alerts(), known()]).toEqual(['unknown', undefined]);
    clamd.ofCanary = silent;
    clamd.ofSize = () => 'stream: Time limit reached ERROR\0';
    await watch.look();
    expect([endpoint.state, alerts(), known()]).toEqual(['ready', 'silent', leastBytes]);
  });

  it('is asked with each canary of one that tells no version', async () => {
    clamd.version = 'COMMAND UNAVAILABLE';
    clamd.ofSize = limitedTo(10 * MiB);
    await watch.look();
    expect([endpoint.state, known()]).toEqual(['ready', sizesTold[0]]);
    expect(known()).toBeLessThanOrEqual(10 * MiB);
    const asked = clamd.sizes.length;
    await watch.look();
    expect(clamd.sizes).toHaveLength(asked);
    clock.advance(300_000);
    clamd.ofSize = limitedTo(Infinity);
    await watch.look();
    expect(known()).toBe(25 * MiB);
  });

  it('holds until it is found out of the next version', async () => {
    await watch.look();
    clamd.version = 'ClamAV 1.4.6/27001/Fri Nov 21 2025';
    clamd.ofSize = limitedTo(10 * MiB);
    await versions.read(endpoint.address);
    expect(known()).toBe(25 * MiB);
    await watch.look();
    expect(known()).toBeLessThanOrEqual(10 * MiB);
    expect(sizesTold).toEqual([25 * MiB, known()]);
  });

  it('is asked anew where ours is another now', async () => {
    await watch.look();
    suspected = 50 * MiB;
    clock.advance(400_000);
    await watch.look();
    expect(clamd.sizes).toEqual([25 * MiB, 50 * MiB]);
  });
});

describe('the size canary', () => {
  it.each([64 * 1024, 1_000_000, 25 * 2 ** 20])(
    'comes to its size, and is small: %s',
    async (bytes) => {
      const packed = await sizeCanary(bytes);
      expect(packed.length).toBeLessThan(2048 + bytes / 500);
      const tar = gunzipSync(packed);
      expect(tar.length).toBe(bytes);
      expect(tar.toString('latin1', 257, 262)).toBe('ustar');
    },
  );
});

describe('a clamd that ends between two looks', () => {
  beforeEach(async () => {
    await watch.look();
    expect([endpoint.state, clamd.canaries, clamd.idle]).toEqual(['ready', 3, 1]);
  });

  it('has to show its canary before it gets mail again, though its version is the same', async () => {
    clamd.ofEicar = 'stream: OK\0';
    clamd.endIdle();
    await until(() => endpoint.state !== 'ready', 'the end is heard of');
    expect(endpoint.isOpen).toBe(false);
    await until(() => endpoint.state === 'lying', 'the canary');
    expect(states).toEqual(['ready', 'starting', 'lying']);
  });

  it('is believed again when its canary is right, and its limits are asked anew', async () => {
    const { canaries } = clamd;
    clamd.endIdle();
    await until(() => states.length === 3, 'the canary');
    expect([states, clamd.canaries]).toEqual([['ready', 'starting', 'ready'], canaries + 3]);
    await until(() => clamd.idle === 1, 'a connection to the new one');
  });

  it('is not one that says why it waits no longer for a command', async () => {
    clamd.endIdle('COMMAND READ TIMED OUT\n');
    await until(() => clamd.idle === 0, 'its end');
    await watch.look();
    expect([states, clamd.canaries, clamd.idle]).toEqual([['ready'], 3, 1]);
  });

  it('is not believed for a canary that it showed before', async () => {
    clock.advance(300_000);
    let ended = false;
    Object.defineProperty(clamd, 'ofClean', {
      get: () => {
        if (!ended) clamd.endIdle();
        ended = true;
        return 'stream: OK\0';
      },
    });
    watch.start();
    const isOver = (): boolean => states.length === 3 && clamd.idle === 1;
    await until(() => {
      if (ended && !isOver()) clock.advance(100);
      return isOver();
    }, 'all has come to an end');
    expect(states).toEqual(['ready', 'starting', 'ready']);
    // Two at least were in vain; then all three.
    expect(clamd.canaries).toBeGreaterThanOrEqual(3 + 2 + 3);
  });

  it('is held to one connection, which is made anew every ten seconds', async () => {
    const before = clamd.connected;
    clock.advance(9_000);
    await watch.look();
    expect([clamd.connected - before, clamd.idle]).toEqual([2, 1]);
    clock.advance(1_000);
    await watch.look();
    await until(() => clamd.idle === 1, 'the old one is let go');
    expect([clamd.connected - before, states]).toEqual([2 + 2 + 1, ['ready']]);
  });

  it('is let go with the watch, and with its place in the pool', async () => {
    watch.adjust([]);
    await until(() => clamd.idle === 0, 'it is let go');
    watch.adjust([endpoint]);
    await watch.look();
    watch.close();
    await until(() => clamd.idle === 0, 'it is let go');
    expect(states).toEqual(['ready']);
  });
});
