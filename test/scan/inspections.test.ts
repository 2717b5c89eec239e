import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { defaultLimits } from '../../src/limits.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import type { BannedRule } from '../../src/verdict/banned.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import * as made from '../support/archives.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
let clamd: FakeClamd;

beforeEach(async () => {
  clamd = await FakeClamd.start();
});

afterEach(() => clamd.stop());

function scan(
  bytes: Buffer,
  banned: readonly BannedRule[] = [],
  everyPart = false,
): Promise<ScanReport> {
  const scanner = new MessageScan({
    endpoints: [clamd.address],
    clock: new FakeClock(),
    limits: defaultLimits,
    clamd: defaultClamdSettings,
    banned,
    everyPart,
  });
  return scanner.scan(MemoryContent.of(bytes), signal);
}

/** Without what is said of any archive while nobody has asked clamd about its limits. */
async function found(bytes: Buffer): Promise<readonly Finding[]> {
  const { findings } = await scan(bytes);
  return findings.filter((one) => one.kind !== 'partial' || one.reason !== 'limits-silent');
}

const locked = made.zip({ name: 'a.txt', localFlags: 1 });
const attached = (content: Buffer): Buffer =>
  messages.message(messages.withAttachment('a.bin', content));

describe('encrypted content', () => {
  it.each([
    ['small', locked],
    ['large', Buffer.concat([locked, randomBytes(600_000)])],
  ])('is found in a part, %s', async (_, content) => {
    expect(await found(attached(content))).toEqual([
      { kind: 'encrypted', stream: '2', detail: 'Zip' },
    ]);
  });

  it('is found in what only some clients read', async () => {
    const fields = ['Content-Type: application/x', 'Content-Transfer-Encoding: "base64"'];
    const body = Buffer.from(`${locked.toString('base64')}\r\n`);
    const { findings } = await scan(messages.message({ fields, body }));
    expect(findings).toContainEqual({ kind: 'encrypted', stream: 'reading 1', detail: 'Zip' });
  });

  it('is told of once, however often it is there', async () => {
    const part = messages.attachment('a', locked);
    const twice = messages.message(messages.multipart('mixed', [part, part]));
    expect(await found(twice)).toHaveLength(1);
  });

  it('is not found in what is open', async () => {
    for (const content of [made.zip({ name: 'a' }), made.pdf('trailer <<>>'), randomBytes(5000)]) {
      expect(await found(attached(content))).toEqual([]);
    }
  });
});

const nothing: BannedRule = {
  name: 'r',
  action: 'reject',
  names: [],
  types: [],
  realTypes: [],
  tricks: [],
  unlisted: false,
  inArchives: true,
  listeners: [],
  senders: [],
  recipients: [],
};
const exe = { ...nothing, names: ['*.exe'] };
const program = { ...nothing, realTypes: ['exe'] };
const unlisted = { ...nothing, unlisted: true };
const mz = Buffer.concat([Buffer.from('MZ\x90\0', 'latin1'), randomBytes(200)]);
const named = (filename: string, content: Buffer = Buffer.from('x')): Buffer =>
  messages.message(messages.withAttachment(filename, content));
const headed = (...fields: string[]): Buffer =>
  messages.message({ fields, body: Buffer.from('text\r\n') });
const inText = (...lines: string[]): Buffer =>
  messages.message(messages.text(`Hello\r\n${lines.join('\r\n')}\r\nend\r\n`));

