import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Explanation } from '../../src/cli/scan.ts';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { eicarFile, message, text, withAttachment, multipart } from '../support/messages.ts';
import { systemClock } from '../../src/clock.ts';
import { runCli } from '../support/run-cli.ts';

let folder: Folder;
let clamd: FakeClamd;
let config: string;

beforeEach(async () => {
  folder = makeFolder();
  clamd = await FakeClamd.start();
  config = configWith('');
});
afterEach(async () => {
  await clamd.stop();
  folder.remove();
});

function configWith(more: string): string {
  return folder.write(
    'c.toml',
    tomlWith(`[clamd]\nendpoints = ["${clamd.address.name}"]\n${more}`),
  );
}

/** With real time: scans have a limit. */
function runScan(...args: string[]) {
  return runCli(['scan', ...args], { clock: systemClock });
}

const clean = message(text());
const infected = message(
  multipart('mixed', [text(), withAttachment('eicar.com', eicarFile)], 'outer'),
);

async function explained(bytes: Buffer | string): Promise<Explanation & { code: number }> {
  const file = folder.write('m.eml', bytes);
  const { code, out } = await runScan('--json', '-c', config, file);
  const [explanation] = JSON.parse(out) as Explanation[];
  if (!explanation) throw new Error('nothing explained');
  return { ...explanation, code };
}

