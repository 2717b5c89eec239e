import { expect, test } from '@jest/globals';
import { speedChartOf } from '../../../bench/speed/speed-chart.ts';
import { emptyRun, run } from './runs.ts';

/** The words of the chart, in order. */
const wordsOf = (svg: string | undefined) =>
  [...(svg ?? '').matchAll(/<text [^>]*>([^<]*)</g)].map(([, words]) => words);

test('there is none of a run that has nothing to show', () => {
  expect(speedChartOf(emptyRun)).toBeUndefined();
});

test('each filter is beside clamd alone, or Postfix alone, with a connection for each message', () => {
  const words = wordsOf(speedChartOf(run));
  const bars = words.slice(words.indexOf('4 KiB text'));
  expect(bars).toEqual([
    ...['4 KiB text', 'clamgate', '0.51 · 500/s', 'clamsmtp', '0.09 · 90.0/s'],
    ...['4 KiB text through Postfix', 'clamgate, Milter', '0.33 · 120/s'],
  ]);
});

test('it tells when and on what', () => {
  const words = wordsOf(speedChartOf(run)).join('\n');
  expect(words).toContain('2026-01-02');
  expect(words).toContain('a processor');
  expect(words).toContain('load average before 0.3');
});
