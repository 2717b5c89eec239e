/**
 * Ordinary mail that must not be held back, each kind under several seeds: what people and programs
 * send, what breaks the rules without harm, and what talks about EICAR or looks like an encoding.
 */
import { automaticMail } from './benign/automatic.ts';
import { correspondence } from './benign/correspondence.ts';
import { lookAlikes } from './benign/look-alikes.ts';
import { sloppyMail } from './benign/sloppy.ts';
import type { BenignKinds } from './benign/kind.ts';
import { entityText, Particulars, type Specimen } from './message.ts';

const seed = 42;
const variants = 3;

const families: Readonly<Record<string, BenignKinds>> = {
  correspondence,
  'automatic mail': automaticMail,
  'sloppy mail': sloppyMail,
  'look-alikes': lookAlikes,
};

/** @param perKind how many of each, all different. */
export function benignMessages(perKind = variants): readonly Specimen[] {
  return Object.entries(families).flatMap(([family, kinds]) =>
    Object.entries(kinds).flatMap(([kind, build]) =>
      Array.from({ length: perKind }, (_, at) => {
        const name = `${family}/${kind}/${at + 1}`;
        const about = new Particulars(seed, name);
        const { fields, ...rest } = build(about);
        const envelope = about.envelopeFields(kind.replace(/[^ -~]/g, ''));
        const text = entityText({ fields: [...envelope, ...fields], ...rest });
        return { name, family, bytes: Buffer.from(text, 'latin1'), bareLf: false };
      }),
    ),
  );
}
