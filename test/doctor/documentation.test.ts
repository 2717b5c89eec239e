/** docs/doctor.md tells of every check what the code tells, and of none that is not there. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { checks } from '../../src/doctor/checks.ts';

const text = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
const sections = new Map(
  text
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [id = '', ...rest] = section.split('\n');
      return [id, rest.join(' ').replace(/\s+/g, ' ')];
    }),
);

test('the same checks in the same order', () => {
  expect([...sections.keys()]).toEqual(checks.map(({ id }) => id));
});

test.each(checks)('$id: what holds, why, how to mend it, where to read on', (check) => {
  const section = sections.get(check.id) ?? '';
  for (const words of [check.what, check.why, check.mend, check.see]) {
    expect(section).toContain(words.replace(/\s+/g, ' '));
  }
});
