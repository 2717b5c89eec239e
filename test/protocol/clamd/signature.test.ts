import { describe, expect, it } from '@jest/globals';
import { classify } from '../../../src/protocol/clamd/signature.ts';

describe('classify', () => {
  it.each([
    ['Heuristics.Limits.Exceeded.MaxFileSize', 'limits-exceeded'],
    ['Heuristics.Limits.Exceeded.MaxScanTime', 'limits-exceeded'],
    ['Heuristics.Limits.Exceeded', 'limits-exceeded'],
    ['Heuristics.Encrypted.Zip', 'encrypted'],
    ['Heuristics.Encrypted.PDF', 'encrypted'],
    ['Heuristics.OLE2.ContainsMacros', 'macro'],
    ['Heuristics.OLE2.ContainsMacros.VBA', 'macro'],
    ['Heuristics.Phishing.Email.SpoofedDomain', 'infected'],
    ['Win.Test.EICAR_HDB-1', 'infected'],
    ['My.Heuristics.Encrypted.Zip.UNOFFICIAL', 'infected'],
    ['Eicar-Test.UNOFFICIAL', 'infected'],
    ['(null)', 'infected'],
  ])('%s is %s', (signature, family) => {
    expect(classify(signature)).toBe(family);
  });
});