describe('banned', () => {
  it.each([
    ['MZ', 'MZ-Nummer 1234\r\n'],
    ['MZ and no more', 'MZ'],
    ['MZ, and long', `MZ ${'text '.repeat(1000)}`],
  ])('is no text that begins with %s', async (_, text) => {
    const content = Buffer.from(text);
    expect((await scan(named('a.txt', content), [program])).findings).toEqual([]);
  });

  it.each<[string, BannedRule, Buffer, string, string]>([
    ['a name', exe, named('a.exe'), '2', 'is called a.exe'],
    ['a name that looks otherwise', exe, named('a.exe..'), '2', 'is called a.exe..'],
    [
      'the other of two names',
      exe,
      headed('Content-Type: text/x; name=b.exe', 'Content-Disposition: x; filename=a.txt'),
      'message',
      'is called b.exe',
    ],
    [
      'a name in pieces',
      exe,
      headed('Content-Disposition: x; filename*0=a.; filename*1=exe'),
      '1',
      'is called a.exe',
    ],
    [
      'a name in uuencode',
      exe,
      inText('begin 644 a.exe', '#0V%T', '`'),
      'message',
      'is called a.exe',
    ],
    [
      'a name in a message in base64',
      exe,
      messages.message({
        fields: ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'],
        body: Buffer.from(named('deep.exe').toString('base64').replace(/.{76}/g, '$&\r\n')),
      }),
      '1.2',
      'is called deep.exe',
    ],
    [
      'a declared type',
      { ...nothing, types: ['image/*'] },
      headed('Content-Type: image/png'),
      '1',
      'is declared image/png',
    ],
    [
      'the type of a plain text',
      { ...nothing, types: ['text/plain'] },
      headed(),
      '1',
      'is declared text/plain',
    ],
    ['a real type', program, named('a.txt', mz), '2', 'is application/x-msdownload'],
    ['a name that gunzip leaves', exe, named('b.exe.gz', gzipSync('b')), '2', 'is b.exe, packed'],
    ['the same before a slash', exe, named('b.exe.gz/', gzipSync('b')), '2', 'is b.exe, packed'],
    [
      'a name in quotes of uuencode',
      exe,
      inText('begin 644 "b.exe"'),
      'message',
      'is called b.exe',
    ],
    ['a name in Zip', exe, named('a.zip', made.zip({ name: 'b.exe' })), '2', 'holds b.exe'],
    [
      'a name in tar in gzip',
      exe,
      named('a', gzipSync(made.tar({ name: 'b.exe' }))),
      '2',
      'holds b.exe',
    ],
    [
      'names not read',
      unlisted,
      named('a.7z', made.sevenZip(Buffer.from([23, 1]))),
      '2',
      'names not read: a header that is not readable',
    ],
    [
      'many names, of which three are told',
      exe,
      named('a', made.zip(...['1', '2', '3', '4', '5'].map((name) => ({ name: `${name}.exe` })))),
      '2',
      'holds 1.exe, holds 2.exe, holds 3.exe, and 2 more',
    ],
  ])('%s', async (_, rule, bytes, stream, what) => {
    const { findings } = await scan(bytes, [rule]);
    const banned = findings.filter(({ kind }) => kind === 'banned');
    expect(banned).toEqual([{ kind: 'banned', rules: ['r'], stream, detail: `r: ${what}` }]);
  });

  it.each<[string, BannedRule, Buffer]>([
    ['another name', exe, named('a.exe.txt')],
    ['a text of MZ', program, named('a.exe', Buffer.from('hello MZ'))],
    ['an archive that is listed', unlisted, named('a.zip', made.zip({ name: 'b.exe' }))],
    [
      'a name in an archive where that does not count',
      { ...exe, inArchives: false },
      named('a', made.zip({ name: 'b.exe' })),
    ],
    ['a name in the text', exe, inText('see a.exe')],
  ])('is not %s', async (_, rule, bytes) => {
    expect((await scan(bytes, [rule])).findings.filter(({ kind }) => kind === 'banned')).toEqual(
      [],
    );
  });

  it('is shown where that was asked for, with what else there is', async () => {
    const { contents } = await scan(named('a.zip', made.zip({ name: 'b.txt' })), [], true);
    expect(contents).toEqual([
      { stream: '2', type: 'application/zip', names: ['b.txt'], namesLeftOut: 0 },
    ]);
  });
});

describe('an archive of which not all could be read', () => {
  const unreadable = attached(made.sevenZip(Buffer.from([23, 1])));
  const long = attached(made.zip({ name: 'n'.repeat(9000) }));
  const listed: BannedRule = { ...exe, name: 'listed', unlisted: true };
  const sealed = 'perhaps encrypted, with names not read: a header that is not readable';
  const nameless = 'names not read: a name of 9000 bytes';
  const packed = (method: number): Buffer => attached(made.zip({ name: 'a', method }));
  const lzma = 'packed as clamd does not unpack it: Zip, method 14';

  it.each<[string, Buffer, BannedRule[], string | undefined]>([
    ['perhaps encrypted', unreadable, [], sealed],
    ['perhaps encrypted, whatever is banned', unreadable, [listed], sealed],
    ['names, on which no rule depends', long, [], undefined],
    ['names, on which a rule depends', long, [exe], nameless],
    ['names in archives where they do not count', long, [{ ...exe, inArchives: false }], undefined],
    ['names, of which a rule decides for all', long, [exe, listed], undefined],
    ['names, of which a rule decides for some', long, [{ ...listed, senders: ['*'] }], nameless],
    ['packed with bzip2', packed(12), [], undefined],
    ['packed with LZMA, whatever is banned', packed(14), [listed], lzma],
  ])('is partial, or not: %s', async (_, bytes, rules, detail) => {
    const { findings } = await scan(bytes, rules);
    const gaps = findings.filter((one) => one.kind === 'partial' && one.reason === 'archive');
    expect(gaps.map((one) => [one.stream, one.detail])).toEqual(detail ? [['2', detail]] : []);
  });
});
