/**
 * Three real clamds behind the daemon, and what befalls clamds, while a trickle of mail goes through:
 * every message has its one end, and nobody sees more of it than a delay.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { setTimeout as delay } from 'node:timers/promises';
import { askControl, tellControl } from '../../src/cli/control-client.ts';
import { systemClock } from '../../src/clock.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import { ask, dial } from '../../src/scan/clamd-socket.ts';
import { scanStream } from '../../src/scan/clamd-stream.ts';
import { oneBlock } from '../../src/scan/stream-blocks.ts';
import { attachment, eicarFile, message, multipart, text } from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { PrivateClamd } from '../support/private-clamd.ts';
import { PrivateDaemon, type DaemonOptions } from '../support/private-daemon.ts';
import { startSink, type Sink } from '../support/sink.ts';
import { submit } from '../support/submit.ts';

jest.setTimeout(240_000);
const { signal } = new AbortController();
const dialling = { clock: systemClock, connectMs: 5000 };
const other = Buffer.from('something that is known as well');
/** Opening it takes clamd a while. */
const heavy = gzipSync(Buffer.alloc(90_000_000));

let clamds: PrivateClamd[];
let sink: Sink;
let daemon: PrivateDaemon;
let options: DaemonOptions;
let port: number;

const clamd = (index: number): PrivateClamd => clamds[index] as PrivateClamd;
const status = async (): Promise<Status> => (await askControl(daemon.control, '/status')) as Status;

async function untilStates(...expected: string[]): Promise<void> {
  const end = performance.now() + 90_000;
  for (;;) {
    const states = (await status()).clamd.map(({ state }) => state);
    if (states.join() === expected.join()) return;
    if (performance.now() > end) throw new Error(`states are ${states.join()}`);
    await delay(100);
  }
}

interface Sent {
  readonly id: string;
  readonly infected: boolean;
  readonly reply: string;
  readonly ms: number;
}

let count = 0;

/** Mail at a steady pace while `meanwhile` goes on, every fourth one infected. */
async function trickle(meanwhile: () => Promise<void>, infectedEvery = 4): Promise<Sent[]> {
  const over = new AbortController();
  const sent: Promise<Sent>[] = [];
  const mailing = (async () => {
    while (!over.signal.aborted || sent.length < 8) {
      sent.push(send(infectedEvery > 0 && sent.length % infectedEvery === 3));
      await delay(250);
    }
  })();
  await meanwhile().finally(() => {
    over.abort();
  });
  await mailing;
  return Promise.all(sent);
}

async function send(infected: boolean): Promise<Sent> {
  const id = `<${++count}@pool.test>`;
  const body = infected
    ? multipart('mixed', [text(), attachment('e.com', eicarFile)])
    : text(`Letter ${count}\r\n`);
  const fields = ['From: a@client.test', 'To: b@sink.test', `Message-ID: ${id}`, 'Subject: x'];
  const began = performance.now();
  const data = message(body, fields);
  const [reply = ''] = await submit(port, { from: '<a@client.test>', to: ['<b@sink.test>'], data });
  return { id, infected, reply, ms: performance.now() - began };
}

/** Each was taken, came once if it is clean, and not at all if it is not. */
async function expectEnds(sent: readonly Sent[]): Promise<void> {
  const came = sink.messages.map(({ data }) => /^Message-ID: (\S+)/m.exec(data.toString())?.[1]);
  for (const { id, infected, reply } of sent) {
    expect([id, reply]).toEqual([id, expect.stringMatching(/^250 /)]);
    expect([id, came.filter((one) => one === id).length]).toEqual([id, infected ? 0 : 1]);
  }
  const kept = (await daemon.quarantine.list()).flatMap((item) =>
    item.kind === 'whole' ? [item.record.messageId] : [],
  );
  for (const { id } of sent.filter((one) => one.infected)) {
    expect(kept.filter((one) => one === id)).toHaveLength(1);
  }
}

