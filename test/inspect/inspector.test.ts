import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { lookahead, scratchBytes } from '../../src/inspect/blocks.ts';
import { headBytes, type Inspection, Inspector } from '../../src/inspect/inspector.ts';
import type { InspectLimits } from '../../src/inspect/notes.ts';
import { defaultInspectLimits } from '../../src/limits.ts';
import * as made from '../support/archives.ts';

const scratch = Buffer.alloc(scratchBytes);

function inspect(bytes: Buffer, pieces: readonly Buffer[] = [bytes], limits = {}): Inspection {
  const all = { ...defaultInspectLimits, ...limits };
  const inspector = new Inspector({ limits: all, lists: true }, scratch);
  for (const piece of pieces) for (const slice of inspector.slices(piece)) inspector.feed(slice);
  return inspector.end();
}

/** Behind and before bytes that are no part of it. */
const within = (bytes: Buffer): Buffer => Buffer.concat([Buffer.alloc(70_000, 'MZ'), bytes]);

/** Where the second block begins, so that the byte before is not in it. */
const atBlock = (before: string, bytes: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(before.padStart(scratchBytes - lookahead)),
    bytes,
    // Or there is only one.
    Buffer.alloc(lookahead, 'x'),
  ]);

const extra = (kind: number): Buffer => Buffer.from([kind & 0xff, kind >> 8, 2, 0, 1, 2]);
const aes = made.sevenZipHeader(['a.txt'], '06f10701');
const names = [
  'docs/a.txt',
  ...Array.from({ length: 12 }, (_, at) => `file${String(at).padStart(2, '0')}.txt`),
  'invoice.pdf.exe',
];
/** `sevenZipHeader(names, '06f10701')` as liblzma packs it. */
const packed = Buffer.from(
  '0000813307ae0fce9c06c5090ad02239e9e6dff366d430dc1fed19b87a6aefbb0ad1927b75d6c032f07c9c806a4c7f00' +
    '3b2bfdfb7564c0307453df8c28014a90338be027a571628b68e860cca77c98b8f51a3dfdcbe486ebe9c1316f096e469e' +
    '72ad356a0cdd95fa8770ac068e0b69a85adbdffff1a80e20',
  'hex',
);
const packedHeader = made.sevenZipPackedHeader(
  packed.length,
  348,
  Buffer.from('5d00000100', 'hex'),
);

