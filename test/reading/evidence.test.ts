/** What a field says is found in a time that grows with its length only, whatever stands in it. */
import { describe, expect, it, test } from '@jest/globals';
import { Evidence } from '../../src/reading/evidence.ts';
import { fieldCharsMax } from '../../src/reading/header-block.ts';

function evidenceOf(field: string): Evidence {
  const evidence = new Evidence();
  evidence.add(field);
  return evidence;
}

const fields = [
  'Content-Transfer-Encoding: 7bit',
  'Content-Type: text/plain; charset=x; boundary=',
  'Content-Disposition: attachment; filename="',
  'Content-Type: ',
  'X-Other: ',
];
const fillings = [' ', '\t', 'a', '/', '(', '"', '\\', "'", '=?', '%41', '\0'].concat(
  ['name', 'name=', 'filename*0=', 'boundary', 'boundary=', 'charset', 'charset=', 'delsp='],
  ['a/', 'a /', '?= =?', '=?a?q?', '""', '\\"', ';', '()'],
);

/** In CPU time of this process, which noise of others does not touch; 50 are usual. */
const cpuMsMax = 2000;

// It was 18 s where an expression tried a run of blanks from each of its blanks on.
describe.each(fields)('%j', (field) => {
  it.each(fillings)('filled up with %j is looked through once', (filling) => {
    const count = Math.ceil((fieldCharsMax - field.length) / filling.length);
    const before = process.cpuUsage();
    for (const end of ['x', '']) {
      expect(evidenceOf(`${field}${filling.repeat(count)}${end}`).fields).toBe(1);
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(cpuMsMax);
  });
});

test.each([
  ['text/plain', 'text/plain'],
  [' Text / HTML ;x', 'text/html'],
  ['(x) a/b/c', 'a/b'],
  ['=?q?multipart/mixed?=', 'multipart/mixed'],
  [`${'t'.repeat(300)}/x`, `${'t'.repeat(127)}/x`],
  ['none', undefined],
])('the type in %j is %j', (value, type) => {
  expect([...evidenceOf(`Content-Type: ${value}`).called.types]).toEqual(type ? [type] : []);
});

test.each(['base64', ' base64', '\t base64 \t'])('blanks around %j do not count', (value) => {
  const evidence = evidenceOf(`Content-Transfer-Encoding:${value}`);
  expect([[...evidence.encodings], evidence.oddEncoding]).toEqual([['base64'], false]);
});
