import { describe, expect, test } from '@jest/globals';
import { type Bar, svgOf, ticksUpTo } from '../../../bench/report/chart.ts';

const bar = (median: number, changes: Partial<Bar> = {}): Bar => ({
  label: 'a filter',
  value: { median, min: median * 0.9, max: median * 1.1 },
  note: 'note',
  accent: false,
  ...changes,
});

const drawn = (...bars: Bar[]) =>
  svgOf({ title: 'Title', words: ['words'], axis: 'axis', panels: [{ title: 'panel', bars }] });

/** The attributes of each element of this name, but the first rectangle, which is the paper. */
function elements(svg: string, name: string): Partial<Record<string, string>>[] {
  return [...svg.matchAll(new RegExp(`<${name} ([^>]*)>`, 'g'))]
    .map(([, words = '']) => {
      const attributes = [...words.matchAll(/([\w-]+)="([^"]*)"/g)];
      return Object.fromEntries(attributes.map(([, key = '', value = '']) => [key, value]));
    })
    .slice(name === 'rect' ? 1 : 0);
}

test.each([
  [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [1.01, [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2]],
  [3.9, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]],
  [15, [0, 2, 4, 6, 8, 10, 12, 14, 16]],
])('ticks up to %d', (most, ticks) => {
  expect(ticksUpTo(most)).toEqual(ticks);
});

describe('a chart', () => {
  test('has a bar as long as its median, from the same place', () => {
    const [one, half] = elements(drawn(bar(1), bar(0.5)), 'rect');
    expect(Number(one?.['width'])).toBeCloseTo(2 * Number(half?.['width']), 0);
    expect(one?.['x']).toBe(half?.['x']);
  });

  test('has a line from the least to the most', () => {
    const svg = drawn(bar(1));
    const [rect] = elements(svg, 'rect');
    const from = Number(rect?.['x']);
    const width = Number(rect?.['width']);
    const spread = elements(svg, 'line').find(({ x1, x2, y1, y2 }) => y1 === y2 && x1 !== x2);
    expect(Number(spread?.['x1'])).toBeCloseTo(from + 0.9 * width, 0);
    expect(Number(spread?.['x2'])).toBeCloseTo(from + 1.1 * width, 0);
  });

  test('stays inside its frame, however many panels there are', () => {
    const panels = Array.from({ length: 9 }, (_, at) => ({
      title: `panel ${at}`,
      bars: [bar(1), bar(3)],
    }));
    const svg = svgOf({ title: 'Title', words: ['a', 'b'], axis: 'axis', panels });
    const [, , width, height] =
      /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg)?.slice(1).map(Number) ?? [];
    for (const { x, y, width: own } of elements(svg, 'rect')) {
      expect(Number(x) + Number(own)).toBeLessThan(width ?? 0);
      expect(Number(y)).toBeLessThan(height ?? 0);
    }
    for (const { y } of elements(svg, 'text')) expect(Number(y)).toBeLessThan(height ?? 0);
  });

  test('has what it is about in another colour', () => {
    const [plain, accent] = elements(drawn(bar(1), bar(1, { accent: true })), 'rect');
    expect(plain?.['fill']).not.toBe(accent?.['fill']);
  });

  test('keeps words from being markup', () => {
    expect(drawn(bar(1, { label: 'a <b> & c' }))).toContain('a &lt;b&gt; &amp; c');
  });
});
