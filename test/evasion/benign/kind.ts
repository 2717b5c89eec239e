/** How a kind of benign mail is made, and the words and files in it. */
import { base64 } from '../codecs.ts';
import { crlf, type Entity, type Particulars } from '../message.ts';

export type BenignKinds = Readonly<Record<string, (about: Particulars) => Entity>>;

export const cte = (value: string): string => `Content-Transfer-Encoding: ${value}`;

/** UTF-8 as latin1 characters, as the messages hold it. */
export const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const words = [
  'the meeting moves to Thursday',
  'thank you for the figures',
  'I have read the draft twice',
  'the train leaves at nine',
  'please send me the address',
  'we will need two more chairs',
  'the garden looks fine in autumn',
  'nobody has seen the old key',
] as const;

export function sentences(about: Particulars, count: number): string[] {
  return Array.from({ length: count }, () => `${about.one(words)}, ${about.one(words)}.`);
}

export const prose = (about: Particulars, count = 6): string =>
  sentences(about, count).join(crlf) + crlf;

export function text(body: string, type = 'text/plain; charset=us-ascii'): Entity {
  return { fields: [`Content-Type: ${type}`], body };
}

export function encodedText(bytes: Buffer, type: string): Entity {
  return { fields: [`Content-Type: ${type}`, cte('base64')], body: base64(bytes) };
}

export function randomBytes(about: Particulars, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => about.random.between(0, 255)));
}

export function file(name: string, type: string, bytes: Buffer): Entity {
  return {
    fields: [
      `Content-Type: ${type}; name="${name}"`,
      `Content-Disposition: attachment; filename="${name}"`,
      cte('base64'),
    ],
    body: base64(bytes),
  };
}

/** The frame of a PDF around noise; nothing in it runs. */
export function pdf(about: Particulars, bytes: number): Buffer {
  const stream = randomBytes(about, bytes);
  const head = `%PDF-1.4\n1 0 obj\n<< /Length ${bytes} >>\nstream\n`;
  const tail = '\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n';
  return Buffer.concat([Buffer.from(head), stream, Buffer.from(tail)]);
}

/** Eight bytes by which a PNG is known, and noise. */
export function png(about: Particulars): Buffer {
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, randomBytes(about, about.random.between(200, 3000))]);
}
