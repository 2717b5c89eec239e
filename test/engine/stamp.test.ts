import { expect, test } from '@jest/globals';
import { stampLine } from '../../src/engine/stamp.ts';
import type { Verdict } from '../../src/verdict/verdict.ts';

const clean: Verdict = {
  kind: 'clean',
  action: 'pass',
  coverage: 'full',
  unscanned: [],
  because: [],
};

test.each<[Partial<Verdict>, string]>([
  [{}, 'X-Virus-Scanned: by us\r\n'],
  [{ kind: 'macro', action: 'tag' }, 'X-Virus-Scanned: by us (macro)\r\n'],
  [{ kind: 'ambiguous', action: 'pass' }, 'X-Virus-Scanned: by us (ambiguous)\r\n'],
  [
    { kind: 'encrypted', action: 'tag', coverage: 'partial', unscanned: ['encrypted'] },
    'X-Virus-Scanned: by us (encrypted); coverage=partial\r\n',
  ],
  [
    { kind: 'partial', action: 'pass', coverage: 'partial', unscanned: ['parts', 'fragment'] },
    'X-Virus-Scanned: by us; coverage=partial (parts, fragment)\r\n',
  ],
  [
    { kind: 'limits-silent', action: 'pass', coverage: 'partial', unscanned: ['limits-silent'] },
    'X-Virus-Scanned: by us; coverage=partial (limits-silent)\r\n',
  ],
  [
    {
      kind: 'encrypted',
      action: 'tag',
      coverage: 'partial',
      unscanned: ['limits-silent', 'encrypted'],
    },
    'X-Virus-Scanned: by us (encrypted); coverage=partial (limits-silent)\r\n',
  ],
])('%j', (verdict, line) => {
  expect(stampLine({ enabled: true, text: 'by us' }, { ...clean, ...verdict })).toBe(line);
});
