import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';
import { startControl, type TestControl } from '../support/control.ts';
import { eicar } from '../support/eicar.ts';
import { aRecord } from '../support/record.ts';
import { hastyClock, runCli, type Ran } from '../support/run-cli.ts';
import { startSink, type Sink, type SinkAnswer, type SinkStep } from '../support/sink.ts';

let folder: Folder;
let daemon: TestControl;
let server: Sink;
let config: string;
/** What the server says to the end of data, and what the daemon remembers from then on. */
let dotReply: string;
let remembered: Partial<TransactionRecord>[];
/** Where the server hangs up. */
let dropAt: SinkStep | undefined;

const later = Date.UTC(2100);

beforeEach(async () => {
  folder = makeFolder();
  const socket = `${folder.path}/control.sock`;
  daemon = await startControl(socket);
  dotReply = '250 2.0.0 Ok: queued as 4ABC';
  remembered = [];
  dropAt = undefined;
  server = await startSink({
    answer: (step) => {
      if (step === dropAt) return { kind: 'drop' };
      return step === 'dot' ? atDot() : undefined;
    },
  });
  config = folder.write(
    'c.toml',
    `[[listener]]
protocol = "smtp"
address = "127.0.0.1:${server.port}"
next_hop = "127.0.0.1:1"
[control]
address = "unix:${socket}"
`,
  );
});
afterEach(async () => {
  await server.stop();
  await daemon.control.close();
  folder.remove();
});

function atDot(): SinkAnswer {
  for (const record of remembered) daemon.history.add(aRecord({ time: later, ...record }));
  return { kind: 'reply', text: dotReply };
}

function inject(...args: string[]): Promise<Ran> {
  const to = args.includes('--to') ? [] : ['--to', 'rcpt@example.org'];
  const where = args.some((arg) => /^--(server|listener)/.test(arg))
    ? []
    : ['--server', `127.0.0.1:${server.port}`];
  // The daemon's own client keeps time while it sends.
  const options = args.includes('--file') ? { clock: systemClock } : {};
  return runCli(['inject', '-c', config, ...to, ...where, ...args], options);
}

interface Report {
  fate: string;
  expected: boolean;
  reply: string;
  messageId?: string;
  transactions: TransactionRecord[];
}

async function injectJson(...args: string[]): Promise<Report & { code: number }> {
  const { out, code } = await inject('--json', ...args);
  return { ...(JSON.parse(out) as Report), code };
}

describe('the message', () => {
  test('is harmless unless asked otherwise, from its own recipient', async () => {
    remembered = [{ queueId: '4ABC' }];
    await inject();
    const [message] = server.messages;
    expect(message?.from).toMatch(/^<rcpt@example\.org>/);
    expect(message?.to).toEqual(['<rcpt@example.org>']);
    const text = message?.data.toString() ?? '';
    expect(text).toMatch(/^Subject: clamgate test: clean\r$/m);
    expect(text).toMatch(/^Message-ID: <.+@.+>\r$/m);
  });

  test('goes to all recipients, from whom is said', async () => {
    await inject('--wait', '0s', '--from', 'me@example.org', '--to', 'a@x.test', 'b@x.test');
    expect(server.messages[0]?.from).toMatch(/^<me@example\.org>/);
    expect(server.messages[0]?.to).toEqual(['<a@x.test>', '<b@x.test>']);
  });

  test('--eicar carries the test file', async () => {
    await inject('--eicar', '--wait', '0s');
    const text = server.messages[0]?.data.toString() ?? '';
    expect(text).toContain('filename=eicar.com');
    expect(text).toContain(Buffer.from(eicar).toString('base64').slice(0, 70));
  });

  test('--file sends what is in the file', async () => {
    const file = folder.write('m.eml', 'Subject: x\r\n\r\n.dot\r\nend\r\n');
    remembered = [{ queueId: '4ABC' }];
    const { code, out } = await inject('--file', file);
    expect(code).toBe(0);
    expect(out).toContain('(no Message-ID)');
    expect(server.messages[0]?.data.toString()).toMatch(/^Subject: x\r\n\r\n\.dot\r\nend\r\n$/);
  });

  test.each<[string, string, string]>([
    ['bare CR', 'a: b\r\n\r\nx\ry\r\r\nz\r.\r\n', 'a: b\r\n\r\nx\ry\r\r\nz\r.\r\n'],
    ['bare LF beside CRLF', 'a: b\r\n\nx\ny\r\n', 'a: b\r\n\nx\ny\r\n'],
    ['8-bit and NUL', 'a: b\r\n\r\n\xff\xe4\0\r\n', 'a: b\r\n\r\n\xff\xe4\0\r\n'],
    ['dots', '.a\r\n..\r\n.\r\nb\r\n', '.a\r\n..\r\n.\r\nb\r\n'],
    ['LF alone', 'a: b\n\nx\ry\n', 'a: b\r\n\r\nx\ry\r\n'],
    ['no line end at its end', 'a: b\r\n\r\nx', 'a: b\r\n\r\nx\r\n'],
  ])('--file goes byte for byte: %s', async (_, stored, sent) => {
    const file = folder.write('m.eml', Buffer.from(stored, 'latin1'));
    await inject('--file', file, '--wait', '0s');
    const [message] = server.messages;
    expect(message?.data.toString('latin1')).toBe(sent);
    expect(message?.from.includes('BODY=8BITMIME')).toBe(/[^\0-\x7f]/.test(stored));
  });

  test('--file goes to all recipients, from whom is said', async () => {
    const file = folder.write('m.eml', 'a: b\n\n');
    await inject('--file', file, '--wait', '0s', '--from', '<>', '--to', 'a@x.test', 'b@x.test');
    expect(server.messages[0]).toMatchObject({ from: '<>', to: ['<a@x.test>', '<b@x.test>'] });
  });

  test('--file that is refused', async () => {
    dotReply = '550 5.7.1 Go away';
    const { code, out } = await inject('--file', folder.write('m.eml', 'a: b\n\n'));
    expect(code).toBe(0);
    expect(out).toContain('reply     550 5.7.1 Go away\nfate      refused\n');
  });

  test.each<[string, SinkStep, number]>([
    ['before the end of data', 'data', 69],
    ['after the end of data', 'dot', 75],
  ])('--file that nobody answers for %s', async (_, step, code) => {
    dropAt = step;
    const ran = await inject('--file', folder.write('m.eml', 'a: b\n\n'));
    expect([ran.code, ran.out]).toEqual([code, '']);
    expect(ran.err).toMatch(/^clamgate: 127\.0\.0\.1:\d+: \S/);
  });

  test('--file that is a directory', async () => {
    const { code, err } = await inject('--file', folder.path);
    expect([code, err]).toEqual([
      66,
      `clamgate: ${folder.path}: is a directory; name a message in it\n`,
    ]);
  });

  test('--file that cannot be read', async () => {
    const { code, err } = await inject('--file', `${folder.path}/none`);
    expect(code).toBe(66);
    expect(err).toContain('ENOENT');
    expect(server.connections).toBe(0);
  });
});