describe('what is explained', () => {
  test('a clean message', async () => {
    const file = folder.write('m.eml', clean);
    const { code, out, err } = await runScan('-c', config, file);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`${file}: ${clean.length} bytes\n`);
    expect(out).toMatch(
      / {4}message, \d+ bytes: stream: OK \(tcp:.*, \d+ ms\)\n {6}sha256 [\da-f]{64}\n/,
    );
    expect(out).toContain('  coverage full, verdict clean (pass)\n');
    expect(out).toContain("  after-queue  relay; reply: the next hop's\n");
    expect(out).toContain("  before-queue relay; reply: the next hop's\n");
    expect(out).toContain("  milter       accept; reply: Postfix's own\n");
    expect(out).toMatch(/ {2}policy {7}no objection; reply: DUNNO\n?$/);
  });

  test('how clients read it, and why', async () => {
    const fields = ['Content-Type: application/x', 'Content-Transfer-Encoding: "base64"'];
    const odd = message({ fields, body: Buffer.from('QUJD\r\n') });
    const { out } = await runScan('-c', config, folder.write('m.eml', odd));
    expect(out).toMatch(
      /\n {2}readings\n {4}bytes \d+ to \d+ as it stands, 6 bytes: 1; the body of the message, to some/,
    );
    expect(out).toMatch(/\n {4}bytes \d+ to \d+ as base64, 3 bytes: reading 1; the body of/);
    expect(out).toContain('  coverage full, verdict ambiguous (pass)\n');
  });

  test('an infected one, to each door', async () => {
    const { code, verdict, doors, parts, streams } = await explained(infected);
    expect(code).toBe(1);
    expect(verdict).toMatchObject({ kind: 'infected', action: 'quarantine' });
    expect(doors).toEqual([
      { position: 'after-queue', disposition: 'quarantine', reply: '250 2.7.0 Ok' },
      {
        position: 'before-queue',
        disposition: 'refuse (infected)',
        reply: '550 5.7.1 Message content rejected',
      },
      {
        position: 'milter',
        disposition: 'refuse (infected), or hold',
        reply: '550 5.7.1 Message content rejected',
      },
      { position: 'policy', disposition: 'no objection', reply: 'DUNNO' },
    ]);
    expect(parts.map(({ contentType }) => contentType)).toContain('multipart/mixed');
    expect(streams.some(({ answer }) => answer.includes('FOUND'))).toBe(true);
    const { out } = await runScan('-c', config, `${folder.path}/m.eml`);
    expect(out).toMatch(/ {4}infected \S+ \S+/);
    expect(out).toMatch(/^ {4,}\S+ multipart\/mixed/m);
    expect(out).toMatch(/^ {6,}\S+ \S+ "eicar\.com"/m);
  });

  test('one that clamd finds infected as a whole, with all its parts', async () => {
    clamd.script.push({ step: 'say', words: 'stream: Win.X FOUND\0' });
    const { code, parts, streams, findings } = await explained(infected);
    expect(code).toBe(1);
    expect(parts.map(({ number }) => number)).toEqual(['', '1', '2', '2.1', '2.2']);
    expect(streams.map(({ stream }) => stream)).toEqual(['message', '1', '2.1', '2.2']);
    expect(findings.map(({ stream }) => stream)).toEqual(['message', '2.2']);
  });

  test('the limit for which an OK is not about all of a stream', async () => {
    config = configWith('max_file_size = 300\nstream_max_length = 9000');
    const bytes = message(withAttachment('large', Buffer.alloc(400, 'x')));
    const { out, code } = await runScan('-c', config, folder.write('m.eml', bytes));
    expect(code).toBe(1);
    expect(out).toContain('coverage partial (file-size), verdict oversize');
    const [whole = '', text = '', attachment = ''] = out.split(/^ {4}(?=message|1 |2 )/m).slice(-3);
    const limited =
      /stream: OK .*\n {6}in part only, for \[clamd\] max_file_size: \d+ bytes, at most 300\n/;
    expect(whole).toMatch(limited);
    expect(attachment).toMatch(limited);
    expect(text).not.toContain('in part only');
  });

  test('milliseconds as people read them', async () => {
    const { streams } = await explained(clean);
    for (const { ms } of streams) expect(String(ms)).toMatch(/^\d+(\.\d)?$/);
  });

  test('one that could not be scanned', async () => {
    clamd.usual = { step: 'close' };
    const { code, doors } = await explained(clean);
    expect(code).toBe(75);
    expect(doors[0]?.reply).toMatch(/^451 4\.7\.1 /);
  });

  test('rules and limits are those of the configuration', async () => {
    config = configWith('[rules]\ninfected = "tag"\n[limits]\nmessage_bytes_max = "64K"');
    const tagged = await explained(infected);
    expect(tagged.doors[0]).toMatchObject({ disposition: 'relay, tagged' });
    const large = await explained(Buffer.concat([clean, Buffer.alloc(65_536, 'x')]));
    expect(large).toMatchObject({ refused: 'too-large', streams: [], code: 1 });
    expect(large.doors[0]?.reply).toMatch(/^552 5\.3\.4 /);
  });

  test('a bare CR before a lone dot is a finding, and refused where the rule says so', async () => {
    const smuggling = 'Subject: x\n\ntext\r.\r\nMAIL FROM:<x>\n';
    expect((await explained(smuggling)).findings).toMatchObject([{ kind: 'smuggling' }]);
    config = configWith('[rules]\nbare_cr = "refuse"');
    expect(await explained(smuggling)).toMatchObject({ refused: 'bare-line-end', code: 1 });
  });
});

describe('the exit code says what the rules do', () => {
  const ambiguous = message({
    fields: ['Content-Type: application/x', 'Content-Transfer-Encoding: "base64"'],
    body: Buffer.from('QUJD\r\n'),
  });
  const archive = message(withAttachment('a.gz', gzipSync('text')));

  test.each<[string, Buffer, string, string, number]>([
    ['ambiguous, delivered as clean', ambiguous, '', 'ambiguous', 0],
    ['ambiguous, kept', ambiguous, 'ambiguous = "quarantine"', 'ambiguous', 1],
    ['ambiguous, tagged', ambiguous, 'ambiguous = "tag"', 'ambiguous', 1],
    ['limits silent, delivered as clean', archive, '', 'limits-silent', 0],
    ['limits silent, kept', archive, 'limits_silent = "quarantine"', 'limits-silent', 1],
    ['infected, delivered all the same', infected, 'infected = "pass"', 'infected', 1],
  ])('%s', async (_, bytes, rules, kind, code) => {
    clamd.ofCanary = 'stream: OK\0';
    config = configWith(`[rules]\n${rules}`);
    const { verdict, code: said } = await explained(bytes);
    expect([verdict.kind, said]).toEqual([kind, code]);
  });

  test('of several: one that could not be scanned beside one that is passed', async () => {
    const files = [folder.write('1.eml', ambiguous), folder.write('2.eml', clean)];
    expect((await runScan('-c', config, ...files)).code).toBe(0);
    clamd.usual = { step: 'close' };
    expect((await runScan('-c', config, ...files)).code).toBe(75);
  });
});

