/**
 * Every fixtures/cases/*.case that a Postfix can bring about, at every door of a real one: the gate
 * behind it is that of test/conformance, between a fake clamd and a fake next hop.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Case, type Column, columns, parseCases } from '../conformance/case.ts';
import { describeNeeding } from '../support/needs.ts';
import { obstacle, playWithPostfix } from './postfix-client.ts';
import { type PostfixDoors, startPostfixDoors } from './postfix-doors.ts';

jest.setTimeout(60_000);

const folder = join(import.meta.dirname, '../../fixtures/cases');
const cases = readdirSync(folder)
  .filter((name) => name.endsWith('.case'))
  .flatMap((name) => parseCases(readFileSync(join(folder, name), 'utf8'), name));

/** At least so many of the cases of a door are brought about. */
const broughtAbout: Readonly<Record<Column, number>> = {
  smtp: 95,
  lmtp: 95,
  'before-queue': 95,
  milter: 60,
  policy: 60,
};

describeNeeding(['root', 'postfix'], 'the cases, brought about by a real Postfix', () => {
  let doors: PostfixDoors;

  beforeAll(async () => {
    doors = await startPostfixDoors();
  });

  afterAll(async () => {
    await doors.postfix.stop();
  });

  describe.each(columns)('%s', (column) => {
    const spoken = cases.filter((one) => one.columns.includes(column));
    const [playable, others] = split(spoken, column);

    test.each(playable)('$title', (one) => playWithPostfix(one, column, doors));

    test('what cannot be brought about says why', () => {
      expect(others.map(({ why }) => why)).not.toContain('');
      expect(playable.length).toBeGreaterThanOrEqual(broughtAbout[column]);
    });
  });

  test('Postfix never complained of what it was told', async () => {
    const complaints = (await doors.postfix.logLines()).filter((line) =>
      /warning: (milter|.*policy|.*protocol)|configuration error|fatal:|panic:/.test(line),
    );
    expect(complaints).toEqual([]);
  });
});

interface Obstructed {
  readonly title: string;
  readonly why: string;
}

function split(spoken: readonly Case[], column: Column): [Case[], Obstructed[]] {
  const playable: Case[] = [];
  const others: Obstructed[] = [];
  for (const one of spoken) {
    const why = obstacle(one, column);
    if (why === undefined) playable.push(one);
    else others.push({ title: one.title, why });
  }
  return [playable, others];
}
