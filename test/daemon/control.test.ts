import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Control } from '../../src/daemon/control.ts';
import type { Compacted, LedgerActions } from '../../src/daemon/control-ledger.ts';
import type { HandSettled, HandSettlement } from '../../src/engine/hand-settlement.ts';
import { Recent } from '../../src/daemon/control-recent.ts';
import { StatusReport, type StatusSources } from '../../src/daemon/control-status.ts';
import { History } from '../../src/daemon/history.ts';
import { Metrics } from '../../src/daemon/metrics.ts';
import { OperationalError } from '../../src/errors.ts';
import type { EndpointActions } from '../../src/daemon/control-endpoints.ts';
import type { EndpointStatus } from '../../src/scan/endpoint-status.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aStatus, someLoad } from '../support/pool.ts';
import { aRecord } from '../support/record.ts';

const refused = aStatus({ ok: false, state: 'dead', detail: 'refused' });

const healthy: StatusSources = {
  version: '1.2.3',
  started: 0,
  listening: () => ['127.0.0.1:10024'],
  stopping: () => false,
  load: () => ({ sessions: 3, transactions: 2, waiting: 1 }),
  clamd: () => [refused, aStatus({ endpoint: 'unix:/b', detail: 'ClamAV 1.4' })],
  scanning: () => someLoad,
  quarantine: () => Promise.resolve({ messages: 5, bytes: 500 }),
  ledger: () => Promise.resolve({ usable: true, unsettled: 7, inDoubt: 2, bytes: 4096 }),
  ledgerProblem: () => undefined,
};

/** Does nothing and says so. */
class StandInLedger implements LedgerActions {
  readonly orders: HandSettlement[] = [];
  compacted = 0;
  failure: Error | undefined;

  settle(order: HandSettlement): Promise<HandSettled> {
    if (this.failure) return Promise.reject(this.failure);
    this.orders.push(order);
    return Promise.resolve({ kind: 'nothing-open' });
  }

  compact(): Promise<Compacted> {
    this.compacted++;
    return Promise.resolve({ before: 2, after: 1 });
  }
}

/** Knows one endpoint. */
class StandInEndpoints implements EndpointActions {
  readonly orders: string[] = [];

  drain(endpoint: string, forMs: number): EndpointStatus | undefined {
    this.orders.push(`drain ${endpoint} ${forMs}`);
    return endpoint === 'unix:/a' ? aStatus({ inflight: 3, draining: true }) : undefined;
  }

  resume(endpoint: string): EndpointStatus | undefined {
    this.orders.push(`resume ${endpoint}`);
    return endpoint === 'unix:/a' ? aStatus({ inflight: 0 }) : undefined;
  }
}

let folder: string;
let path: string;
let history: History;
let open: Control[];
let ledger: StandInLedger;
let endpoints: StandInEndpoints;
const faults: unknown[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clamgate-control-'));
  path = join(folder, 'control.sock');
  history = new History(10);
  open = [];
  ledger = new StandInLedger();
  endpoints = new StandInEndpoints();
  faults.length = 0;
});

afterEach(async () => {
  await Promise.all(open.map((control) => control.close()));
  rmSync(folder, { recursive: true });
});

function controlOver(change: Partial<StatusSources> = {}): Control {
  const report = new StatusReport({ ...healthy, ...change }, new FakeClock());
  const onFault = (error: unknown) => faults.push(error);
  const sources = { report, metrics: new Metrics(), history };
  const control = new Control({ sources, changeable: { ledger, endpoints }, onFault });
  open.push(control);
  return control;
}

async function serving(change: Partial<StatusSources> = {}): Promise<void> {
  await controlOver(change).open(`unix:${path}`);
}

interface Answer {
  status: number | undefined;
  type: string | undefined;
  body: string;
  /** What a browser would take for leave. */
  allowed?: string | undefined;
}

function ask(target: string, options: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: path, path: target, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        const { 'content-type': type, 'access-control-allow-origin': allowed } = response.headers;
        resolve({ status: response.statusCode, type, body, allowed });
      });
    });
    asking.on('error', reject).end();
  });
}

