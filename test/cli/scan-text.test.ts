/** What `clamgate scan` says of each kind of finding. */
import { expect, test } from '@jest/globals';
import type { Explanation } from '../../src/cli/scan.ts';
import { explanationText } from '../../src/cli/scan-text.ts';
import type { Finding, FindingKind, PartialReason } from '../../src/verdict/finding.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';

function textOf(finding: Finding): string[] {
  const { stream } = finding;
  const scanned = { stream, label: 'text/plain', bytes: 7, digest: 'd1', answer: 'stream: OK' };
  const explanation: Explanation = {
    ...{ file: 'm.eml', bytes: 99, parts: [], doors: [], findings: [finding] },
    streams: [{ ...scanned, endpoint: 'unix:/c', ms: 2 }],
    verdict: decide([finding], defaultRules),
  };
  return explanationText(explanation).split('\n');
}

const kinds: Readonly<Record<Exclude<FindingKind, 'partial'>, string>> = {
  infected: 'coverage full, verdict infected (quarantine)',
  unavailable: 'coverage none (unavailable), verdict unavailable (defer)',
  unscannable: 'coverage none (unscannable), verdict unscannable (quarantine)',
  ambiguous: 'coverage full, verdict ambiguous (pass)',
  encrypted: 'coverage partial (encrypted), verdict encrypted (tag)',
  banned: 'coverage full, verdict banned (quarantine)',
  macro: 'coverage full, verdict macro (tag)',
  'old-signatures': 'coverage full, verdict old-signatures (pass)',
  smuggling: 'coverage full, verdict smuggling (quarantine)',
};

test.each(Object.entries(kinds))('%s: what, where, and what it comes to', (kind, verdict) => {
  const lines = textOf({ kind: kind as keyof typeof kinds, stream: '1.2', detail: 'why' });
  expect(lines).toEqual([
    'm.eml: 99 bytes',
    '  scanned',
    '    1.2 text/plain, 7 bytes: stream: OK (unix:/c, 2 ms)',
    '      sha256 d1',
    '  findings',
    `    ${kind} 1.2 why`,
    `  ${verdict}`,
  ]);
});

test('banned: by which rules', () => {
  const rules = ['programs', 'tricks'];
  const lines = textOf({ kind: 'banned', rules, stream: '1', detail: 'programs: is called a.exe' });
  expect(lines.slice(-2)).toEqual([
    '  coverage full, verdict banned (quarantine)',
    '  decided by [[banned]] programs, tricks',
  ]);
});

const reasons: Readonly<Record<PartialReason, [unseen: string, verdict: string]>> = {
  'stream-length': ['[clamd] stream_max_length', 'oversize (quarantine)'],
  'file-size': ['[clamd] max_file_size', 'oversize (quarantine)'],
  'scan-time': ['[clamd] max_scan_time', 'limits (quarantine)'],
  'limits-exceeded': ["a limit of clamd's own", 'limits (quarantine)'],
  parts: ['[limits] parts_max or part_depth_max', 'partial (quarantine)'],
  unparsed: ['a form that was not taken apart', 'partial (quarantine)'],
  readings: ['[limits] readings_max, or another ceiling of what is read', 'partial (quarantine)'],
  fragment: ['the rest of the message, which is in others', 'partial (quarantine)'],
  archive: ['a ceiling of what is read of an archive', 'partial (quarantine)'],
  'limits-silent': ["limits of clamd's own, which it does not tell of", 'limits-silent (pass)'],
};

test.each(Object.entries(reasons))(
  'partial, %s: below the stream, too',
  (name, [unseen, verdict]) => {
    const reason = name as PartialReason;
    const lines = textOf({ kind: 'partial', reason, stream: '1.2', detail: 'why' });
    expect(lines.slice(2)).toEqual([
      '    1.2 text/plain, 7 bytes: stream: OK (unix:/c, 2 ms)',
      `      in part only, for ${unseen}: why`,
      '      sha256 d1',
      '  findings',
      `    partial(${reason}) 1.2 why`,
      `  coverage partial (${reason}), verdict ${verdict}`,
    ]);
  },
);
