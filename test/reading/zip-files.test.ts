import { describe, expect, it } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import { zip } from '../evasion/zip.ts';
import { readAll } from './read-all.ts';

const file = Buffer.from('the one that is looked for, '.repeat(4));
const files = (stored: boolean) => [
  { name: 'a.txt', bytes: Buffer.from('another') },
  { name: 'b.com', bytes: file, stored },
];
const whole = zip(files(false));
const directory = whole.indexOf('PK\x01\x02');
const second = whole.indexOf('PK\x01\x02', directory + 4);
const stored = zip(files(true));
const storedOnly = stored.subarray(0, stored.indexOf('PK\x01\x02'));
const end = whole.indexOf('PK\x05\x06');

function changed(bytes: Buffer, at: number, to: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16LE(to, at);
  return copy;
}

function message(archive: Buffer): Buffer {
  const head = 'From: a@example.net\r\nContent-Type: application/zip\r\n';
  const body = archive.toString('base64').replace(/.{76}/g, '$&\r\n');
  return Buffer.from(`${head}Content-Transfer-Encoding: base64\r\n\r\n${body}\r\n`);
}

function read(archive: Buffer, pieces = 1): { files: string[]; odd: boolean } {
  const bytes = message(archive);
  const length = Math.ceil(bytes.length / pieces);
  const cut = Array.from({ length: pieces }, (_, n) =>
    bytes.subarray(n * length, (n + 1) * length),
  );
  const { readings } = readAll(cut);
  const inZip = readings.filter(({ why }) => why.includes('of a Zip'));
  const opened = inZip.map(({ bytes: one }) => (one[0] === 0x1f ? inflated(one) : one));
  return { files: opened.map((one) => one.toString()), odd: inZip.some(({ odd }) => odd) };
}

/** Without a checksum behind it. */
function inflated(bytes: Buffer): Buffer {
  return gunzipSync(bytes, { finishFlush: 2 });
}

describe('the files of a Zip that its directory does not list', () => {
  it.each<[string, Buffer]>([
    ['that has none', whole.subarray(0, directory)],
    ['that is cut off', whole.subarray(0, whole.length - 10)],
    ['that is elsewhere', changed(whole, end + 16, 7)],
    [
      'that lists fewer than it says',
      Buffer.concat([whole.subarray(0, second), whole.subarray(end)]),
    ],
    ['of another number', changed(whole, end + 10, 1)],
    ['that has none, stored', storedOnly],
  ])('are read: %s', (_, archive) => {
    for (const pieces of [1, 7]) {
      const { files: found, odd } = read(archive, pieces);
      expect(found).toContain(file.toString());
      expect(odd).toBe(true);
    }
  });

  it.each<[string, Buffer]>([
    ['a whole one', whole],
    ['a whole one, stored', stored],
    ['one in another', zip([{ name: 'c.zip', bytes: whole, stored: true }])],
    [
      'a file that only mentions one',
      Buffer.concat([Buffer.from('x'), whole.subarray(0, directory)]),
    ],
  ])('are none: %s', (_, archive) => {
    expect(read(archive).files).toEqual([]);
  });

  it.each<[number, string | undefined]>([
    [12, 'a file that a Zip does not list, packed by method 12'],
    [95, 'a file that a Zip does not list, packed by method 95'],
    [0x4d5a, undefined],
  ])('packed by method %i: %s', (method, exceeded) => {
    const archive = changed(whole.subarray(0, directory), 8, method);
    expect(readAll([message(archive)]).exceeded).toBe(exceeded);
  });
});
