import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { main } from '../../src/cli/main.ts';
import type { Content } from '../../src/content.ts';
import type { Path } from '../../src/envelope.ts';
import { nodeFiles } from '../../src/store/files.ts';
import type { QuarantineRecord } from '../../src/store/quarantine-record.ts';
import { Quarantine, type QuarantineEntry } from '../../src/store/quarantine.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeNextHop } from '../support/fake-next-hop.ts';

const noon = Date.UTC(2025, 0, 31, 12);
const day = 24 * 3_600_000;

/** What clients and servers are tempted to change: dots, 8-bit, NUL, bare CR, long lines, blanks. */
const awkward = Buffer.from(
  `Subject: x \r\n\r\n.\r\n..\r\n.dot\r\n\xe4\xff\0\r\na bare \r and \r\r\n${'x'.repeat(2000)}\r\n \t\r\n\r\n`,
  'latin1',
);
const disarmable = Buffer.from('Subject: x\r\n\r\n.\r\nbefore\r.\rafter \xe4\r\n', 'latin1');

let directory: string;
let hop: FakeNextHop;
let clock: FakeClock;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clamgate-quarantine-'));
  hop = await FakeNextHop.start();
  clock = new FakeClock(noon);
  await configure(hop.address);
});

afterEach(async () => {
  await hop.stop();
  await rm(directory, { recursive: true });
});

function configure(nextHop: string, ...others: string[]): Promise<void> {
  const listeners = [nextHop, ...others].map(
    (address, index) =>
      `[[listener]]\nprotocol = "smtp"\naddress = "127.0.0.1:${10024 + index}"\nnext_hop = "${address}"\n`,
  );
  return writeFile(
    join(directory, 'clamgate.toml'),
    `hostname = "gate.example"\n${listeners.join('')}[quarantine]\ndirectory = "${join(directory, 'q')}"\nmax_age = "10d"\nmax_size = "1M"\n`,
  );
}

async function run(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await main(['-c', join(directory, 'clamgate.toml'), 'quarantine', ...args], {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
    clock,
  });
  return { code, stdout, stderr };
}

const path = (address: string, ...parameters: [string, string?][]): Path => ({
  address,
  parameters: parameters.map(([keyword, value]) =>
    value === undefined ? { keyword } : { keyword, value },
  ),
});

const reversePath = path(
  'a@example.org',
  ['BODY', '8BITMIME'],
  ['SMTPUTF8'],
  ['RET', 'HDRS'],
  ['ENVID', 'x+2By'],
);
const b = path('b@example.org', ['NOTIFY', 'SUCCESS,DELAY'], ['ORCPT', 'rfc822;b+2Bb@example.org']);
const c = path('c@example.org', ['NOTIFY', 'NEVER']);

function store(bytes = awkward, changes: Partial<QuarantineEntry> = {}): Promise<string> {
  const content: Content = {
    size: bytes.length,
    complete: true,
    digest: createHash('sha256').update(bytes).digest('hex'),
    async *chunks() {
      yield await Promise.resolve(bytes);
    },
  };
  const entry: QuarantineEntry = {
    listener: '127.0.0.1:10024',
    verdict: 'infected',
    coverage: 'full',
    findings: [{ kind: 'infected', stream: '1.2', detail: 'Eicar-Signature' }],
    envelope: {
      client: { name: 'client.example', addr: '192.0.2.1' },
      reversePath,
      recipients: [b, c],
    },
    digest: createHash('sha256').update(bytes).digest('hex'),
    messageId: '<m\x1b[2J@example.org>',
    ...changes,
  };
  return quarantine().store(content, entry, new AbortController().signal);
}

function quarantine(): Quarantine {
  const removed = () => undefined;
  return new Quarantine({ files: nodeFiles, directory: join(directory, 'q'), clock, removed });
}

async function releasesOf(id: string): Promise<QuarantineRecord['releases']> {
  const item = await quarantine().show(id);
  return item?.kind === 'whole' ? item.record.releases : [];
}

const sidecarOf = (id: string) => join(directory, 'q/2025/01/31', `${id}.json`);
const smuggling: Partial<QuarantineEntry> = {
  findings: [{ kind: 'smuggling', stream: 'message', detail: 'bare CR before a lone dot' }],
};

