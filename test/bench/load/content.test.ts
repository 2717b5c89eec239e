import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { simpleParser } from 'mailparser';
import { kindBytes, type Kind, kinds, makerOf, streamsOf } from '../../../bench/load/content.ts';

const small = kinds.filter((kind) => kindBytes[kind] < 2 ** 20);
const makers = new Map(small.map((kind) => [kind, makerOf(kind)]));
const samples = (kind: Kind) =>
  Array.from({ length: 100 }, (_, serial) => makers.get(kind)?.(serial)).flatMap(
    (sample) => sample ?? [],
  );

test.each(small.filter((kind) => kind !== 'mixed'))('%s is as large as its name says', (kind) => {
  const { message } = makerOf(kind)(1);
  expect(message.length / kindBytes[kind]).toBeGreaterThan(0.95);
  expect(message.length / kindBytes[kind]).toBeLessThanOrEqual(1);
});

test.each(small)('no two of %s are alike, nor any of their parts', (kind) => {
  const all = samples(kind).flatMap((sample) =>
    streamsOf(sample).map((stream) => createHash('sha256').update(stream).digest('hex')),
  );
  expect(all.length).toBeGreaterThanOrEqual(100);
  expect(new Set(all).size).toBe(all.length);
});

test.each(small)('%s goes over the wire as it is: CRLF, no dot at the start of a line', (kind) => {
  for (const { message } of samples(kind)) {
    const text = message.toString('latin1');
    expect(text.endsWith('\r\n')).toBe(true);
    expect(/^\./m.test(text)).toBe(false);
    expect(/[^\r]\n|\r[^\n]/.test(text)).toBe(false);
  }
});

const withParts: [Kind, string | undefined, number][] = [
  ['newsletter-20k', 'text/html', 2],
  ['attachment-100k', undefined, 1],
];

test.each(withParts)('the parts of %s are what a parser decodes', async (kind, html, files) => {
  const { message, parts } = makerOf(kind)(7);
  const mail = await simpleParser(message);
  const attached = mail.attachments.map(({ content }) => content);
  expect(attached).toHaveLength(files);
  expect(parts.slice(-files)).toEqual(attached);
  expect(mail.text?.trimEnd()).toBe(parts[0]?.toString().replaceAll('\r\n', '\n').trimEnd());
  if (html === undefined) return;
  const images = /<img src="data:image\/png;base64,[^"]*">/g;
  expect(String(mail.html).match(images)).toHaveLength(2);
  expect(parts[1]?.toString()).toContain('<img src="cid:image1">');
});