describe('its fate', () => {
  test.each<[string, string[], Partial<TransactionRecord>[], number, string, string]>([
    [
      'clean and delivered',
      [],
      [{ queueId: '4ABC', nextHopQueueId: '4XYZ' }],
      0,
      'relayed',
      'delivered as 4XYZ at the next hop: clean',
    ],
    [
      'EICAR and in quarantine',
      ['--eicar'],
      [
        {
          queueId: '4ABC',
          outcome: 'quarantined',
          quarantineId: 'Q7',
          verdict: 'infected',
          findings: [{ kind: 'infected', stream: '2', detail: 'Eicar-Signature' }],
        },
      ],
      0,
      'quarantined',
      'quarantined as Q7: infected, infected (2: Eicar-Signature)',
    ],
    [
      'EICAR and delivered: mail is not scanned',
      ['--eicar'],
      [{ queueId: '4ABC' }],
      1,
      'relayed',
      'not what such a message should come to',
    ],
    [
      'clean and in quarantine',
      [],
      [{ queueId: '4ABC', outcome: 'quarantined', quarantineId: 'Q7' }],
      1,
      'quarantined',
      'not what such a message should come to',
    ],
    [
      'deferred, with the reason',
      [],
      [
        {
          queueId: '4ABC',
          outcome: 'deferred',
          verdict: 'unavailable',
          situation: 'scan-failed',
          detail: 'connect refused',
        },
      ],
      75,
      'deferred',
      'Postfix will try again: unavailable, scan-failed, connect refused',
    ],
    ['not seen in time', [], [], 75, 'unknown', 'unknown: not seen within 30 s'],
    ['seen under another queue id', [], [{ queueId: '9ZZZ' }], 75, 'unknown', 'not seen within'],
    [
      'an earlier one with the same queue id',
      [],
      [{ queueId: '4ABC', time: 1 }],
      75,
      'unknown',
      'not seen within',
    ],
  ])('%s', async (_, args, records, code, fate, words) => {
    remembered = records;
    const ran = await inject(...args);
    expect(ran.code).toBe(code);
    expect(ran.out).toContain(words);
    expect(ran.out).toContain('reply     250 2.0.0 Ok: queued as 4ABC\n');
    expect(ran.err).toBe('');
    expect((await injectJson(...args)).fate).toBe(fate);
  });

  test('of several recipients the worst counts, once all are known', async () => {
    remembered = [{ queueId: '4ABC' }, { queueId: '4ABC', outcome: 'deferred' }];
    const report = await injectJson('--to', 'a@x.test', 'b@x.test');
    expect(report).toMatchObject({ fate: 'deferred', expected: false, code: 75 });
    expect(report.transactions).toHaveLength(2);
  });

  test('of several recipients all are waited for', async () => {
    remembered = [{ queueId: '4ABC' }];
    const clock = hastyClock(() => {
      const second = aRecord({ time: later, queueId: '4ABC', outcome: 'rejected' });
      if (daemon.history.find({}, 9).length < 2) daemon.history.add(second);
    });
    const args = ['inject', '-c', config, '--server', `127.0.0.1:${server.port}`, '--json'];
    const { out } = await runCli([...args, '--to', 'a@x.test', 'b@x.test'], { clock });
    expect(JSON.parse(out)).toMatchObject({ fate: 'rejected' });
  });

  test('is looked for by Message-ID where no queue id is named', async () => {
    dotReply = '250 2.0.0 Ok';
    remembered = [{ messageId: '<seven@example.org>' }];
    const file = folder.write('m.eml', 'Subject: x\nMessage-ID:\n <seven@example.org>\n\ntext\n');
    expect(await injectJson('--file', file)).toMatchObject({
      fate: 'relayed',
      messageId: '<seven@example.org>',
    });
  });

  test('cannot be known without either', async () => {
    dotReply = '250 2.0.0 Ok';
    const file = folder.write('m.eml', 'Subject: x\n\nMessage-ID: <not@header>\n');
    const { code, out } = await inject('--file', file);
    expect(code).toBe(75);
    expect(out).toContain('unknown: the message has no Message-ID');
  });

  test('a server that refuses is the end of it', async () => {
    dotReply = '550 5.7.1 Go away';
    const { code, out } = await inject();
    expect(code).toBe(1);
    expect(out).toContain('reply     550 5.7.1 Go away\nfate      refused\n');
    expect((await inject('--eicar')).code).toBe(0);
  });

  test('without the daemon it is unknown, and the message has been sent', async () => {
    await daemon.control.close();
    const { code, out } = await inject();
    expect(code).toBe(75);
    expect(out).toContain('unknown: no answer from the daemon');
    expect(server.messages).toHaveLength(1);
  });

  test('where somebody looks on, the time is shown', async () => {
    const args = [
      'inject',
      '-c',
      config,
      '--to',
      'a@x.test',
      '--server',
      `127.0.0.1:${server.port}`,
    ];
    const { err } = await runCli([...args, '--wait', '1s'], { tty: true });
    expect(err).toMatch(/^\rwaiting for its fate: 0 s .*1 s \r\u001b\[K$/s);
  });
});

describe('straight to a listener', () => {
  test('the first of the configuration, and its own reply is asked about, too', async () => {
    dotReply = '451 4.7.1 Content check unavailable';
    const id = '<seven@example.org>';
    remembered = [{ messageId: id, outcome: 'deferred', situation: 'scan-failed' }];
    const file = folder.write('m.eml', `Message-ID: ${id}\n\ntext\n`);
    expect(await injectJson('--file', file, '--listener')).toMatchObject({
      code: 75,
      fate: 'deferred',
      reply: '451 4.7.1 Content check unavailable',
    });
  });

  test('one that is named', async () => {
    remembered = [{ queueId: '4ABC' }];
    expect((await inject('--listener', `127.0.0.1:${server.port}`)).code).toBe(0);
  });

  test('where there is none', async () => {
    const milter = '[[listener]]\nprotocol = "milter"\naddress = "127.0.0.1:1"\n';
    const file = folder.write('milter.toml', milter);
    const { code, err } = await runCli(['inject', '-c', file, '--to', 'a@b', '--listener']);
    expect([code, err]).toEqual([64, expect.stringContaining('there is no smtp or lmtp listener')]);
  });

  test('one that does not exist', async () => {
    const { code, err } = await inject('--listener', 'unix:/nowhere');
    expect(code).toBe(64);
    expect(err).toContain(`there is 127.0.0.1:${server.port}`);
  });
});

test.each(['--clean', '--file'])('%s over LMTP', async (kind) => {
  const lmtp = await startSink({ protocol: 'lmtp' });
  const file = kind === '--file' ? [folder.write('m.eml', 'a: b\n\n')] : [];
  const server = `lmtp:127.0.0.1:${lmtp.port}`;
  const { code } = await inject('--server', server, '--wait', '0s', kind, ...file);
  await lmtp.stop();
  expect(code).toBe(75);
  expect(lmtp.messages).toHaveLength(1);
});

test.each(['--clean', '--file'])('%s, and nobody there', async (kind) => {
  const file = kind === '--file' ? [folder.write('m.eml', 'a: b\n\n')] : [];
  const { code, out, err } = await inject('--server', `unix:${folder.path}/none`, kind, ...file);
  expect([code, out]).toEqual([69, '']);
  expect(err).toMatch(/none: .*ENOENT/);
});

test.each(['soon', '30'])('--wait %s is a wrong command line', async (wait) => {
  expect((await inject('--wait', wait)).code).toBe(64);
});

test('a configuration without its listener is of no use', async () => {
  const bad = folder.write('bad.toml', tomlWith('x = 1'));
  expect((await runCli(['inject', '-c', bad, '--to', 'a@x.test'])).code).toBe(78);
});