describe('list', () => {
  test('of nothing says so, and where there is no directory that, too', async () => {
    const stdout = 'The quarantine is empty.\n';
    const missing = `clamgate: there is no ${join(directory, 'q')}; the daemon makes it when it starts\n`;
    expect(await run('list')).toEqual({ code: 0, stdout, stderr: missing });
    await mkdir(join(directory, 'q'));
    expect(await run('list')).toEqual({ code: 0, stdout, stderr: '' });
  });

  test('has a line for each message', async () => {
    const id = await store();
    const { code, stdout } = await run('list');
    expect(code).toBe(0);
    const row = stdout.split('\n')[1]?.split(/ {2,}/);
    expect(row).toEqual([
      id,
      '2025-01-31T12:00:00Z',
      String(awkward.length),
      'infected',
      'a@example.org',
      'b@example.org +1',
      'held',
    ]);
  });

  test('shows what is damaged and what is whole, and is not content', async () => {
    const [first, second] = [await store(), await store()];
    await writeFile(sidecarOf(first), '{');
    const { code, stdout, stderr } = await run('list');
    expect(code).toBe(1);
    expect(stdout).toContain(second);
    expect(stdout).toMatch(new RegExp(`${first}.*damaged`));
    expect(stderr).toContain(`${first} is damaged: ${sidecarOf(first)}`);
  });

  test('is JSON when asked for', async () => {
    const id = await store();
    const { stdout } = await run('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { kind: 'whole', id, record: { size: awkward.length } },
    ]);
  });
});