describe('the pages', () => {
  test('/healthz: the process lives, whatever else', async () => {
    await serving({ listening: () => [], clamd: () => [] });
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test.each<[string, Partial<StatusSources>, number, RegExp]>([
    ['listening, and a clamd answers', {}, 200, /^ready\n$/],
    ['no listener', { listening: () => [] }, 503, /^no listener is open\n$/],
    ['going down', { stopping: () => true }, 503, /^the daemon is going down\n$/],
    [
      'no clamd answers',
      { clamd: () => [refused] },
      503,
      /^no clamd is ready; unix:\/a dead: refused\n$/,
    ],
    [
      'the only clamd is drained',
      { clamd: () => [aStatus({ draining: true }), refused] },
      503,
      /^only drained clamds are ready: unix:\/a\n$/,
    ],
    [
      'one of two is drained',
      { clamd: () => [aStatus({ draining: true }), aStatus({})] },
      200,
      /^ready\n$/,
    ],
    [
      'everything at once',
      { listening: () => [], stopping: () => true, clamd: () => [] },
      503,
      /going down\nno listener is open\nno clamd is ready\n$/,
    ],
  ])('/readyz: %s', async (_, change, status, body) => {
    await serving(change);
    const page = await ask('/readyz');
    expect(page.status).toBe(status);
    expect(page.body).toMatch(body);
  });

  /** `aStatus` as it is shown. */
  const shown = {
    endpoint: 'unix:/a',
    ok: true,
    state: 'ready',
    since: '1970-01-01T00:00:00.000Z',
    inflight: 2,
    limit: 8,
    draining: false,
    engine: '1.4.6',
    database: 27000,
    databaseDate: '2025-11-20T08:50:33.000Z',
    limitAlerts: 'on',
  };

  test('/status: what is known', async () => {
    await serving();
    const page = await ask('/status');
    expect(page.type).toBe('application/json');
    expect(JSON.parse(page.body)).toEqual({
      version: '1.2.3',
      started: '1970-01-01T00:00:00.000Z',
      ready: true,
      reasons: [],
      listening: ['127.0.0.1:10024'],
      load: { sessions: 3, transactions: 2, waiting: 1 },
      clamd: [
        { ...shown, ok: false, state: 'dead', detail: 'refused' },
        { ...shown, endpoint: 'unix:/b', detail: 'ClamAV 1.4' },
      ],
      scanning: someLoad,
      quarantine: { messages: 5, bytes: 500 },
      ledger: { usable: true, unsettled: 7, inDoubt: 2, bytes: 4096 },
    });
  });

  test('/status: a quarantine that cannot be read is missing', async () => {
    await serving({ quarantine: () => Promise.reject(new Error()) });
    expect(JSON.parse((await ask('/status')).body)).not.toHaveProperty('quarantine');
  });

  test.each<[string, StatusSources['ledger']]>([
    ['is switched off', () => Promise.resolve(undefined)],
    ['cannot be looked at', () => Promise.reject(new Error())],
  ])('/status and /metrics: a ledger that %s is missing', async (_, asked) => {
    await serving({ ledger: asked });
    expect(JSON.parse((await ask('/status')).body)).not.toHaveProperty('ledger');
    expect((await ask('/metrics')).body).not.toContain('clamgate_ledger_');
  });

  test('/metrics: for Prometheus', async () => {
    await serving();
    const page = await ask('/metrics');
    expect(page.type).toMatch(/^text\/plain; version=/);
    expect(page.body).toMatch(/^clamgate_clamd_up\{endpoint="unix:\/b"\} 1$/m);
    expect(page.body).toMatch(/^clamgate_sessions 3$/m);
    expect(page.body).toMatch(/^clamgate_quarantine_bytes 500$/m);
    expect(page.body).toMatch(/^clamgate_ledger_in_doubt 2$/m);
  });

  test.each([
    ['', ['3', '2', '1']],
    ['?limit=1', ['3']],
    ['?id=2', ['2']],
    ['?message-id=%3Ca%2Bb@x%3E', ['1']],
    ['?queue-id=Q2', ['2']],
    ['?queue-id=Q2&message-id=other', []],
  ])('/transactions%s', async (query, ids) => {
    history.add(aRecord({ id: '1', messageId: '<a+b@x>' }));
    history.add(aRecord({ id: '2', queueId: 'Q2' }));
    history.add(aRecord({ id: '3' }));
    await serving();
    const { transactions } = JSON.parse((await ask(`/transactions${query}`)).body) as {
      transactions: { id: string }[];
    };
    expect(transactions.map(({ id }) => id)).toEqual(ids);
  });

  test('what a sender smuggled in reaches no terminal', async () => {
    history.add(aRecord({ messageId: '\u001b[2J\u009b' }));
    await serving();
    const { body } = await ask('/transactions');
    expect(body).toMatch(/^[\x20-\x7e]+\n$/);
    expect(body).toContain('\\u009b');
  });

  test.each([
    ['GET', '/nowhere', 404],
    ['GET', '/', 404],
    ['GET', '/transactions?limit=0', 400],
    ['GET', '/transactions?limit=1001', 400],
    ['GET', '/transactions?limit=x', 400],
    ['GET', '/transactions?messageid=x', 400],
    ['POST', '/healthz', 405],
    ['DELETE', '/healthz', 405],
    ['HEAD', '/healthz', 200],
  ])('%s %s: %d', async (method, target, status) => {
    await serving();
    expect((await ask(target, { method })).status).toBe(status);
  });

  test('a request line without end is 431', async () => {
    await serving();
    expect((await ask(`/${'x'.repeat(9000)}`)).status).toBe(431);
  });

  test('a page that breaks is 500, and the endpoint goes on', async () => {
    await serving({
      load: () => {
        throw new Error('broken');
      },
    });
    expect((await ask('/status')).status).toBe(500);
    expect(faults).toEqual([new Error('broken')]);
    expect((await ask('/healthz')).status).toBe(200);
  });

  test('what is not HTTP is 400', async () => {
    await serving();
    const socket = connect(path).end('EHLO example.org\r\n\r\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('what drains a clamd', () => {
  const headers = { 'x-clamgate': '1' };
  const post = (target: string): Promise<Answer> => ask(target, { method: 'POST', headers });

  test('for a while, and gives it mail again', async () => {
    await serving();
    const drained = await post('/endpoints/drain?endpoint=unix%3A%2Fa&for=600');
    expect([drained.status, JSON.parse(drained.body)]).toEqual([
      200,
      { endpoint: 'unix:/a', inflight: 3 },
    ]);
    const resumed = await post('/endpoints/resume?endpoint=unix:/a');
    expect([resumed.status, JSON.parse(resumed.body)]).toEqual([
      200,
      { endpoint: 'unix:/a', inflight: 0 },
    ]);
    expect(endpoints.orders).toEqual(['drain unix:/a 600000', 'resume unix:/a']);
  });

  test.each([
    ['/endpoints/drain?endpoint=unix:/b&for=600', 404],
    ['/endpoints/drain?for=600', 404],
    ['/endpoints/resume?endpoint=', 404],
    ['/endpoints/drain?endpoint=unix:/a', 400],
    ['/endpoints/drain?endpoint=unix:/a&for=0', 400],
    ['/endpoints/drain?endpoint=unix:/a&for=14401', 400],
    ['/endpoints/drain?endpoint=unix:/a&for=1.5', 400],
    ['/endpoints/drain?endpoint=unix:/a&for=600&force=1', 400],
    ['/endpoints/resume?endpoint=unix:/a&for=600', 400],
  ])('POST %s: %d', async (target, status) => {
    await serving();
    expect((await post(target)).status).toBe(status);
  });

  test('only by who says so, and not by looking', async () => {
    await serving();
    const target = '/endpoints/drain?endpoint=unix:/a&for=600';
    expect((await ask(target, { method: 'POST' })).status).toBe(403);
    expect((await ask(target)).status).toBe(405);
    expect(endpoints.orders).toEqual([]);
  });
});

describe('what changes the ledger', () => {
  const settling = '/ledger/settle?attempt=a1&state=delivered';
  const headers = { 'x-clamgate': '1' };

  test('settles what was asked for', async () => {
    await serving();
    const page = await ask(`${settling}&recipient=b%2Bc@x&recipient=d`, {
      method: 'POST',
      headers,
    });
    expect([page.status, JSON.parse(page.body)]).toEqual([200, { kind: 'nothing-open' }]);
    await ask('/ledger/settle?attempt=a2&state=aborted', { method: 'POST', headers });
    expect(ledger.orders).toEqual([
      { attempt: 'a1', state: 'delivered', recipients: ['b+c@x', 'd'] },
      { attempt: 'a2', state: 'aborted' },
    ]);
  });

  test('compacts', async () => {
    await serving();
    const page = await ask('/ledger/compact', { method: 'POST', headers });
    expect(JSON.parse(page.body)).toEqual({ before: 2, after: 1 });
  });

  test.each([
    ['POST', '/ledger/settle?state=delivered', 400],
    ['POST', '/ledger/settle?attempt=a1', 400],
    ['POST', '/ledger/settle?attempt=a1&state=sending', 400],
    ['POST', `${settling}&recipients=b`, 400],
    ['GET', settling, 405],
    ['HEAD', '/ledger/compact', 405],
    ['POST', '/ledger', 405],
    ['POST', '/ledger/settle/', 405],
  ])('%s %s: %d, and nothing done', async (method, target, status) => {
    await serving();
    expect((await ask(target, { method, headers })).status).toBe(status);
    expect([ledger.orders, ledger.compacted]).toEqual([[], 0]);
  });

  test('that cannot be written is 503, in its own words; a fault of ours is 500', async () => {
    await serving();
    ledger.failure = new OperationalError('STORE', 'the disk is full');
    const page = await ask(settling, { method: 'POST', headers });
    expect(page).toMatchObject({ status: 503, body: 'the disk is full\n' });
    ledger.failure = new Error('broken');
    expect((await ask(settling, { method: 'POST', headers })).status).toBe(500);
    expect(faults).toEqual([ledger.failure]);
  });

  /** A page in a browser on this machine can make these; whoever has a shell can make others. */
  describe('is not for web pages', () => {
    const form = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'http://evil.test',
    };
    test.each<[string, string, Record<string, string>, number]>([
      ['a form, to the address', 'POST', form, 403],
      ['a form, by a name that was made to point here', 'POST', { host: 'evil.test' }, 403],
      ['a script, by such a name', 'POST', { host: 'evil.test:80', ...headers }, 403],
      [
        'a script, to the address: the browser asks first',
        'OPTIONS',
        { origin: 'http://evil.test', 'access-control-request-headers': 'x-clamgate' },
        405,
      ],
      ['our own command line', 'POST', headers, 200],
    ])('%s', async (_, method, sent, status) => {
      const port = await freePort();
      await controlOver().open(`127.0.0.1:${port}`);
      const where = { socketPath: undefined, host: '127.0.0.1', port };
      const page = await ask(settling, { ...where, method, headers: sent });
      expect(page.status).toBe(status);
      expect(page.allowed).toBeUndefined();
      expect(ledger.orders.length).toBe(status === 200 ? 1 : 0);
    });
  });
});

describe('where it listens', () => {
  test.each(['0.0.0.0:8025', '[::]:8025', '192.0.2.1:8025', 'mx.example.org:8025', 'nonsense'])(
    'not on %s',
    async (address) => {
      const opening = controlOver().open(address);
      await expect(opening).rejects.toThrow(OperationalError);
      await expect(opening).rejects.toThrow(/could be reached from other machines/);
    },
  );

  test('a Unix socket is for owner and group, and goes with the daemon', async () => {
    const control = controlOver();
    await control.open(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await control.close();
    expect(() => statSync(path)).toThrow();
  });

  test('a socket that a killed daemon left is replaced', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(statSync(path).isSocket()).toBe(true);
    await serving();
    expect((await ask('/healthz')).status).toBe(200);
  });

  test('a socket on which another daemon answers is an error, and left to it', async () => {
    await serving();
    await expect(serving()).rejects.toThrow(/in use/);
    expect((await ask('/healthz')).status).toBe(200);
  });

  test('a file that is no socket is an error, and left alone', async () => {
    writeFileSync(path, 'precious');
    await expect(serving()).rejects.toThrow(/not a socket/);
    expect(statSync(path).size).toBe(8);
  });

  test.each([
    ['127.0.0.1', 200],
    ['localhost:80', 200],
    ['[::1]:80', 200],
    ['rebound.example.org', 403],
    ['127.0.0.1.example.org:80', 403],
  ])('on a port, asked for as %s: %d', async (host, status) => {
    const port = await freePort();
    await controlOver().open(`127.0.0.1:${port}`);
    const options = { socketPath: undefined, host: '127.0.0.1', port, headers: { host } };
    expect((await ask('/healthz', options)).status).toBe(status);
  });
});

async function freePort(): Promise<number> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('an answer that is dear to get', () => {
  const unexpected = () => Promise.reject(new Error('asked too often'));
  function counted(results: (() => Promise<string>)[]) {
    const clock = new FakeClock();
    let asked = 0;
    const recent = new Recent(() => (results[asked++] ?? unexpected)(), 100, clock);
    return { clock, recent, asked: () => asked };
  }

  test('is the same for all who ask within its time', async () => {
    const { clock, recent, asked } = counted([
      () => Promise.resolve('a'),
      () => Promise.resolve('b'),
    ]);
    expect(await Promise.all([recent.get(), recent.get()])).toEqual(['a', 'a']);
    clock.advance(99);
    expect(await recent.get()).toBe('a');
    clock.advance(1);
    expect(await recent.get()).toBe('b');
    expect(asked()).toBe(2);
  });

  test('is asked for again after a failure', async () => {
    const { recent } = counted([() => Promise.reject(new Error('no')), () => Promise.resolve('b')]);
    await expect(recent.get()).rejects.toThrow('no');
    expect(await recent.get()).toBe('b');
  });
});
