/** Nobody's reading of a message escapes: the whole set of test/evasion against a real clamd. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { benignMessages } from '../evasion/benign.ts';
import { examineAll } from '../evasion/examine.ts';
import { hostileMessages } from '../evasion/hostile.ts';
import type { Specimen } from '../evasion/message.ts';
import { clamgateScan, type Outcome, type Subject } from '../evasion/subjects.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { describeNeeding } from '../support/needs.ts';
import { PrivateClamd } from '../support/private-clamd.ts';

/** Sloppy mail says things twice, and look-alikes are made to be mistaken. */
const families = ['correspondence', 'automatic mail'];

describeNeeding(['clamd'], 'clamgate and its clamd', () => {
  let clamd: PrivateClamd;
  let subject: Subject;

  beforeAll(async () => {
    clamd = await PrivateClamd.start();
    subject = clamgateScan(clamd);
  }, 90_000);

  afterAll(async () => {
    await clamd.close();
  });

  /** The names of those that came to another end. */
  async function exceptions(
    specimens: readonly Specimen[],
    expected: Outcome,
    by = subject,
  ): Promise<string[]> {
    const examined = await examineAll(by, specimens);
    return examined
      .filter(({ outcome }) => outcome !== expected)
      .map(({ specimen, outcome }) => `${outcome}: ${specimen.name}`);
  }

  it('find the payload in every hostile message', async () => {
    const hostile = hostileMessages();
    expect(hostile.length).toBeGreaterThan(1500);
    expect(await exceptions(hostile, 'found')).toEqual([]);
  }, 120_000);

  it('hold no benign message back', async () => {
    const benign = benignMessages();
    expect(benign.length).toBeGreaterThan(100);
    expect(await exceptions(benign, 'passed')).toEqual([]);
  }, 60_000);

  it('do not call ordinary mail ambiguous', async () => {
    const strict = clamgateScan(clamd, { ...defaultRules, ambiguous: 'quarantine' });
    const ordinary = benignMessages()
      .filter(({ family }) => families.includes(family))
      // A file to some clients, a text to others.
      .filter(({ name }) => !name.includes('uuencoded'));
    expect(ordinary.length).toBeGreaterThan(100);
    expect(await exceptions(ordinary, 'passed', strict)).toEqual([]);
  }, 60_000);
});
