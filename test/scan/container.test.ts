import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { containerKind, ContainerLook } from '../../src/scan/container.ts';

const at = (offset: number, mark: string, rest = 20): Buffer =>
  Buffer.concat([Buffer.alloc(offset, '.'), Buffer.from(mark, 'latin1'), Buffer.alloc(rest, '.')]);
const dmg = at(1000, 'koly', 508);

describe('what clamd opens', () => {
  it.each<[string, Buffer]>([
    ['zip', at(0, 'PK\x03\x04')],
    ['zip', at(70_000, 'PK\x03\x04')],
    ['rar', at(0, 'Rar!')],
    ['gzip', gzipSync('x')],
    ['7z', at(0, '7z\xbc\xaf\x27\x1c')],
    ['tar', at(257, 'ustar')],
    ['cab', at(0, 'MSCF\0\0\0\0')],
    ['pdf', at(100, '%PDF-1.7')],
    ['ole2', at(0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')],
    ['iso', at(32_768, '\x01CD001')],
    ['dmg', dmg],
    ['pe', at(0, 'MZ')],
    ['rtf', at(0, '{\\rtf1')],
    ['disk image', at(510, '\x55\xaa')],
  ])('%s', (name, bytes) => {
    expect(containerKind(bytes)).toBe(name);
  });

  it('is seen wherever the bytes are cut', () => {
    const samples = [at(300, 'PK\x03\x04'), at(257, 'ustar'), at(0, '\x1f\x8b'), dmg];
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(fc.nat(40)), (bytes, sizes) => {
        const look = new ContainerLook();
        let from = 0;
        for (const size of sizes) {
          look.feed(bytes.subarray(from, from + size));
          from += size;
        }
        look.feed(bytes.subarray(from));
        expect(look.kind).toBe(containerKind(bytes));
      }),
    );
  });
});

it('is seen when a mark is cut at any place', () => {
  const bytes = at(300, 'MSCF\0\0\0\0');
  const seen = Array.from({ length: bytes.length }, (_, cut) => {
    const look = new ContainerLook();
    look.feed(bytes.subarray(0, cut));
    look.feed(bytes.subarray(cut));
    return look.kind;
  });
  expect(new Set(seen)).toEqual(new Set(['cab']));
});

it.each<[string, Buffer]>([
  ['a text', Buffer.from('Dear all,\r\nRar! says the cat, and PK too.\r\n')],
  ['a PNG', at(0, '\x89PNG\r\n\x1a\n')],
  ['a JPEG', at(0, '\xff\xd8\xff\xe0')],
  ['HTML', Buffer.from('<html><body>x</body></html>')],
  ['koly elsewhere', at(1000, 'koly', 507)],
  ['nothing', Buffer.alloc(0)],
])('%s is none', (_, bytes) => {
  expect(containerKind(bytes)).toBeUndefined();
});