describeNeeding(['clamd'], 'three clamds', () => {
  beforeAll(async () => {
    clamds = await Promise.all([
      PrivateClamd.start({ MaxThreads: '10' }),
      PrivateClamd.start({ ConcurrentDatabaseReload: 'no', MaxThreads: '10' }),
      PrivateClamd.start({ MaxThreads: '10' }),
    ]);
    for (const one of clamds) one.writeSignature(100, other);
    await Promise.all(clamds.map((one) => ask(one.unix, 'RELOAD', dialling, signal)));
    sink = await startSink();
    port = await freePort();
    options = {
      listeners: [
        { protocol: 'smtp', address: `127.0.0.1:${port}`, nextHop: `127.0.0.1:${sink.port}` },
      ],
      clamd: [clamd(0).unix.name, clamd(1).tcp.name, clamd(2).unix.name],
    };
    daemon = await PrivateDaemon.start(options);
    await untilStates('ready', 'ready', 'ready');
  });

  afterAll(async () => {
    await daemon.close();
    await sink.stop();
    await Promise.all(clamds.map((one) => one.close()));
  });

  it('are reloaded one after the other, in both ways, and tell of it', async () => {
    const sent = await trickle(async () => {
      for (const one of clamds) {
        one.writeSignature(101, other);
        expect(await ask(one.unix, 'RELOAD', dialling, signal)).toBe('RELOADING');
        await delay(1000);
      }
      const end = performance.now() + 60_000;
      while (!(await status()).clamd.every(({ database }) => database === 101)) {
        if (performance.now() > end) throw new Error(JSON.stringify((await status()).clamd));
        await delay(200);
      }
    });
    await untilStates('ready', 'ready', 'ready');
    await expectEnds(sent);
  });

  it('one is killed, and comes back', async () => {
    const sent = await trickle(async () => {
      await clamd(0).stop();
      await untilStates('starting', 'ready', 'ready');
      await clamd(0).restart();
      await untilStates('ready', 'ready', 'ready');
    });
    await expectEnds(sent);
  });

  it('one is frozen: what it had is scanned by another, long before it comes back', async () => {
    const sent = await trickle(async () => {
      clamd(1).pause();
      await untilStates('ready', 'reloading', 'ready');
      await delay(2000);
    });
    expect((await status()).clamd[1]?.state).toBe('reloading');
    await expectEnds(sent);
    clamd(1).resume();
    await untilStates('ready', 'ready', 'ready');
  });

  it('one loses its signatures: it is out until it has them again', async () => {
    // Until it is looked at it may call anything clean: mail that is, all the same.
    const clean = await trickle(async () => {
      clamd(2).knowsEicar(false);
      await ask(clamd(2).unix, 'RELOAD', dialling, signal);
      clamd(2).writeSignature(102, other);
      await ask(clamd(2).unix, 'RELOAD', dialling, signal);
      await untilStates('ready', 'ready', 'lying');
    }, 0);
    const sent = await trickle(() => delay(2000), 2);
    await expectEnds([...clean, ...sent]);
    await daemon.logged(/"level":"error","event":"clamd-lying"/);
    clamd(2).knowsEicar(true);
    await ask(clamd(2).unix, 'RELOAD', dialling, signal);
    await untilStates('ready', 'ready', 'ready');
  });

  it('one is busy with the work of others', async () => {
    const sent = await trickle(async () => {
      const flood = Array.from({ length: 40 }, () => drown(clamd(0)));
      await Promise.all(flood);
    });
    await expectEnds(sent);
    await untilStates('ready', 'ready', 'ready');
  });

  it('one is drained, and another left out and taken in by SIGHUP', async () => {
    const name = encodeURIComponent(clamd(0).unix.name);
    const sent = await trickle(async () => {
      await tellControl(daemon.control, `/endpoints/drain?endpoint=${name}&for=60`);
      while (((await status()).clamd[0]?.inflight ?? 1) > 0) await delay(50);
      expect((await status()).clamd[0]).toMatchObject({ draining: true, state: 'ready' });
      daemon.configure({ ...options, clamd: options.clamd.slice(0, 2) });
      daemon.signal('SIGHUP');
      while ((await status()).clamd.length !== 2) await delay(50);
      daemon.configure(options);
      daemon.signal('SIGHUP');
      while ((await status()).clamd.length !== 3) await delay(50);
      expect((await status()).clamd[0]?.draining).toBe(true);
      await tellControl(daemon.control, `/endpoints/resume?endpoint=${name}`);
      await untilStates('ready', 'ready', 'ready');
    });
    await expectEnds(sent);
  });

  describe('when only one is left', () => {
    beforeAll(async () => {
      daemon.configure({ ...options, clamd: [clamd(1).tcp.name] });
      daemon.signal('SIGHUP');
      while ((await status()).clamd.length !== 1) await delay(50);
    });

    it('mail waits while it is frozen, as in a blocking reload, and is scanned after it', async () => {
      const sent = await trickle(async () => {
        clamd(1).pause();
        await untilStates('reloading');
        await delay(1000);
        clamd(1).resume();
        await untilStates('ready');
      });
      await expectEnds(sent);
      expect(Math.max(...sent.map(({ ms }) => ms))).toBeGreaterThan(3000);
    });

    it('mail waits while it is away, and is scanned when it is back', async () => {
      const sent = await trickle(async () => {
        await clamd(1).stop();
        await untilStates('starting');
        await delay(2000);
        await clamd(1).restart();
        await untilStates('ready');
      });
      // What was in its hands when it died is put off, and comes again.
      const put = sent.filter(({ reply }) => reply.startsWith('451 4.7.1'));
      expect(put.length).toBeLessThanOrEqual(2);
      await expectEnds(sent.filter((one) => !put.includes(one)));
    });
  });
});

async function drown(victim: PrivateClamd): Promise<void> {
  const socket = await dial(victim.unix, { ...dialling, connectMs: 60_000 }, signal);
  const settings = {
    clock: systemClock,
    silenceMs: 120_000,
    streamBytesMax: 25_000_000,
    released: () => undefined,
  };
  await scanStream(socket, { first: oneBlock([heavy]), rest: undefined }, settings, signal);
}
