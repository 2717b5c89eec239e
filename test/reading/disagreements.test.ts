/** Where readers disagree, each one's reading is among ours, whatever a parser or clamd would find. */
import { expect, it } from '@jest/globals';
import { disagreementTricks } from '../evasion/hostile/disagreements.ts';
import { laxReaderTricks } from '../evasion/hostile/lax-readers.ts';
import { searchFindingTricks } from '../evasion/hostile/search-findings.ts';
import { Particulars } from '../evasion/message.ts';
import { payloads } from '../evasion/payloads.ts';
import { entityText } from '../evasion/message.ts';
import { eicarFile } from '../support/messages.ts';
import { readAll } from './read-all.ts';

const { eicar } = payloads;

// What is packed is found by clamd only; test/reading/zip-files.test.ts has those.
const tricks = [...disagreementTricks, ...laxReaderTricks, ...searchFindingTricks].filter(
  ({ family }) => !family.startsWith('Zip'),
);

it.each(tricks.map((trick) => [`${trick.family}: ${trick.name}`, trick] as const))(
  '%s',
  (name, trick) => {
    const about = new Particulars(1, name);
    const { fields, ...rest } = trick.build(eicar, about);
    const text = entityText({ ...rest, fields: [...about.envelopeFields('Papers'), ...fields] });
    const { readings } = readAll([Buffer.from(text, 'latin1')]);
    const holding = readings.filter(({ bytes }) => bytes.subarray(0, 68).equals(eicarFile));
    expect(holding.length).toBeGreaterThan(0);
  },
);
