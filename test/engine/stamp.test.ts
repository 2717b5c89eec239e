import { expect, test } from '@jest/globals';
import { stampLine } from '../../src/engine/stamp.ts';
import type { Verdict } from '../../src/verdict/verdict.ts';

const clean: Verdict = { kind: 'clean', action: 'pass', coverage: 'full', because: [] };

test.each<[Partial<Verdict>, string]>([
  [{}, 'X-Virus-Scanned: by us\r\n'],
  [{ kind: 'macro', action: 'tag' }, 'X-Virus-Scanned: by us (macro)\r\n'],
  [{ kind: 'ambiguous', action: 'pass' }, 'X-Virus-Scanned: by us (ambiguous)\r\n'],
  [
    { kind: 'encrypted', action: 'tag', coverage: 'partial' },
    'X-Virus-Scanned: by us (encrypted); coverage=partial\r\n',
  ],
  [
    { kind: 'partial', action: 'pass', coverage: 'partial' },
    'X-Virus-Scanned: by us; coverage=partial\r\n',
  ],
])('%j', (verdict, line) => {
  expect(stampLine({ enabled: true, text: 'by us' }, { ...clean, ...verdict })).toBe(line);
});
