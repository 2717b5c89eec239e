import { describe, expect, it } from '@jest/globals';
import type { InstreamReply } from '../../src/protocol/clamd/instream.ts';
import { findingsOf } from '../../src/scan/stream-findings.ts';

const ceilings = { streamBytesMax: 2000, fileBytesMax: 1000, scanMsMax: 500 };
const worth = { ceilings, alerts: 'on', hasOldSignatures: false } as const;

function kinds(reply: InstreamReply, bytes = 1000, scanMs = 499): string[] {
  const answer = { reply, words: 'words', endpoint: 'a', ms: 10_000, scanMs, worth };
  return findingsOf('1.2', bytes, answer).map((finding) => {
    expect(finding.stream).toBe('1.2');
    return finding.kind === 'partial' ? finding.reason : `${finding.kind} ${finding.detail}`;
  });
}

const found = (signature: string): InstreamReply => ({ kind: 'found', signature });

describe('findingsOf', () => {
  it.each([
    ['an OK within all limits is no finding', kinds({ kind: 'ok' }), []],
    ['an OK above MaxFileSize', kinds({ kind: 'ok' }, 1001), ['file-size']],
    ['an OK above StreamMaxLength', kinds({ kind: 'ok' }, 2001), ['stream-length', 'file-size']],
    ['an OK at MaxScanTime', kinds({ kind: 'ok' }, 1, 500), ['scan-time']],
    ['a refused stream', kinds({ kind: 'size-limit' }, 2001), ['stream-length']],
    ['a failed scan', kinds({ kind: 'failed' }), ['unavailable words']],
    ['malware', kinds(found('Win.X'), 5000, 900), ['infected Win.X']],
    ['a limit of clamd', kinds(found('Heuristics.Limits.Exceeded.MaxFiles')), ['limits-exceeded']],
    [
      'encryption in what was not wholly seen',
      kinds(found('Heuristics.Encrypted.Zip'), 1001, 500),
      ['encrypted Heuristics.Encrypted.Zip', 'file-size', 'scan-time'],
    ],
    [
      'macros',
      kinds(found('Heuristics.OLE2.ContainsMacros')),
      ['macro Heuristics.OLE2.ContainsMacros'],
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });
});
