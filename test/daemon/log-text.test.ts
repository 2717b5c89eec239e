import { describe, expect, test } from '@jest/globals';
import { bounded, escapeControls, logValue } from '../../src/daemon/log-text.ts';

describe('controls', () => {
  test.each([
    ['plain', 'plain'],
    ['two\nlines', 'two\nlines'],
    ['caf\u00e9 \u65e5\u672c \u{1f600}', 'caf\u00e9 \u65e5\u672c \u{1f600}'],
    ['\u0000\t\r\u001b', '\\u0000\\u0009\\u000d\\u001b'],
    ['\u007f\u0085\u009b', '\\u007f\\u0085\\u009b'],
    ['\u00ad\u061c\u200b\u200f', '\\u00ad\\u061c\\u200b\\u200f'],
    ['\u2028\u202e\u2066\ufeff', '\\u2028\\u202e\\u2066\\ufeff'],
    ['\ud800x\udc00', '\\ud800x\\udc00'],
  ])('%j', (text, escaped) => {
    expect(escapeControls(text)).toBe(escaped);
  });
});

test.each([
  ['<a@b.c>', '<a@b.c>'],
  ['250', '250'],
  ['', '""'],
  ['a b', '"a b"'],
  ['a"b', '"a\\"b"'],
  ['a,b', '"a,b"'],
  ['a\\b', '"a\\\\b"'],
  ['line\nend', '"line\\nend"'],
  ['caf\u00e9', '"caf\u00e9"'],
])('the log value %j', (text, value) => {
  expect(logValue(text)).toBe(value);
});

test.each([
  ['abcd', 4, 'abcd'],
  ['abcde', 4, 'abcd...(1 more)'],
  ['', 0, ''],
])('%j within %d', (text, max, result) => {
  expect(bounded(text, max)).toBe(result);
});
