/** The set itself: what it promises of its messages, and that the report counts rightly. */
import { describe, expect, it, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { benignMessages } from './benign.ts';
import { binHex, uuencode, xxencode, yEnc } from './codecs.ts';
import { hostileMessages } from './hostile.ts';
import { payloads } from './payloads.ts';
import { reportOf } from './report.ts';
import { witnessesOf } from './witnesses.ts';

const hostile = hostileMessages();
const benign = benignMessages();

describe('the set', () => {
  it('has many messages, each with a name of its own, and each different', () => {
    const all = [...hostile, ...benign];
    expect(hostile.length).toBeGreaterThan(1500);
    expect(benign.length).toBeGreaterThan(100);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(new Set(all.map(({ bytes }) => bytes.toString('latin1'))).size).toBe(all.length);
  });

  it('justifies every hostile message', () => {
    const unjustified = hostile.filter(
      ({ verifiedBy, argued }) => verifiedBy.length === 0 && argued === undefined,
    );
    expect(unjustified).toEqual([]);
    expect(hostile.filter(({ verifiedBy }) => verifiedBy.length > 0).length).toBeGreaterThan(1500);
  });

  it('does not take the witnesses of other bytes', () => {
    const [first] = hostile.filter(({ verifiedBy }) => verifiedBy.length > 0);
    const other = Buffer.concat([first?.bytes ?? Buffer.alloc(0), Buffer.from('x')]);
    expect(witnessesOf({ name: first?.name ?? '', bytes: other })).toEqual([]);
  });

  it('has a bare LF only where it says so', () => {
    const bare = [...hostile, ...benign].filter(({ bytes }) =>
      /(?<!\r)\n/.test(bytes.toString('latin1')),
    );
    expect(bare.every(({ bareLf }) => bareLf)).toBe(true);
    expect(bare.length).toBeGreaterThan(0);
  });

  it('is the same every time', () => {
    const again = hostileMessages();
    expect(again.every(({ bytes }, at) => hostile[at]?.bytes.equals(bytes) === true)).toBe(true);
  });
});

describe('the encodings', () => {
  const bytes = Buffer.from('Cat\0\n=.\r\x90z', 'latin1');

  it('write uuencode and xxencode', () => {
    expect(uuencode(Buffer.from('Cat'), 'c')).toEqual(['begin 644 c', '#0V%T', '`', 'end']);
    expect(xxencode(Buffer.from('Cat'), 'c')).toEqual(['begin 644 c', '1Eq3o', '+', 'end']);
  });

  it('escape what yEnc says is critical', () => {
    const lines = yEnc(Buffer.from([214, 224, 227, 19, 65]), 'c');
    expect(lines[1]).toBe('=@=J=M=}k');
  });

  it('write BinHex of whole quanta between colons', () => {
    const [, , ...lines] = binHex(bytes, 'c');
    expect(lines.join('')).toMatch(/^:[!-,\-0-9@A-Z[`a-r]+:$/);
  });
});

describe('Zip', () => {
  it('can be read by another program', () => {
    const script = 'import io,sys,zipfile; z=zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()));';
    const args = ['-c', `${script} assert z.testzip() is None; print(*z.namelist())`];
    const { error, stdout } = spawnSync('python3', args, { input: payloads.zip.bytes });
    if (error !== undefined) return;
    expect(stdout.toString()).toBe('readme.txt invoice.com\n');
  });
});

test('the report counts what was found, and leaves out what was not tried', () => {
  const specimen = { name: 'f/a', family: 'f', bytes: Buffer.alloc(0), bareLf: false };
  const outcomes = ['found', 'passed', 'stopped', 'untried'] as const;
  const examined = outcomes.map((outcome) => ({ specimen, outcome }));
  expect(reportOf('t', [{ name: 'x', examined }], ['found'])).toContain(
    '| f | 1 of 3, 33.3 % (1 held back) |',
  );
});
