import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DecoderName } from '../../src/reading/decoder.ts';
import { decoderOf } from '../../src/reading/decoders.ts';

interface Decoded {
  readonly bytes: Buffer;
  readonly others: readonly DecoderName[];
}

function decode(name: DecoderName, pieces: readonly Buffer[]): Decoded {
  const decoder = decoderOf(name);
  const out = pieces.map((piece) => Buffer.from(decoder.decode(piece)));
  const bytes = Buffer.concat([...out, decoder.end()]);
  return { bytes, others: decoder.others };
}

const text = (name: DecoderName, input: string): string =>
  decode(name, [Buffer.from(input, 'latin1')]).bytes.toString('latin1');

const names: readonly DecoderName[] = [
  'as it stands',
  'base64',
  'base64 with = left out',
  'base64 with = as zero',
  'base64 with URL-safe letters',
  'base64, each line by itself',
  'base64 in folded lines',
  'base64 without lines that hold anything else',
  'quoted-printable',
  'quoted-printable without broken escapes',
  'quoted-printable as Python has it',
  'uuencode',
  'xxencode',
  'yEnc',
  'yEnc with dots as they stand',
  'BinHex',
  'percent-encoding',
  'flowed text, joined',
  'utf-7',
  'utf-16le',
  'utf-16be',
  'utf-32le',
  'utf-32be',
  'cp037',
  'cp500',
  'cp1047',
  'iso-2022',
  'hz',
  'HTML references',
];

/** Bytes that mean something to one of them, and some that do not. */
const input = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '=',
        '==',
        '\r\n',
        '\n',
        '\r',
        ' ',
        '  ',
        ':',
        '-',
        '_',
        '+',
        '%',
        '=y',
        '..',
        '~',
        '~}',
        '\x1b',
        '(B',
        '&',
      ),
      fc.constantFrom(
        '=3D',
        '=41',
        '%41',
        '&#65;',
        '&colon;',
        '+AFg-',
        '\xd8\x3d\xde\x00',
        '#86)C',
        'QUJD',
        '\x90\x05',
      ),
      fc.string({ unit: 'binary-ascii', maxLength: 8 }),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

describe('each decoder', () => {
  it.each(names)('%s gives the same however its input is cut', (name) => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(200), { maxLength: 6 }), (bytes, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
        places.sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(decode(name, pieces)).toEqual(decode(name, [bytes]));
      }),
      { numRuns: 200 },
    );
  });

  it.each(names)('%s takes single bytes', (name) => {
    fc.assert(
      fc.property(input, (bytes) => {
        const pieces = [...bytes].map((byte) => Buffer.from([byte]));
        expect(decode(name, pieces)).toEqual(decode(name, [bytes]));
      }),
      { numRuns: 100 },
    );
  });
});

