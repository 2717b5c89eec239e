import { expect, test } from '@jest/globals';
import { type Coverage, coverageOf, type Finding } from '../../src/verdict/finding.ts';

const at = { stream: 'message', detail: '' };
const partial: Finding = { kind: 'partial', reason: 'parts', ...at };
const of = (kind: Exclude<Finding['kind'], 'partial'>): Finding => ({ kind, ...at });

test.each<[Finding[], Coverage]>([
  [[], 'full'],
  [[of('infected')], 'full'],
  [[of('macro'), of('smuggling'), of('ambiguous')], 'full'],
  [[partial], 'partial'],
  [[of('encrypted')], 'partial'],
  [[of('infected'), partial], 'partial'],
  [[of('unavailable')], 'none'],
  [[partial, of('unavailable'), of('infected')], 'none'],
])('coverage of %j is %s', (findings, coverage) => {
  expect(coverageOf(findings)).toBe(coverage);
});