describe('show', () => {
  test('tells all, and nothing reaches the terminal as a command', async () => {
    const id = await store();
    const { code, stdout } = await run('show', id);
    expect(code).toBe(0);
    for (const text of [
      'b@example.org',
      'c@example.org',
      'Eicar-Signature',
      '192.0.2.1',
      'client.example',
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).toContain('<m\\u001b[2J@example.org>');
  });

  test.each(['20250131T120000000Z-000000000000', '../../clamgate.toml'])(
    'finds no %s',
    async (id) => {
      const { code, stderr } = await run('show', id);
      expect(code).toBe(1);
      expect(stderr).toContain('there is no message');
    },
  );
});

describe('release', () => {
  test('sends the very bytes with the original envelope, and keeps the message', async () => {
    const id = await store();
    const { code, stdout } = await run('release', id);
    expect(code).toBe(0);
    expect(stdout).toContain('b@example.org: accepted, 250 2.0.0 Ok: queued as FAKE1');
    const [message, ...others] = hop.messages;
    expect(others).toEqual([]);
    expect(message?.content.equals(awkward)).toBe(true);
    expect(message?.hello).toBe('EHLO gate.example');
    expect(message?.client).toMatchObject({ name: 'client.example', addr: '192.0.2.1' });
    const written = ({ address, parameters }: Path) => ({
      address,
      parameters: parameters.map(({ keyword, value }) =>
        value === undefined ? keyword : `${keyword}=${value}`,
      ),
    });
    expect(message?.reversePath).toEqual(written(reversePath));
    expect(message?.recipients).toEqual([b, c].map(written));
    expect((await run('list')).stdout).toMatch(/released$/m);
  });

  test('is remembered, and a second one sends nothing unless --again', async () => {
    const id = await store();
    await run('release', id);
    const second = await run('release', id);
    expect(second.code).toBe(1);
    expect(second.stdout).toContain('--again');
    expect(hop.messages).toHaveLength(1);
    clock.advance(1);
    expect((await run('release', id, '--again')).code).toBe(0);
    expect(hop.messages).toHaveLength(2);
    expect(await releasesOf(id)).toHaveLength(2);
  });

  test('that was interrupted may have been sent, so it is not sent again unasked', async () => {
    const id = await store();
    const results = [b, c].map(({ address }) => ({
      recipient: address,
      outcome: 'unknown' as const,
      reply: '',
    }));
    await quarantine().noteRelease(id, { time: '2025-01-31T11:00:00.000Z', results });
    expect((await run('release', id)).code).toBe(1);
    expect(hop.messages).toEqual([]);
  });

  test('is on disk before anything is sent', async () => {
    const id = await store();
    hop.at('mail', 'hold');
    const running = run('release', id);
    await hop.until(() => hop.failed > 0);
    expect(await releasesOf(id)).toMatchObject([
      { results: [{ outcome: 'unknown' }, { outcome: 'unknown' }] },
    ]);
    hop.recover();
    expect((await running).code).toBe(0);
  });

  test('tells of each recipient, and goes on with those who have it not', async () => {
    const id = await store();
    hop.at('rcpt', { reply: '550 5.1.1 No such user' }, { times: 1 });
    const first = await run('release', id, '--delete');
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('b@example.org: refused, 550 5.1.1 No such user');
    expect(first.stdout).toContain('c@example.org: accepted');
    clock.advance(1);
    const second = await run('release', id);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain('c@example.org: has it already');
    expect(hop.messages.map(({ recipients }) => recipients.map(({ address }) => address))).toEqual([
      ['c@example.org'],
      ['b@example.org'],
    ]);
  });

  test('goes to others when told so, without parameters that are not theirs', async () => {
    const id = await store();
    expect((await run('release', id, '--to', 'x@example.org', '--to', 'y@example.org')).code).toBe(
      0,
    );
    expect(hop.messages[0]?.recipients).toEqual([
      { address: 'x@example.org', parameters: [] },
      { address: 'y@example.org', parameters: [] },
    ]);
  });

  test.each(['no-address', 'a b@example.org', 'a@b>\r\nRCPT TO:<c@d', 'ä@example.org', 'a@b@c'])(
    'does not take %j for an address',
    async (to) => {
      const id = await store();
      const { code, stderr } = await run('release', id, '--to', to);
      expect(code).toBe(64);
      expect(stderr).toContain('not a mail address');
      expect(hop.connections).toEqual([]);
    },
  );

  test('removes what everybody has, when told so', async () => {
    const id = await store();
    const { code, stderr } = await run('release', id, '--delete');
    expect(code).toBe(0);
    expect(stderr).toContain(`removed ${id}: released`);
    expect(await quarantine().list()).toEqual([]);
  });

  const troubles = [
    {
      name: 'refused at MAIL',
      step: 'mail',
      failure: { reply: '550 5.7.1 No' },
      code: 1,
      outcome: 'refused',
    },
    {
      name: 'refused at the dot',
      step: 'dot',
      failure: { reply: '452 4.3.1 Full' },
      code: 1,
      outcome: 'refused',
    },
    {
      name: 'dropped before the dot',
      step: 'data',
      failure: 'drop',
      code: 69,
      outcome: 'unreachable',
    },
    { name: 'dropped at the dot', step: 'dot', failure: 'drop', code: 75, outcome: 'unknown' },
  ] as const;
  test.each(troubles)('keeps the message: $name', async ({ step, failure, code, outcome }) => {
    const id = await store();
    hop.at(step, failure);
    expect((await run('release', id, '--delete')).code).toBe(code);
    expect(await releasesOf(id)).toMatchObject([{ results: [{ outcome }, { outcome }] }]);
  });

  test('does not call sent what nobody can have', async () => {
    const id = await store();
    await hop.stop();
    const unreachable = await run('release', id);
    expect(unreachable.code).toBe(69);
    expect(unreachable.stdout).toContain(`${id}: not sent\n`);
  });

  test('calls sent what somebody may have', async () => {
    const id = await store();
    hop.at('dot', 'drop');
    expect((await run('release', id)).stdout).toContain(`${id}: sent\n`);
  });

  test('of several messages does what can be done', async () => {
    const [first, second] = [await store(), await store()];
    await writeFile(sidecarOf(first), '{');
    const missing = '20250131T120000000Z-000000000000';
    const { code, stdout } = await run('release', first, missing, second);
    expect(code).toBe(1);
    expect(stdout).toContain(`${missing}: there is no such message`);
    expect(stdout).toContain(`${second}: sent`);
    expect(hop.messages).toHaveLength(1);
  });

  test('sends nothing whose bytes have changed', async () => {
    const id = await store();
    const file = sidecarOf(id).replace('.json', '.eml');
    const bytes = await readFile(file);
    bytes[0] = 0x58;
    await writeFile(file, bytes);
    expect((await run('release', id)).stdout).toContain('its bytes are not those that were stored');
    expect(hop.connections).toEqual([]);
  });

  test('goes to the next hop of the listener that the message came by', async () => {
    const other = await FakeNextHop.start();
    try {
      await configure(other.address, hop.address);
      const id = await store(awkward, { listener: '127.0.0.1:10025' });
      const gone = await store(awkward, { listener: '127.0.0.1:9' });
      expect((await run('release', id)).code).toBe(0);
      expect(hop.messages).toHaveLength(1);
      expect((await run('release', gone)).stdout).toContain('say --next-hop');
      expect((await run('release', gone, '--next-hop', hop.address)).code).toBe(0);
      expect(other.connections).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe('release of a message that could be taken for two', () => {
  const disarmed = disarmable.toString('latin1').replace(/\r(?!\n)/g, '\r\n');

  test('makes its bare CRs CRLF, changes nothing else, and keeps DSN parameters', async () => {
    const id = await store(disarmable, smuggling);
    expect((await run('release', id)).code).toBe(0);
    expect(hop.messages.map(({ content }) => content.toString('latin1'))).toEqual([
      disarmed,
      disarmed,
    ]);
    expect(hop.messages.map(({ recipients }) => recipients)).toEqual([
      [
        {
          address: 'b@example.org',
          parameters: ['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;b+2Bb@example.org'],
        },
      ],
      [{ address: 'c@example.org', parameters: ['NOTIFY=NEVER'] }],
    ]);
    expect(hop.messages[0]?.reversePath).toEqual({
      address: 'a@example.org',
      parameters: ['BODY=8BITMIME', `SIZE=${disarmable.length}`, 'RET=HDRS', 'ENVID=x+2By'],
    });
  });

  test('keeps the null reverse-path', async () => {
    const recipients = [b];
    const id = await store(disarmable, {
      ...smuggling,
      envelope: { client: {}, reversePath: path(''), recipients },
    });
    expect((await run('release', id)).code).toBe(0);
    expect(hop.commands).toContainEqual(expect.stringMatching(/^MAIL FROM:<>/));
  });

  test('tells of each recipient', async () => {
    const id = await store(disarmable, smuggling);
    hop.at('rcpt', { reply: '550 5.1.1 No such user' }, { times: 1 });
    const { code, stdout } = await run('release', id);
    expect(code).toBe(1);
    expect(stdout).toContain('b@example.org: refused, 550 5.1.1 No such user');
    expect(stdout).toContain('c@example.org: accepted, 250');
  });

  test('does not know what became of it when the connection breaks at the dot', async () => {
    const id = await store(disarmable, {
      ...smuggling,
      envelope: { client: {}, reversePath, recipients: [b] },
    });
    hop.at('dot', 'drop');
    expect((await run('release', id)).code).toBe(75);
  });

  test('knows when nobody was reached', async () => {
    const id = await store(disarmable, smuggling);
    const gone = await FakeNextHop.start();
    const { address } = gone;
    await gone.stop();
    expect((await run('release', id, '--next-hop', address)).code).toBe(69);
  });

  test('speaks LMTP, and over a Unix socket', async () => {
    const lmtp = await FakeNextHop.start({ flavour: 'lmtp', socket: 'unix' });
    try {
      const id = await store(disarmable, smuggling);
      lmtp.at('dot', { reply: '550 5.2.2 Over quota' }, { times: 1 });
      const { code, stdout } = await run('release', id, '--next-hop', lmtp.address);
      expect(code).toBe(1);
      expect(stdout).toContain('b@example.org: refused, 550 5.2.2 Over quota');
      expect(stdout).toContain('c@example.org: accepted');
      expect(lmtp.messages[1]?.content.toString('latin1')).toBe(disarmed);
    } finally {
      await lmtp.stop();
    }
  });
});

describe('delete', () => {
  test('removes for good, and each removal leaves a line', async () => {
    const [first, second, third] = [await store(), await store(), await store()];
    await writeFile(sidecarOf(second), '{');
    const { code, stdout, stderr } = await run('delete', first, second);
    expect(code).toBe(0);
    expect(stdout).toBe('2 removed\n');
    expect(stderr).toContain(
      `removed ${first}: deleted; infected, ${awkward.length} bytes, from a@example.org to b@example.org, c@example.org`,
    );
    expect(stderr).toContain(`removed ${second}: deleted`);
    const left = await readdir(join(directory, 'q/2025/01/31'));
    expect(left.sort()).toEqual([`${third}.eml`, `${third}.json`]);
  });

  test('of what is not there says so, and the others go', async () => {
    const id = await store();
    const { code, stdout, stderr } = await run('delete', 'nothing', id, '--json');
    expect(code).toBe(1);
    expect(stderr).toContain('there is no message nothing in quarantine');
    expect(JSON.parse(stdout)).toEqual({ removed: [id], missing: ['nothing'] });
  });
});

test('expire removes what is too old, and each removal leaves a line', async () => {
  const old = await store();
  clock.advance(6 * day);
  const young = await store();
  clock.advance(5 * day);
  const { code, stdout, stderr } = await run('expire', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ removed: [{ id: old, why: 'expired-age' }] });
  expect(stderr).toContain(`removed ${old}: expired-age`);
  expect((await quarantine().list()).map(({ id }) => id)).toEqual([young]);
});