describe('decodes', () => {
  it.each<[DecoderName, string, string]>([
    ['base64', 'QUJD', 'ABC'],
    ['base64', 'QUI', 'AB'],
    ['base64', 'QQ', 'A'],
    ['base64', 'Q', ''],
    ['base64', 'QQ==QkM=', 'ABC'],
    ['base64', 'Q*U-J_D', 'ABC'],
    ['base64 with = left out', 'Q=UJD', 'ABC'],
    ['base64 with = left out', 'QU==JD', 'ABC'],
    ['base64 with = as zero', 'QQ==QkM=', 'ABC'],
    ['base64 with = as zero', 'Q=JD', '@\x02C'],
    ['base64 with URL-safe letters', '-_-_', '\xfb\xff\xbf'],
    ['base64, each line by itself', 'QQ\r\nQkM\r\n', 'ABC'],
    ['base64 in lines of whole quanta', 'Hello\r\nQUJD\r\nDear Ben\r\nREVG\r\nR0g', 'ABCDEFGH'],
    ['backslash escapes', 'a\\x41\\u0042\\103\\\\x41\\q\\52', 'aABC\\x41\\q*'],
    // A SEQUENCE, in it a number, and in [0] octets in two pieces; what is behind is none of it.
    [
      'signed CMS',
      '\x30\x80\x02\x01\x04\xa0\x80\x24\x80\x04\x02ab\x04\x01c\0\0\0\0\x04\x01d\0\0',
      'abc',
    ],
    ['base64 without lines that hold anything else', 'prose, no\r\nQUJD\r\nQ.\r\nQUJD', 'ABCABC'],
    ['uuencode', '#04)#\r\n', 'ABC'],
    ['uuencode', '#04)\r\n`\r\nend\r\n', 'AB@'],
    ['uuencode', 'prose is left out\r\n#04)#', 'ABC'],
    ['xxencode', '1EI71\r\n', 'ABC'],
    ['yEnc', 'kl=\x7d\r\nm', 'AB\x13C'],
    ['yEnc', '=ypart begin=1\r\nk', 'A'],
    ['yEnc', '..k', '\x04A'],
    ['yEnc with dots as they stand', '..k', '\x04\x04A'],
    ['percent-encoding', '%41b%4', 'Ab%4'],
    ['percent-encoding', '\t%\r\n41\tb', 'Ab'],
    ['flowed text, joined', 'a \r\nb\r\nc ', 'ab\r\nc '],
    ['utf-7', 'a+AFg-b+-c+AFgAWQ!', 'aXb+cXY!'],
    ['utf-16le', '\xff\xfeA\0B\0', 'AB'],
    ['utf-16be', '\0A\xd8\x3d\xde\0', 'A\xf0\x9f\x98\x80'],
    ['utf-32le', 'A\0\0\0\xff\xff\xff\xff', 'A\xef\xbf\xbd'],
    ['utf-32be', '\0\0\0A', 'A'],
    ['cp037', '\xc1\xba\xbb\x5a\xe0\xb0', 'A[]!\\^'],
    ['cp500', '\x4a\x5a\x4f\x5f', '[]!^'],
    ['quoted-printable as Python has it', 'a=\rb\r\nc=\nd', 'acd'],
    ['quoted-printable as Python has it', '==41=41=4x=x=', '=41A=4x=x'],
    ['quoted-printable as Python has it', 'a \r\n=4', 'a \r\n=4'],
    ['iso-2022', 'A\x1b(BB\x1b$)C\x0e!!\x0fC\x1b', 'AB!!C\x1b'],
    ['hz', 'A~{!!~}B~~{~\nC~', 'A!!B~{C~'],
    [
      'HTML references',
      '&#65;&#x42;&#67&colon;&amp;&none;&#300;&#0000000000065;',
      'ABC:&&none;&#300;&#0000000000065;',
    ],
    ['cp1047', '\xad\xbd\x5a\x5f', '[]!^'],
    ['cp939', '\xb2\xe0', '\\\\'],
    ['quoted-printable without control characters', 'a\0=4\x0c1\tb=4z', 'aA\tb=4z'],
    ['uuencode', '#04)#and more', 'ABC'],
    ['uuencode', '#04x#', ''],
    ['uuencode of any lines', 'M04)#04\r\n\t)#04)#\r\n \r\n#04)#', 'ABCABCABC'],
  ])('%s: %j', (name, encoded, decoded) => {
    expect(text(name, encoded)).toBe(decoded);
  });

  it('BinHex: the data fork', () => {
    // name 'a', version 0, type, creator, flags, 8 bytes of data, none of the other fork, a CRC.
    const head = Buffer.concat([
      Buffer.from('\x01a\0TEXTttxt\0\0'),
      Buffer.from([0, 0, 0, 8, 0, 0, 0, 0, 9, 9]),
    ]);
    const packed = Buffer.concat([head, Buffer.from([0x41, 0x90, 0x06, 0x90, 0, 0x42, 0, 0])]);
    expect(text('BinHex', `(prose)\r\n:${binHexLetters(packed)}:\r\nmore`)).toBe('AAAAAA\x90B');
  });
});

function binHexLetters(bytes: Buffer): string {
  const alphabet = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const six = bits.match(/.{1,6}/g) ?? [];
  return six.map((one) => alphabet[Number.parseInt(one.padEnd(6, '0'), 2)] ?? '').join('');
}

describe('says that decoders differ', () => {
  it.each<[DecoderName, string, readonly DecoderName[]]>([
    ['base64', 'QUJD\r\nQUI=\r\n', []],
    ['base64', 'QU JD', []],
    ['base64', 'QQ==QQ==', ['base64 with = left out', 'base64 with = as zero']],
    ['base64', 'QQ\r\nQQ==', ['base64, each line by itself', 'base64 in lines of whole quanta']],
    [
      'base64',
      'QUJD!',
      [
        'base64 in lines of whole quanta',
        'base64 without lines that hold anything else',
        'as it stands',
      ],
    ],
    ['base64 with = left out', 'Q=U!', []],
    ['quoted-printable', 'a=3D=\r\nb', []],
    [
      'quoted-printable',
      'a=zz',
      [
        'quoted-printable without broken escapes',
        'quoted-printable as Python has it',
        'as it stands',
      ],
    ],
    ['quoted-printable', 'a\0b', ['quoted-printable without control characters']],
    ['uuencode', '#04)#', []],
    ['uuencode', 'hello', ['xxencode']],
    ['uuencode', '#04)#\r\n#04', ['uuencode of any lines']],
    ['yEnc', 'a\r\n..b', ['yEnc with dots as they stand']],
    ['yEnc', 'a..b', []],
  ])('%s: %j', (name, encoded, others) => {
    expect(decode(name, [Buffer.from(encoded, 'latin1')]).others).toEqual(others);
  });
});