const encrypted: readonly (readonly [string, Buffer, string])[] = [
  ['Zip, in a local header', made.zip({ name: 'a', localFlags: 1 }), 'Zip'],
  ['Zip, in the central directory', made.zip({ name: 'a', centralFlags: 1 }), 'Zip'],
  ['Zip, strong encryption', made.zip({ name: 'a', localFlags: 0x40 }), 'Zip'],
  ['Zip, of AES by its method', made.zip({ name: 'a', method: 99 }), 'Zip'],
  ['Zip, of AES by its extra field', made.zip({ name: 'a', extra: extra(0x9901) }), 'Zip'],
  ['Zip, its second file', made.zip({ name: 'a' }, { name: 'b', localFlags: 1 }), 'Zip'],
  ['Zip behind a program', within(made.zip({ name: 'a', localFlags: 1 })), 'Zip'],
  ['RAR 4, a file', made.rar4([{ name: 'a' }, { name: 'b', encrypted: true }]), 'RAR'],
  ['RAR 4, its headers', made.rar4([], true), 'RAR'],
  ['RAR 5, a file', made.rar5([{ name: 'a' }, { name: 'b', encrypted: true }]), 'RAR'],
  ['RAR 5, its headers', made.rar5([], true), 'RAR'],
  ['RAR 5 behind a program', within(made.rar5([{ name: 'b', encrypted: true }])), 'RAR'],
  ['7z, a plain header', made.sevenZip(aes), '7z'],
  ['7z, a packed header', made.sevenZip(packedHeader, packed), '7z'],
  ['7z behind a program', within(made.sevenZip(packedHeader, packed)), '7z'],
  ['PDF, in the trailer', made.pdf('trailer\n<< /Size 2 /Encrypt 5 0 R /Root 1 0 R >>'), 'PDF'],
  ['PDF, a dictionary there', made.pdf('trailer << /Encrypt << /Filter /Standard >> >>'), 'PDF'],
  ['PDF, a stream of references', made.pdf('7 0 obj\n<</Type/XRef/Encrypt 5 0 R>>stream'), 'PDF'],
  [
    'PDF, more space behind it than is looked through',
    made.pdf(`trailer << /Encrypt${' '.repeat(20_000)}5 0 R >>`),
    'PDF',
  ],
  ['PDF, comments behind it', made.pdf('trailer << /Encrypt% a\n5%b\r 0 %\n\tR >>'), 'PDF'],
  [
    'PDF, a comment behind it that is longer than what is looked through',
    made.pdf(`trailer << /Encrypt %${'x'.repeat(20_000)}\n5 0 R >>`),
    'PDF',
  ],
  [
    'PDF, many comments behind it',
    made.pdf(`trailer << /Encrypt 5 ${'%x\n'.repeat(5000)}0 R >>`),
    'PDF',
  ],
  ['PDF, its name in numbers', made.pdf('trailer << /#45n#63rypt 5 0 R >>'), 'PDF'],
  ['OOXML', made.ole({ streams: ['EncryptionInfo', 'EncryptedPackage'] }), 'Office document'],
  [
    'OOXML, its streams in other letters',
    made.ole({ streams: ['encryptioninfo', 'ENCRYPTEDPACKAGE'] }),
    'Office document',
  ],
  ['Word', made.ole({ sectors: [made.wordFib(0x0100)] }), 'Office document'],
  [
    'Excel, a small one',
    made.ole({ sectors: [Buffer.concat([Buffer.alloc(192), made.workbook(0x2f)])] }),
    'Office document',
  ],
  ['Excel', made.ole({ sectors: [made.workbook(0x2f)] }), 'Office document'],
  ['Excel, write-protected', made.ole({ sectors: [made.workbook(0x86, 0x2f)] }), 'Office document'],
  [
    'PowerPoint',
    made.ole({ sectors: [Buffer.from('0000f60f2000000014000000dfc4d1f3', 'hex')] }),
    'Office document',
  ],
  ['OpenPGP to a key', made.pgp(1), 'OpenPGP message'],
  ['OpenPGP to a passphrase', made.pgp(3), 'OpenPGP message'],
  ['OpenPGP at the start of a block', atBlock('\r\n', made.pgp(1)), 'OpenPGP message'],
  ['S/MIME', made.cms('enveloped'), 'S/MIME message'],
];

const open: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a text of PK and Rar!', Buffer.from('PK\x03\x04 and Rar!\x1a\x07 are marks; /Encrypt 5 0 R')],
  ['Zip', made.zip({ name: 'a' }, { name: 'b', method: 0, localFlags: 0x0808 })],
  ['RAR 4', made.rar4([{ name: 'a' }])],
  ['RAR 5', made.rar5([{ name: 'a' }])],
  [
    'RAR 5 that tells where its parts are',
    made.rar5([{ type: 1, body: [1, 4, 0, 3, 1, 0, 0] }, { name: 'a' }]),
  ],
  ['7z', made.sevenZip(made.sevenZipHeader(['a']))],
  ['PDF that speaks of it in a comment', made.pdf('trailer << /Encrypt %5 0 R\n/Root 1 0 R >>')],
  ['PDF that speaks of it', made.pdf('(/Encryption) trailer << /Root 1 0 R >>')],
  ['OOXML in a compound file', made.ole({ streams: ['WordDocument', 'Encrypted'] })],
  [
    'a name beside the directory',
    made.ole({ sectors: [Buffer.from('xEncryptedPackage\0', 'utf16le')] }),
  ],
  ['Word', made.ole({ sectors: [made.wordFib(0)] })],
  ['Excel', made.ole({ sectors: [made.workbook(0x42, 0x2f)] })],
  [
    'the marks of Word in no compound file',
    Buffer.concat([Buffer.alloc(512), made.wordFib(0x100)]),
  ],
  ['a signed S/MIME message', made.cms('signed')],
  ['a compressed OpenPGP message', made.pgp(8)],
  ['an OpenPGP message that is quoted', Buffer.from(`> ${made.pgp(1).toString()}`)],
  ['an OpenPGP message that is quoted at the start of a block', atBlock('> ', made.pgp(1))],
  ['tar', made.tar({ name: 'a' })],
  ['gzip', gzipSync('text')],
];