describe('rules for some', () => {
  const banned = (where: string): string =>
    `[[banned]]\nname = "programs"\nnames = ["*.exe"]\naction = "reject"\n${where}`;
  const program = message(withAttachment('a.exe', Buffer.from('x')));
  const [to, from] = ['recipients = ["*@example.org"]', 'senders = ["*@example.net"]'];

  test.each<[string, string, string[], string]>([
    ['it is not said for whom', to, [], 'banned'],
    ['for one of them', to, ['--to', 'b@example.org'], 'banned'],
    ['for one of them, in capitals', to, ['--to', 'B@EXAMPLE.ORG'], 'banned'],
    ['for another', to, ['--to', 'b@example.com'], 'clean'],
    ['it is not said from whom', from, ['--to', 'b@example.org'], 'banned'],
    ['from one of them', from, ['--from', 'a@example.net'], 'banned'],
    ['from another', from, ['--from', 'a@example.com'], 'clean'],
    ['from nobody', from, ['--from', ''], 'clean'],
    ['from one of them, for another', `${to}\n${from}`, ['--from', 'a@example.net'], 'banned'],
    [
      'both, and not for him',
      `${to}\n${from}`,
      ['--from', 'a@example.net', '--to', 'b@example.com'],
      'clean',
    ],
  ])('%s', async (_, where, options, kind) => {
    config = configWith(banned(where));
    const file = folder.write('m.eml', program);
    const { out } = await runScan('-c', config, ...options, file);
    expect(out).toContain(`verdict ${kind} (${kind === 'clean' ? 'pass' : 'reject'})`);
    expect(out.includes('decided by [[banned]] programs')).toBe(kind === 'banned');
  });
});

describe('the file is read as Postfix would send it', () => {
  test.each([
    ['LF', 'Subject: x\n\na\n.b\n.\nc\n', 'Subject: x\r\n\r\na\r\n.b\r\n.\r\nc\r\n'],
    ['CRLF', 'Subject: x\r\n\r\na\r\n', 'Subject: x\r\n\r\na\r\n'],
    ['a bare CR', 'Subject: x\n\na\rb\n', 'Subject: x\r\n\r\na\rb\r\n'],
    ['no line end at its end', 'Subject: x\n\na', 'Subject: x\r\n\r\na\r\n'],
    [
      'a CR at a boundary of reads',
      `${'x'.repeat(65_535)}\r\ny\r\n`,
      `${'x'.repeat(65_535)}\r\ny\r\n`,
    ],
    ['a LF at a boundary of reads', `${'x'.repeat(65_536)}\ny\n`, `${'x'.repeat(65_536)}\r\ny\r\n`],
  ])('%s', async (_, stored, sent) => {
    const { bytes } = await explained(stored);
    expect(bytes).toBe(sent.length);
    expect(clamd.streams[0]?.bytes.toString('latin1').endsWith(sent)).toBe(true);
  });
});

test('several files, the worst in the exit code', async () => {
  const files = [folder.write('1.eml', clean), folder.write('2.eml', infected)];
  const { code, out } = await runScan('--json', '-c', config, ...files);
  expect(code).toBe(1);
  expect((JSON.parse(out) as Explanation[]).map(({ file }) => file)).toEqual(files);
});

