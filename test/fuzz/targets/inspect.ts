/**
 * What src/inspect tells of a file: the same at any cut and with blocks of any size, and within its
 * ceilings. The first two bytes put zeros in, so that a small input crosses the end of a block.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { lookahead } from '../../../src/inspect/blocks.ts';
import { headBytes, type Inspection, Inspector } from '../../../src/inspect/inspector.ts';
import * as made from '../../support/archives.ts';
import { holds, latin1, type Target, usualBounds, whole } from '../target.ts';

const KiB = 1024;
const limits = {
  entriesMax: 50,
  namesBytesMax: 2 * KiB,
  inflatedBytesMax: 256 * KiB,
  headerBytesMax: 16 * KiB,
  unpackedHeaderBytesMax: 64 * KiB,
};
/** Blocks of these sizes, of which the one ends within what is put in. */
const large = Buffer.alloc(64 * KiB);
const small = Buffer.alloc(lookahead + 512);

const archives: readonly Buffer[] = [
  made.zip({ name: 'a' }, { name: 'b.exe', localFlags: 1 }),
  made.zip({ name: 'a', method: 99, extra: Buffer.from([1, 0x99, 2, 0, 1, 2]) }),
  made.zip({ name: 'a', extra: latin1('\x75\x70\x0a\0\x01\0\0\0\0x.exe') }),
  made.rar4([{ name: 'a' }, { name: 'b', encrypted: true }]),
  made.rar4([], true),
  made.rar5([{ name: 'a' }, { name: 'b', encrypted: true }]),
  made.rar5([], true),
  made.sevenZip(made.sevenZipHeader(['a.txt', 'b'])),
  made.sevenZip(made.sevenZipHeader(['a.txt'], '06f10701')),
  made.sevenZip(made.sevenZipPackedHeader(12, 40, Buffer.from('5d00000100', 'hex'))),
  made.pdf('trailer\n<< /Size 2 /#45ncrypt 5 0 R /Root 1 0 R >>'),
  made.ole({ streams: ['EncryptionInfo', 'EncryptedPackage'] }),
  made.ole({ sectors: [made.wordFib(0x100)] }),
  made.ole({ sectors: [made.workbook(0x86, 0x2f)] }),
  made.tar({ name: 'a' }, { name: 'b', prefix: 'c' }),
  made.tar({ name: 'L', type: 'L', data: Buffer.from('long\0') }, { name: 'd' }),
  made.tar({ name: 'p', type: 'x', data: Buffer.from('15 path=x.exe\n') }),
  gzipSync(made.tar({ name: 'a' })),
  gzipSync(Buffer.alloc(300 * KiB)),
  made.pgp(1),
  made.pgp(8),
  made.cms('enveloped'),
  made.cms('signed'),
];
const tokens = [
  'PK\x03\x04',
  'PK\x01\x02',
  'PK\x05\x06',
  'Rar!\x1a\x07\0',
  'Rar!\x1a\x07\x01\0',
  "7z\xbc\xaf'\x1c",
]
  .concat([
    '%PDF-',
    '/Encrypt 5 0 R',
    '/Encrypt<<',
    '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    '\x1f\x8b\x08',
    '\x06\xf1\x07\x01',
  ])
  .concat([
    'ustar\x0000',
    '\x17\x06',
    '\x11',
    '-----BEGIN PGP MESSAGE-----\r\n',
    'E\0n\0c\0r\0y\0p\0t\0e\0d\0',
    '\xec\xa5',
    '\x09\x08',
  ])
  .concat(['\0'.repeat(512), '\xff\xff\xff\xff', '\x23\x03\x01\x01\x05]\0\0\x01\0']);

function inspection(pieces: readonly Buffer[], scratch: Buffer): Inspection {
  const inspector = new Inspector({ limits, lists: true }, scratch);
  for (const piece of pieces) for (const slice of inspector.slices(piece)) inspector.feed(slice);
  return inspector.end();
}

/** With zeros put in, 256 at a time, at a place that is named in 256ths. */
function spread(input: Buffer): Buffer {
  const [where = 0, blocks = 0] = input;
  const bytes = input.subarray(2);
  const at = Math.floor((bytes.length * where) / 256);
  return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(blocks * 256), bytes.subarray(at)]);
}

function check(input: Buffer): void {
  const bytes = spread(input);
  const found = whole(bytes, (pieces) => inspection(pieces, large));
  const other = inspection([bytes], small);
  // In which order they are found depends on it, and over a ceiling which of them are kept.
  if (found.incomplete === undefined) {
    const sorted = ({ encrypted, entries }: Inspection): unknown => [
      encrypted.toSorted(),
      entries.toSorted(),
    ];
    assert.deepEqual(sorted(other), sorted(found), 'the size of blocks makes a difference');
  }
  const { entries, head } = found;
  holds(entries.length <= limits.entriesMax, 'no more names than allowed');
  holds(Buffer.byteLength(entries.join('')) <= 2 * limits.namesBytesMax, 'nor longer ones');
  holds(head.equals(bytes.subarray(0, headBytes)), 'the first bytes are kept');
}

export const inspect: Target = {
  ...usualBounds,
  name: 'inspect',
  inputBytesMax: 16 * KiB,
  // What is put in comes on top, and so does what a header of 7z and a gzip may come to.
  bufferBytesMax: (inputBytes) => 4 * inputBytes + 2 * KiB * KiB,
  stepsMax: (inputBytes) => 20_000 * inputBytes + 20_000_000,
  tokens,
  valid: fc
    .tuple(
      fc.nat(255),
      fc.constantFrom(0, 0, 30, 33, 255),
      fc.array(fc.constantFrom(...archives), { minLength: 1, maxLength: 2 }),
    )
    .map(([where, blocks, some]) => Buffer.concat([Buffer.from([where, blocks]), ...some])),
  check,
};