describe('encrypted', () => {
  it.each(encrypted)('%s', (_, bytes, format) => {
    expect(inspect(bytes).encrypted).toEqual([format]);
  });

  it.each(open)('is not %s', (_, bytes) => {
    expect(inspect(bytes).encrypted).toEqual([]);
  });
});

/** Of a 7z archive that would be large. */
const falseStart = Buffer.from(
  `377abcaf271c000401000000${'ff'.repeat(4)}${'01'.repeat(16)}`,
  'hex',
);
const nothing = Buffer.alloc(0);
/** A header of pax with these, each 'key=value' (POSIX.1-2001). */
function pax(...settings: readonly string[]): made.TarFile {
  const records = settings.map((setting) => {
    const bytes = setting.length + 2;
    const length = bytes + String(bytes + String(bytes).length).length;
    return `${length} ${setting}\n`;
  });
  return { name: 'p', type: 'x', data: Buffer.from(records.join('')) };
}

const long = `${'d'.repeat(90)}/${'n'.repeat(60)}.exe`;
const listings: readonly (readonly [string, Buffer, readonly string[]])[] = [
  ['Zip', made.zip({ name: 'a/b.txt' }, { name: 'ü.exe' }), ['a/b.txt', 'ü.exe']],
  [
    'Zip with a directory',
    made.zip({ name: 'example.com/' }, { name: 'example.com/a' }),
    ['example.com/a'],
  ],
  ['Zip, a directory to one reader', made.zip({ name: 'a.exe/', localName: 'a.exe' }), ['a.exe']],
  ['Zip with two names', made.zip({ name: 'a.txt', localName: 'a.exe' }), ['a.exe', 'a.txt']],
  [
    'Zip with a Unicode path',
    made.zip({ name: 'a', extra: Buffer.from('\x75\x70\x0a\0\x01\0\0\0\0x.exe', 'latin1') }),
    ['a', 'x.exe'],
  ],
  [
    'Zip with a Unicode path and no other',
    made.zip({ name: '', extra: Buffer.from('\x75\x70\x0a\0\x01\0\0\0\0x.exe', 'latin1') }),
    ['x.exe'],
  ],
  ['RAR 4', made.rar4([{ name: 'a.txt' }, { name: 'b.exe' }]), ['a.txt', 'b.exe']],
  ['RAR 5', made.rar5([{ name: 'a.txt' }, { name: 'b.exe' }]), ['a.txt', 'b.exe']],
  [
    'RAR 4 with a name in Unicode',
    made.rar4([{ name: 'a.txt', packedName: '0000612e65780065' }]),
    ['a.txt', 'a.exe'],
  ],
  [
    'RAR 4 with a name in Unicode, with its page, whole and copied characters',
    made.rar4([{ name: 'ab.exe', packedName: '046c32ac2002' }]),
    ['ab.exe', 'в€.exe'],
  ],
  [
    'RAR 4 with a name in Unicode, with moved characters',
    made.rar4([{ name: 'a.dwd', packedName: '000c612e8101' }]),
    ['a.dwd', 'a.exe'],
  ],
  [
    'RAR 4 with a block of an unknown type',
    made.rar4([{ type: 0x7f }, { name: 'b.exe' }]),
    ['b.exe'],
  ],
  [
    'RAR 5 with a block of an unknown type',
    made.rar5([{ type: 0x21 }, { name: 'b.exe' }]),
    ['b.exe'],
  ],
  [
    'RAR behind another one',
    Buffer.concat([
      made.rar4([{ name: 'a' }]),
      made.rar5([{ name: 'b' }]),
      made.rar4([{ name: 'c' }]),
    ]),
    ['a', 'b', 'c'],
  ],
  ['7z', made.sevenZip(made.sevenZipHeader(['a.txt', 'b.exe'])), ['a.txt', 'b.exe']],
  [
    '7z behind a mark with a wrong checksum',
    Buffer.concat([falseStart, made.sevenZip(made.sevenZipHeader(['a.txt', 'b.exe']))]),
    ['a.txt', 'b.exe'],
  ],
  ['7z with a packed header', made.sevenZip(packedHeader, packed), names],
  ['tar', made.tar({ name: 'a' }, { name: 'b.exe', prefix: 'dir' }), ['a', 'dir/b.exe']],
  [
    'tar with a directory',
    made.tar({ name: 'example.com/', type: '5' }, { name: 'example.com/a' }),
    ['example.com/a'],
  ],
  ['tar with a file whose name ends in a slash', made.tar({ name: 'a.exe/' }), ['a.exe/']],
  [
    "tar with GNU's long name",
    made.tar({ name: '././@LongLink', type: 'L', data: Buffer.from(`${long}\0`) }, { name: 'd' }),
    [long, 'd'],
  ],
  ['tar with pax', made.tar(pax('path=x.exe'), { name: 'd' }), ['x.exe', 'd']],
  [
    'tar with pax, a long key and a line end in a name',
    made.tar(
      pax(`SCHILY.xattr.user.${'k'.repeat(100)}=v`, 'path=a\nb.exe', 'GNU.sparse.name=c.exe'),
      { name: 'd' },
    ),
    ['a\nb.exe', 'c.exe', 'd'],
  ],
  [
    'tar with pax, a record of no length',
    made.tar({ ...pax(), data: Buffer.from('0000000 path=a\n') }, { name: 'd' }),
    ['d'],
  ],
  ["tar with Solaris's pax", made.tar({ ...pax('path=x.exe'), type: 'X' }), ['x.exe']],
  [
    'tar whose pax says another size than its header',
    made.tar(pax('size=0'), { name: 'a', data: nothing, size: 1536 }, { name: 'b.exe' }),
    ['a', 'b.exe'],
  ],
  ...['1', '2', '5', '6'].map((type): [string, Buffer, readonly string[]] => [
    `tar whose header of type ${type} has a size and no content`,
    made.tar({ name: 'a', type, data: nothing, size: 1024 }, { name: 'b.exe' }),
    ['a', 'b.exe'],
  ]),
  [
    'tar with a checksum of numbers with a sign',
    made.tar({ name: '\xfc.exe', signed: true }),
    ['ü.exe'],
  ],
  [
    'tar in a tar',
    made.tar({ name: 'a.tar', data: made.tar({ name: 'b.exe' }) }),
    ['a.tar', 'b.exe'],
  ],
  ['tar in gzip', gzipSync(made.tar({ name: 'a' }, { name: 'b.exe' })), ['a', 'b.exe']],
  [
    'gzip with a name',
    Buffer.concat([
      Buffer.from('1f8b0808000000000003', 'hex'),
      Buffer.from('x.exe\0'),
      gzipSync('text').subarray(10),
    ]),
    ['x.exe'],
  ],
  ['no archive', Buffer.from('a.exe'), []],
];