describe('a file that is not there', () => {
  test('is a directory', async () => {
    const { code, err } = await runScan('-c', config, folder.path);
    expect([code, err]).toEqual([
      66,
      `clamgate: ${folder.path}: is a directory; name a message in it\n`,
    ]);
  });

  test('is named, and the others are explained', async () => {
    const files = [
      folder.write('1.eml', clean),
      `${folder.path}/none.eml`,
      folder.write('3.eml', infected),
    ];
    const { code, out, err } = await runScan('-c', config, ...files);
    expect(code).toBe(66);
    expect(err).toMatch(/^clamgate: .*ENOENT.*none\.eml/);
    expect(out.match(/^\S+\.eml: \d+ bytes$/gm)).toHaveLength(2);
  });

  test('to programs, too', async () => {
    const files = [folder.write('1.eml', clean), `${folder.path}/none.eml`];
    const { code, out } = await runScan('--json', '-c', config, ...files);
    expect(code).toBe(66);
    expect(JSON.parse(out)).toEqual([
      expect.objectContaining({ file: files[0], verdict: expect.anything() }),
      { file: files[1], error: expect.stringContaining('ENOENT') },
    ]);
  });
});

describe('what can be read only once', () => {
  function makePipe(): string {
    const path = join(folder.path, 'pipe');
    execFileSync('mkfifo', [path]);
    return path;
  }

  async function scanPiped(bytes: Buffer) {
    const pipe = makePipe();
    // The reader may give up before the end.
    const writing = writeFile(pipe, bytes).catch(() => undefined);
    const ran = await runScan('--json', '-c', config, pipe);
    await writing;
    return ran;
  }

  test('is scanned as a file with the same bytes is', async () => {
    const { code, out } = await scanPiped(infected);
    expect(code).toBe(1);
    const [explanation] = JSON.parse(out) as Explanation[];
    expect(explanation).toMatchObject({ bytes: infected.length, verdict: { kind: 'infected' } });
    expect(clamd.streams[0]?.bytes.toString('latin1')).toContain(infected.toString('latin1'));
  });

  test('is read once although it is named twice', async () => {
    const pipe = makePipe();
    const writing = writeFile(pipe, clean);
    const { code, out } = await runScan('--json', '-c', config, pipe, pipe);
    await writing;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toHaveLength(1);
  });

  test('is an error when it is too large to be kept', async () => {
    config = configWith('[limits]\nmessage_bytes_max = "64K"');
    const { code, out } = await scanPiped(Buffer.alloc(200_000, 'x\n'));
    expect(code).toBe(66);
    expect(out).toContain('more than 65536 bytes');
    expect(clamd.streams).toEqual([]);
  });

  test.each(['-', '/dev/stdin'])(
    'stdin as %s',
    async (name) => {
      const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
      const module = new URL('../../src/cli/main.ts', import.meta.url).href;
      const code = `import(${JSON.stringify(module)}).then((cli) => cli.runProcess())`;
      const args = ['--input-type=module', '-e', code, 'clamgate', 'scan', '--json', '-c', config];
      // cat makes a pipe of it; what Node.js gives a child is a socket, which has no file name.
      const shell = ['-c', 'cat | "$0" "$@"', process.execPath, ...args, name];
      const child = spawn('sh', shell, { stdio });
      child.stdin.end(infected);
      child.stdout.resume();
      expect(await once(child, 'close')).toEqual([1, null]);
      expect(clamd.streams[0]?.bytes.toString('latin1')).toContain(infected.toString('latin1'));
    },
    20_000,
  );

  test('stdin cannot be named twice', async () => {
    const { code, err } = await runScan('-c', config, '-', '/dev/stdin');
    expect(code).toBe(64);
    expect(err).toContain('only once');
  });
});

test('a file that changes between two readings gets no verdict', async () => {
  // A regular file that the kernel fills anew for each reading.
  const { code, out, err } = await runScan('-c', config, '/proc/sys/kernel/random/uuid');
  expect([code, out]).toEqual([74, '']);
  expect(err).toContain('changed while it was');
});
