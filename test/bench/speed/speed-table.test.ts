import { describe, expect, test } from '@jest/globals';
import { speedTableOf } from '../../../bench/speed/speed-table.ts';
import { emptyRun, run } from './runs.ts';

/** The cells of each row of the table below this heading, its titles first. */
function tableBelow(text: string, heading: string): string[][] {
  const [, below = ''] = text.split(`## ${heading}\n`);
  const [section = ''] = below.split('\n## ');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
    .map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((each) => each.trim()),
    );
}

const text = speedTableOf(run);

describe('the table of a run', () => {
  test('begins with what was asked for and reached', () => {
    const [titles, ...rows] = tableBelow(text, 'Reach');
    expect(titles).toEqual(['what', 'asked', 'came to', 'reached']);
    expect(rows).toContainEqual([
      '4 KiB, 8 sessions, one hop, of clamsmtp',
      'at least 5×',
      '5.5×',
      'yes',
    ]);
    expect(rows).toContainEqual(['idle: resident memory', 'at most 100 MB', '', 'not measured']);
  });

  test('has a row for each way and load, of one hop and of the doors', () => {
    const [, ...rows] = tableBelow(text, 'Every way');
    const starts = rows.map((row) => row.slice(0, 6));
    expect(starts).toEqual([
      ['4 KiB text', '8', '1', 'clamgate', '1000', '500 (450 to 550)'],
      ['4 KiB text', '8', '100', 'clamgate', '1000', '700 (630 to 770)'],
      ['4 KiB text', '8', '1', 'clamsmtp', '1000', '90.0 (81.0 to 99.0)'],
      ['4 KiB text', '8', '1', 'clamgate, Milter', '1000', '120 (108 to 132)'],
    ]);
    expect(rows[0]?.slice(9)).toEqual(['1.25', '2.50', '', '', '', '128', '256']);
  });

  test('has a column for each that is compared with', () => {
    const [titles, ...rows] = tableBelow(text, 'One beside the other');
    expect(titles?.slice(4)).toEqual(['of clamd alone', 'of clamsmtp']);
    expect(rows.map((row) => row.slice(2))).toEqual([
      ['1', 'clamgate', '0.51', '5.55'],
      ['100', 'clamgate', '0.71', ''],
      ['1', 'clamsmtp', '0.09', ''],
    ]);
  });

  test('has what was asked of the policy service', () => {
    expect(tableBelow(text, 'Policy requests')[1]).toEqual([
      '100',
      '16000 (15000 to 17000)',
      '15000 (14000 to 16000)',
    ]);
  });
});

test('a run without parts has nothing but what was not measured', () => {
  const empty = speedTableOf(emptyRun);
  expect(empty.match(/^## .*$/gm)).toEqual(['## Reach']);
  expect(empty).not.toContain('speed.svg');
});