const longName = 'n'.repeat(9000);
/** A header of RAR 5 that is larger than what is seen at once; the length takes two digits. */
const longRar5 = Buffer.concat([
  ...[Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1'), Buffer.from([0, 0, 0, 0, 3, 1, 0, 0])],
  Buffer.alloc(4),
  ...[Buffer.from([0xb0, 0x46, 2, 0, 0, 1, 0x20, 0, 1, 0xa8, 0x46]), Buffer.from(longName)],
]);

describe('what may be encrypted and cannot be read is told', () => {
  it.each<[string, Buffer, Partial<InspectLimits>, string | undefined]>([
    ['7z, not readable', made.sevenZip(Buffer.from([0x17, 1, 2])), {}, 'a header that is not'],
    ['7z, unfinished', made.unfinishedSevenZip(), {}, 'an unfinished archive'],
    [
      'a mark of 7z among zeros',
      Buffer.from(`377abcaf271c${'00'.repeat(26)}`, 'hex'),
      {},
      undefined,
    ],
    ['7z, large', made.sevenZip(Buffer.alloc(2000)), { headerBytesMax: 1000 }, 'more than 1000'],
    [
      '7z, large when unpacked',
      made.sevenZip(made.sevenZipPackedHeader(12, 5000, Buffer.from([0x5d, 0, 0, 1, 0]))),
      { unpackedHeaderBytesMax: 1000 },
      'a header that unpacks to more than 1000 bytes',
    ],
    ['RAR 5', longRar5, {}, 'a header of 9008 bytes'],
    [
      '7z that says that it is',
      made.sevenZip(made.sevenZipHeader(['a'], '06f10701')),
      {},
      undefined,
    ],
    ['names only', made.zip({ name: longName }), {}, undefined],
  ])('%s', (_, bytes, limits, unseen) => {
    const told = inspect(bytes, [bytes], limits).unseen;
    if (unseen === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(unseen);
  });
});

describe('names', () => {
  it.each(listings)('of %s', (_, bytes, entries) => {
    const { entries: found, incomplete } = inspect(bytes);
    expect([...found].sort()).toEqual([...entries].sort());
    expect(incomplete).toBeUndefined();
  });

  const many = made.zip({ name: 'a' }, { name: 'b' }, { name: 'c' });
  it.each([
    ['names', many, { entriesMax: 2 }, ['a', 'b'], 'more than 2 names'],
    ['bytes of names', many, { namesBytesMax: 1 }, ['a'], 'more than 1 bytes of names'],
    [
      'gzip',
      gzipSync(made.tar({ name: 'a', data: Buffer.alloc(1e6) }, { name: 'b' })),
      { inflatedBytesMax: 100_000 },
      ['a'],
      'gzip of more than 100000 bytes',
    ],
    ['one name', made.zip({ name: longName }), {}, [], 'a name of 9000 bytes'],
    [
      'one name in RAR 4',
      made.rar4([{ name: longName }]),
      {},
      [longName.slice(0, longName.length)],
      'a header of 9032 bytes',
    ],
    [
      '7z, a header that cannot be read',
      made.sevenZip(Buffer.from([0x17, 1, 2])),
      {},
      [],
      'a header that is not readable',
    ],
    [
      '7z, a header without names',
      made.sevenZip(Buffer.from([1, 5, 1, 0, 0])),
      {},
      [],
      'a header with names elsewhere',
    ],
    [
      '7z, a large header',
      made.sevenZip(Buffer.alloc(300_000)),
      {},
      [],
      'a header of more than 262144 bytes',
    ],
  ])('over a ceiling are incomplete: %s', (_, bytes, limits, entries, incomplete) => {
    expect(inspect(bytes, [bytes], limits)).toMatchObject({ entries, incomplete });
  });

  it('of a large gzip with no tar in it, or behind the end of one, are not missing', () => {
    for (const head of [made.tar({ name: 'a' }), Buffer.from('text')]) {
      const bytes = gzipSync(Buffer.concat([head, Buffer.alloc(1e6)]));
      expect(inspect(bytes, [bytes], { inflatedBytesMax: 100_000 }).incomplete).toBeUndefined();
    }
  });
});

test('names of 7z are found where what looks like names lies around them', () => {
  const header = made.sevenZipHeader(['a.exe']);
  const names = header.subarray(header.indexOf(0x11), header.length - 2);
  // Ending in a property of zeros: with both, every character is cut in two.
  const decoy = Buffer.concat([names, Buffer.from([0x19, 3, 0, 0, 0])]);
  const around = Buffer.from([0x11, decoy.length + 1, 0]);
  const before = header.subarray(0, header.indexOf(0x11));
  const bytes = made.sevenZip(Buffer.concat([before, around, decoy, Buffer.alloc(2)]));
  expect(inspect(bytes).entries).toContain('a.exe');
});

test('what looks like names of 7z in many places is not read for each of them', () => {
  const places = Buffer.alloc(900, Buffer.from('1183850000', 'hex'));
  const bytes = made.sevenZip(Buffer.concat([places, Buffer.alloc(3000)]));
  expect(inspect(bytes).incomplete).toBe('a header with names elsewhere');
});

test.each([
  ['a size in pax', made.tar(pax('size=0'), { name: 'a', data: nothing, size: 512 })],
  ['a link with a size', made.tar({ name: 'a', type: '2', data: nothing, size: 512 })],
])('behind %s names may come that a gzip is too large for', (_, tar) => {
  const bytes = gzipSync(Buffer.concat([tar, Buffer.alloc(1e6)]));
  expect(inspect(bytes, [bytes], { inflatedBytesMax: 100_000 }).incomplete).toBeDefined();
});

test('gzip is left alone where names are not wanted', () => {
  const inspector = new Inspector({ limits: defaultInspectLimits, lists: false }, scratch);
  const bytes = gzipSync(made.tar({ name: 'a' }));
  expect([...inspector.slices(bytes)]).toEqual([bytes]);
  expect(inspector.feed(bytes)).toBe(bytes.length);
  expect(inspector.end().entries).toEqual([]);
});

test('a bomb is worked on in small steps, each of which is told', () => {
  const inspector = new Inspector({ limits: defaultInspectLimits, lists: true }, scratch);
  const work = [...inspector.slices(gzipSync(Buffer.alloc(20e6)))].map((one) =>
    inspector.feed(one),
  );
  expect(Math.max(...work)).toBeGreaterThan(500_000);
  expect(Math.max(...work)).toBeLessThan(1.5e6);
});

test('what a damaged gzip still has does not depend on how it is cut', () => {
  const damaged = gzipSync(made.tar({ name: 'a' }));
  damaged.fill(6, 44, 50);
  for (let at = 1; at < damaged.length; at++) {
    const pieces = [damaged.subarray(0, at), damaged.subarray(at)];
    expect(inspect(damaged, pieces).entries).toEqual(inspect(damaged).entries);
  }
});

test('a PDF that speaks of encryption without end is taken for encrypted, and costs little', () => {
  const bytes = made.pdf('%/Encrypt 1 x\n'.repeat(100_000));
  const start = performance.now();
  expect(inspect(bytes).encrypted).toEqual(['PDF']);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(inspect(made.pdf('%/Encrypt 1 x\n'.repeat(900))).encrypted).toEqual([]);
});

test('the first bytes are kept, and no more', () => {
  const bytes = Buffer.alloc(100_000, 'head');
  expect(inspect(bytes).head).toEqual(bytes.subarray(0, headBytes));
});

const samples = [...encrypted.map(([, bytes]) => bytes), ...listings.map(([, bytes]) => bytes)];

test('how the bytes are cut changes nothing', () => {
  const cuts = fc.array(fc.nat(200), { maxLength: 40 });
  fc.assert(
    fc.property(fc.constantFrom(...samples), cuts, (bytes, lengths) => {
      const pieces: Buffer[] = [];
      let at = 0;
      for (const length of lengths) pieces.push(bytes.subarray(at, (at += length)));
      expect(inspect(bytes, [...pieces, bytes.subarray(at)])).toEqual(inspect(bytes));
    }),
    { numRuns: 300 },
  );
});

test('any bytes are taken, whole samples with some of them changed as well', () => {
  const change = fc.tuple(fc.nat(4000), fc.uint8Array({ minLength: 1, maxLength: 8 }));
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.array(change, { maxLength: 6 }),
      (bytes, changes) => {
        const broken = Buffer.from(bytes);
        for (const [at, some] of changes) Buffer.from(some).copy(broken, at % broken.length);
        const { entries } = inspect(broken.subarray(0, broken.length - (changes.length % 3)));
        expect(entries.length).toBeLessThan(1000);
      },
    ),
    { numRuns: 2000 },
  );
});
