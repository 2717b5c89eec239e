/** Ways to write a body so that some reader finds in it what another does not. */
import { describe, expect, it, test } from '@jest/globals';
import { eicarFile } from '../support/messages.ts';
import { readAll } from './read-all.ts';

const eicarText = eicarFile.toString('latin1');
const base64 = eicarFile.toString('base64');
const half = base64.length / 2;
const lines = base64.replace(/.{1,76}/g, '$&\r\n');
const usual = 'From: a@example.net\r\nSubject: x\r\n';

function found(message: string): boolean {
  const { readings } = readAll([Buffer.from(message, 'latin1')]);
  return readings.some(({ bytes }) => bytes.subarray(0, 68).equals(eicarFile));
}

const single = (fields: string, body = lines): string => `${usual}${fields}\r\n\r\n${body}`;
const part = (fields: string, body = lines): string => `${fields}\r\n\r\n${body}`;
const typed = 'Content-Type: application/octet-stream; name=x.com\r\n';
const encoded = `${typed}Content-Transfer-Encoding: base64`;
const attached = part(encoded);
const mixed = (type: string, body: string): string =>
  `${usual}MIME-Version: 1.0\r\n${type}\r\n\r\n${body}`;

describe('an encoding is seen however it is named', () => {
  it.each([
    'Content-Transfer-Encoding: base64',
    'content-transfer-ENCODING:base64',
    'Content-Transfer-Encoding : base64',
    'Content-Transfer-Encoding\t: base64',
    'Content-Transfer-Encoding: "base64"',
    'Content-Transfer-Encoding: base64;',
    'Content-Transfer-Encoding: (x) base64',
    'Content-Transfer-Encoding: bas(x)e64',
    'Content-Transfer-Encoding: base64 x',
    'Content-Transfer-Encoding: =?us-ascii?q?base64?=',
    'Content-Transfer-Encoding: =?us-ascii?b?YmFzZTY0?=',
    'Content-Transfer-Encoding: b\0ase64',
    'Content-Transfer-Encoding: ba%73e64',
    'Content-Transfer-Encoding:\r\n base64',
    'Content-Transfer-Encoding:\r\n\tbase64',
    'Content-Transfer-Encoding:\rbase64',
    'Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit',
    'Content-Transfer-Encoding: quoted-printable\r\nContent-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: x-unknown',
    'Content-Transfer-Encoding: ',
    'Content_Transfer_Encoding: base64',
    'X: y\rContent-Transfer-Encoding: base64',
    'X: y\nContent-Transfer-Encoding: base64',
    'X: y\r\n Content-Transfer-Encoding: base64',
    ' Content-Transfer-Encoding: base64\r\nX: y',
    'no field at all\r\nContent-Transfer-Encoding: base64',
    'Content-Transfer-Encoding base64',
    'Content-Type: text/plain; Content-Transfer-Encoding=base64',
    '\0Content-Transfer-Encoding: base64',
    'Content-Transfer-Encoding\0: base64',
  ])('%j', (fields) => {
    expect(found(single(fields))).toBe(true);
    const inPart = `--b\r\n${typed}${fields}\r\n\r\n${lines}\r\n--b--\r\n`;
    expect(found(mixed('Content-Type: multipart/mixed; boundary=b', inPart))).toBe(true);
  });
});

describe('base64 is decoded however it is written', () => {
  const dash = '-'.repeat(2);
  it.each([
    ['as one line', base64],
    ['without padding', base64.replace(/=+$/, '')],
    ['with garbage', base64.replace(/(.{5})/g, '$1!')],
    ['with blanks', base64.replace(/(.{3})/g, '$1 ')],
    ['with letters of 8 bits', base64.replace(/(.{7})/g, '$1\xff')],
    ['with =', base64.replace(/(.{4})/g, '$1=')],
    ['with = inside a quantum', base64.replace(/^(.{6})/, '$1=')],
    ['with == inside', base64.replace(/^(.{9})/, '$1==')],
    [
      'in pieces with padding each',
      [eicarFile.subarray(0, 1), eicarFile.subarray(1, 3), eicarFile.subarray(3)]
        .map((one) => one.toString('base64'))
        .join(''),
    ],
    [
      'in lines each by itself',
      [eicarFile.subarray(0, 1), eicarFile.subarray(1, 12), eicarFile.subarray(12)]
        .map((one) => `${one.toString('base64').replaceAll('=', '')}\r\n`)
        .join(''),
    ],
    ['in lines of five letters', base64.replace(/(.{5})/g, '$1\r\n')],
    ['behind a line of garbage', `This is no base64!\r\n${lines}`],
    ['with a line like a boundary', `${base64.slice(0, half)}\r\n--\r\n${base64.slice(half)}\r\n`],
    [
      'with two hyphens before a line',
      `${base64.slice(0, half)}\r\n${dash}${base64.slice(half)}\r\n`,
    ],
    [
      'with two hyphens before each line',
      `${dash}${base64.slice(0, half)}\r\n${dash}${base64.slice(half)}\r\n`,
    ],
    ['behind empty lines', `\r\n\r\n  \r\n${lines}`],
    [
      'with comments',
      `${base64.slice(0, half)}\r\n(this is a comment)\r\n${base64.slice(half)}\r\n`,
    ],
    ['then text', `${lines}\r\n\r\nA list's footer\r\n`],
    ['not at all', eicarText],
  ])('%s', (_, body) => {
    expect(found(single('Content-Transfer-Encoding: base64', body))).toBe(true);
  });

  it.each([0, 1, 2, 16])('with a line that is a boundary to others, %d letters', (length) => {
    // Where it is no delimiter its letters are data.
    const letters = base64.slice(half, half + length);
    const data = `${base64.slice(0, half)}\r\n--${base64.slice(half, half + length)}\r\n${base64.slice(half + length)}`;
    const type = 'Content-Type: multipart/mixed; boundary=';
    const body = `--x\r\n${encoded}\r\n\r\n${data}\r\n--x--\r\n`;
    for (const other of ['"', letters, letters.toLowerCase(), letters.slice(1)]) {
      expect(found(mixed(`${type}x\r\n${type}"${other}"`, body))).toBe(true);
      expect(found(mixed(`${type}x; boundary="${other}"`, body))).toBe(true);
    }
  });
});

it('base64 goes on behind a line that all others take for a delimiter', () => {
  const letters = base64.slice(half, half + 16);
  const data = `${base64.slice(0, half)}\r\n--${letters}\r\n${base64.slice(half + 16)}`;
  const body = `--${letters}\r\n${encoded}\r\n\r\n${data}\r\n--${letters}--\r\n`;
  expect(found(mixed(`Content-Type: multipart/mixed; boundary="${letters}"`, body))).toBe(true);
});

it('a body begins behind a line of blanks, also where it looks like more of the header', () => {
  const body = 'Key: value\r\nMore: text\r\n';
  const { readings } = readAll([Buffer.from(`${usual} \t\r\n${body}\r\nrest\r\n`)]);
  expect(readings.map(({ bytes }) => bytes.toString())).toContain(`${body}\r\nrest\r\n`);
});

it('parts inherit an encoding that is said oddly', () => {
  const type = 'Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: "base64"';
  const inner = part('Content-Type: image/png', `!${lines}`);
  expect(found(mixed(type, `--b\r\n${inner}\r\n--b--\r\n`))).toBe(true);
});

it('parts inherit quoted-printable', () => {
  const body = `--b\r\n${typed}\r\n${eicarFile.toString('hex').replace(/../g, '=$&')}\r\n--b--`;
  const type = 'Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: ';
  expect(found(mixed(`${type}quoted-printable`, body))).toBe(true);
  expect(found(mixed(`${type}7bit`, body))).toBe(false);
});

describe('quoted-printable is decoded however it is written', () => {
  const hex = (text: string): string =>
    Buffer.from(text, 'latin1').toString('hex').replace(/../g, '=$&');
  it.each([
    ['all escaped, lower case', hex(eicarText)],
    ['upper case', hex(eicarText).toUpperCase()],
    ['soft breaks', hex(eicarText).replace(/(.{30})/g, '$1=\r\n')],
    ['soft breaks behind blanks', hex(eicarText).replace(/(.{30})/g, '$1= \t\r\n')],
    ['soft breaks with LF', hex(eicarText).replace(/(.{30})/g, '$1=\n')],
    ['broken escapes', hex(eicarText).replace(/^(.{9})/, '$1=')],
    ['= at the end', `${eicarText}=`],
    ['soft breaks with CR', hex(eicarText).replace(/(.{30})/g, '$1=\r')],
    ['soft breaks with two CR', hex(eicarText).replace(/(.{30})/g, '$1=\r\r\n')],
    ['not at all', eicarText],
  ])('%s', (_, body) => {
    expect(found(single('Content-Transfer-Encoding: quoted-printable', body))).toBe(true);
  });
});

describe('a part is found wherever it may begin', () => {
  const whole = (boundary: string): string => `--${boundary}\r\n${attached}\r\n--${boundary}--\r\n`;
  const type = (rest: string): string => `Content-Type: multipart/mixed${rest}`;
  it.each<[string, string]>([
    ['two parameters, the first', mixed(type('; boundary=a; boundary=b'), whole('a'))],
    ['two parameters, the second', mixed(type('; boundary=a; boundary=b'), whole('b'))],
    [
      'two fields, the first',
      mixed(`${type('; boundary=a')}\r\n${type('; boundary=b')}`, whole('a')),
    ],
    [
      'two fields, the second',
      mixed(`${type('; boundary=a')}\r\n${type('; boundary=b')}`, whole('b')),
    ],
    [
      'text, then multipart',
      mixed(`Content-Type: text/plain\r\n${type('; boundary=b')}`, whole('b')),
    ],
    ['quotes', mixed(type('; boundary="b b"'), whole('b b'))],
    ['half a quote', mixed(type('; boundary="b'), whole('b'))],
    ['half a quote, as it stands', mixed(type('; boundary="b'), whole('"b'))],
    ['escapes in quotes', mixed(type('; boundary="a\\b"'), whole('ab'))],
    ['escapes in quotes, as they stand', mixed(type('; boundary="a\\b"'), whole('a\\b'))],
    ['single quotes', mixed(type("; boundary='b'"), whole('b'))],
    ['a comment', mixed(type('; boundary=(x)b'), whole('b'))],
    ['a comment behind', mixed(type('; boundary=b(x)'), whole('b'))],
    ['a continuation', mixed(type('; boundary*0=a; boundary*1=b'), whole('ab'))],
    [
      'a continuation and a plain one',
      mixed(type('; boundary=x; boundary*0=a; boundary*1=b'), whole('ab')),
    ],
    ['percent-encoding', mixed(type("; boundary*=us-ascii''%61b"), whole('ab'))],
    ['percent-encoding without a charset', mixed(type('; boundary*=%61b'), whole('ab'))],
    ['both encoded and plain', mixed(type("; boundary=x; boundary*=us-ascii''b"), whole('x'))],
    ['no boundary', mixed(type(''), whole('b'))],
    ['an empty boundary', mixed(type('; boundary=""'), whole(''))],
    ['another case', mixed(type('; boundary=b'), whole('B'))],
    ['another boundary', mixed(type('; boundary=b'), whole('other'))],
    ['more behind the boundary', mixed(type('; boundary=b'), `--bxyz\r\n${attached}\r\n--b--`)],
    ['blanks before the delimiter', mixed(type('; boundary=b'), `  --b\r\n${attached}\r\n--b--`)],
    ['blanks behind the delimiter', mixed(type('; boundary=b'), `--b \t\r\n${attached}\r\n--b--`)],
    ['no end', mixed(type('; boundary=b'), `--b\r\n${attached}`)],
    ['no line end', mixed(type('; boundary=b'), `--b\r\n${encoded}\r\n\r\n${base64}`)],
    ['a bare LF', mixed(type('; boundary=b'), whole('b').replaceAll('\r\n', '\n'))],
    ['a bare CR', mixed(type('; boundary=b'), whole('b').replaceAll('\r\n', '\r'))],
    ['NUL', mixed(type('; boundary="b\0c"'), whole('b\0c'))],
    ['NUL, cut', mixed(type('; boundary="b\0c"'), whole('b'))],
    ['no type', mixed('X: y', whole('b'))],
    [
      'an encoded type',
      mixed('Content-Type: =?us-ascii?q?multipart/mixed?=; boundary=b', whole('b')),
    ],
    ['a type with blanks', mixed('Content-Type: multipart / mixed; boundary=b', whole('b'))],
    ['an unknown type', mixed('Content-Type: multi/mixed; boundary=b', whole('b'))],
    ['no semicolon', mixed('Content-Type: multipart/mixed boundary=b', whole('b'))],
    ['a comma', mixed('Content-Type: multipart/mixed, boundary=b', whole('b'))],
    ['blanks around =', mixed(type('; boundary = b'), whole('b'))],
    [
      'a part in front of all',
      mixed(type('; boundary=b'), `${lines}\r\n--b\r\n\r\nx\r\n--b--`).replace(
        'MIME-Version',
        'Content-Transfer-Encoding: base64\r\nMIME-Version',
      ),
    ],
    ['the text in front', mixed(type('; boundary=b'), `${eicarText}\r\n--b\r\n\r\nx\r\n--b--`)],
    ['the text behind', mixed(type('; boundary=b'), `--b\r\n\r\nx\r\n--b--\r\n${eicarText}`)],
    [
      'a part behind the end',
      mixed(type('; boundary=b'), `--b\r\n\r\nx\r\n--b--\r\n--b\r\n${attached}`),
    ],
    [
      'a header behind the end',
      mixed(type('; boundary=b'), `--b\r\n\r\nx\r\n--b--\r\n${attached}`),
    ],
    [
      'a nested boundary that begins like the outer',
      mixed(type('; boundary=b'), `--b\r\n${type('; boundary=bb')}\r\n\r\n${whole('bb')}\r\n--b--`),
    ],
    [
      'a nested boundary that is the outer',
      mixed(type('; boundary=b'), `--b\r\n${type('; boundary=b')}\r\n\r\n${whole('b')}\r\n--b--`),
    ],
    [
      'a header behind a header',
      mixed(type('; boundary=b'), `--b\r\n${typed}\r\n${attached}\r\n--b--`),
    ],
    [
      'text before the delimiter',
      mixed(type('; boundary=bound'), `--bound\r\n\r\nx and --bound\r\n${attached}`),
    ],
    ['one hyphen', mixed(type('; boundary=bound'), `--bound\r\n\r\nx\r\n-bound\r\n${attached}`)],
    [
      'a quoted delimiter',
      mixed(type('; boundary=bound'), `--bound\r\n\r\nx\r\n>--bound\r\n${attached}`),
    ],
    [
      'a line of blanks',
      mixed(type('; boundary=b'), `--b\r\n${encoded}\r\n \t\r\n${lines}\r\n--b--`),
    ],
    [
      'a line of blanks in the header',
      mixed(
        type('; boundary=b'),
        `--b\r\n${typed}  \r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n--b--`,
      ),
    ],
    ['no empty line', mixed(type('; boundary=b'), `--b\r\n${encoded}\r\n${lines}\r\n--b--`)],
    [
      'an encoded multipart',
      mixed(
        `${type('; boundary=b')}\r\nContent-Transfer-Encoding: base64`,
        Buffer.from(whole('b')).toString('base64'),
      ),
    ],
    [
      'an encoding that parts inherit',
      mixed(
        `${type('; boundary=b')}\r\nContent-Transfer-Encoding: base64`,
        `--b\r\n${typed}\r\n${lines}\r\n--b--`,
      ),
    ],
  ])('%s', (_, message) => {
    expect(found(message)).toBe(true);
  });
});

describe('a message in the message is taken apart', () => {
  const inner = `${usual}MIME-Version: 1.0\r\n${encoded}\r\n\r\n${lines}`;
  it.each([
    ['message/rfc822', single('Content-Type: message/rfc822', inner)],
    ['message/global', single('Content-Type: message/global', inner)],
    ['another type', single('Content-Type: application/octet-stream', inner)],
    ['no type', `${usual}\r\n${inner}`],
    ['behind empty lines', single('Content-Type: message/rfc822', `\r\n\r\n${inner}`)],
    [
      'base64',
      single(
        'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64',
        Buffer.from(inner).toString('base64'),
      ),
    ],
    ['base64 of another type', single(encoded, Buffer.from(inner).toString('base64'))],
    ['a fragment', single('Content-Type: message/partial; number=1; total=2; id=x', inner)],
    ['as mbox has it', `From a@example.net Thu Nov 20 10:00:00 2025\r\n${inner}`],
    ['header behind an empty line', `\r\n${inner}`],
  ])('%s', (_, message) => {
    expect(found(message)).toBe(true);
  });
});

describe('what stands in a text is found', () => {
  const uu = (letters: string, zero: string): string => {
    const line = (bytes: Buffer): string => {
      const values = [bytes.length];
      for (let at = 0; at < bytes.length; at += 3) {
        const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
        values.push(a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63);
      }
      return values
        .map((value) => letters[value] ?? '')
        .join('')
        .replaceAll(' ', zero);
    };
    return `${line(eicarFile.subarray(0, 45))}\r\n${line(eicarFile.subarray(45))}\r\n`;
  };
  const uuLetters = Array.from({ length: 64 }, (_, value) => String.fromCharCode(32 + value)).join(
    '',
  );
  const data = uu(uuLetters, '`');
  const yenc = [...eicarFile]
    .map((byte) => (byte + 42) & 255)
    .map((byte) =>
      [0, 10, 13, 61].includes(byte)
        ? `=${String.fromCharCode((byte + 64) & 255)}`
        : String.fromCharCode(byte),
    )
    .join('');
  const plain = `${usual}\r\nHello,\r\n\r\n`;
  it.each([
    ['uuencode', `${plain}begin 644 x.com\r\n${data}\`\r\nend\r\n`],
    [
      'uuencode with blanks for zero',
      `${plain}begin 644 x.com\r\n${uu(uuLetters, ' ')} \r\nend\r\n`,
    ],
    ['uuencode without end', `${plain}begin 644 x.com\r\n${data}`],
    [
      'uuencode, second of two',
      `${plain}begin 644 a\r\n#86)C\r\n\`\r\nend\r\nbegin 644 x.com\r\n${data}\`\r\nend\r\n`,
    ],
    ['uuencode, upper case and blanks', `${plain}BEGIN  0644  x.com\r\n${data}`],
    ['uuencode with a line of prose', `${plain}begin 644 x.com\r\nthis is prose\r\n${data}`],
    ['uuencode without mode', `${plain}begin  x.com\r\n${data}`],
    [
      'uuencode as an encoding',
      single('Content-Transfer-Encoding: x-uuencode', `begin 644 x.com\r\n${data}`),
    ],
    [
      'uuencode as an encoding, without begin',
      single('Content-Transfer-Encoding: x-uuencode', data),
    ],
    [
      'uuencode in base64',
      single(
        'Content-Transfer-Encoding: base64',
        Buffer.from(`begin 644 x.com\r\n${data}`).toString('base64'),
      ),
    ],
    ['base64 in uuencode', `${plain}begin-base64 644 x.com\r\n${lines}====\r\n`],
    [
      'xxencode',
      `${plain}begin 644 x.com\r\n${uu('+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', '+')}+\r\nend\r\n`,
    ],
    ['yEnc', `${plain}=ybegin line=128 size=68 name=x.com\r\n${yenc}\r\n=yend size=68\r\n`],
    [
      'yEnc, a part',
      `${plain}=ybegin part=1 line=128 size=68 name=x.com\r\n=ypart begin=1 end=68\r\n${yenc}\r\n=yend size=68\r\n`,
    ],
    [
      'a data: URI',
      single(
        'Content-Type: text/html',
        `<a href="data:application/octet-stream;base64,${base64}">x</a>`,
      ),
    ],
    [
      'a data: URI with percents',
      single(
        'Content-Type: text/html',
        `<a href="data:;base64,${base64.replaceAll('V', '%56')}">x</a>`,
      ),
    ],
    [
      'a data: URI in percents',
      single(
        'Content-Type: text/html',
        `<a href='data:text/x,${eicarFile.toString('hex').replace(/../g, '%$&')}'>x</a>`,
      ),
    ],
    [
      'joined lines',
      single(
        'Content-Type: text/plain; format=flowed; delsp=yes',
        `${eicarText.slice(0, 30)} \r\n${eicarText.slice(30)}\r\n`,
      ),
    ],
  ])('%s', (_, message) => {
    expect(found(message)).toBe(true);
  });
});

describe('a file in a wrapping is found', () => {
  const number = (value: number, bytes: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntBE(value, 0, bytes);
    return buffer;
  };
  const apple = Buffer.concat([
    ...[number(0x00051600, 4), number(0x00020000, 4), Buffer.alloc(16), number(2, 2)],
    ...[number(9, 4), number(50, 4), number(4, 4), number(1, 4), number(54, 4), number(68, 4)],
    ...[Buffer.alloc(4), eicarFile],
  ]);
  const mac = Buffer.alloc(128);
  mac.write('\x05x.com', 1, 'latin1');
  mac.writeUInt8(5, 1);
  mac.writeUInt32BE(68, 83);
  const tnef = Buffer.concat([
    Buffer.from('789f3e220100', 'hex'),
    Buffer.from('010690080004000000000001000100', 'hex'),
    Buffer.from('020f80060044000000', 'hex'),
    eicarFile,
  ]);
  const cms = Buffer.concat([Buffer.from('3080060a2480', 'hex'), Buffer.from(`${attached}\r\n`)]);
  it.each([
    ['AppleSingle', apple],
    ['MacBinary', Buffer.concat([mac, eicarFile, Buffer.alloc(60)])],
    ['TNEF', tnef],
    ['signed S/MIME', cms],
    ['base64, in base64', Buffer.from(lines)],
    ['a byte order mark of UTF-8', Buffer.concat([Buffer.from('efbbbf', 'hex'), eicarFile])],
  ])('%s', (_, file) => {
    expect(found(single(encoded, file.toString('base64')))).toBe(true);
  });
});

describe('what looks like base64 from its first to its last letter is taken for it', () => {
  it.each([
    ['no encoding', typed.trimEnd()],
    ['7bit', `${typed}Content-Transfer-Encoding: 7bit`],
    ['quoted-printable', `${typed}Content-Transfer-Encoding: quoted-printable`],
  ])('%s', (_, fields) => {
    expect(found(single(fields))).toBe(true);
    expect(found(single(fields, `In base64:\r\n${lines}`))).toBe(false);
  });
});

describe('a text in another character set is found', () => {
  const utf16 = Buffer.from(eicarText, 'utf16le');
  const swapped = Buffer.from(utf16).swap16();
  const wide = Buffer.concat([...eicarFile].map((byte) => Buffer.from([byte, 0, 0, 0])));
  const mark = Buffer.from([0xff, 0xfe]);
  const of = (bytes: Buffer, charset: string): string =>
    single(
      `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: base64`,
      bytes.toString('base64'),
    );
  it.each([
    ['UTF-16LE', of(utf16, 'utf-16le')],
    ['UTF-16BE', of(swapped, '"UTF-16BE"')],
    ['UTF-16 with a mark', of(Buffer.concat([mark, utf16]), 'utf-16')],
    ['UTF-16 without one', of(swapped, 'utf-16')],
    ['a mark only', of(Buffer.concat([mark, utf16]), 'us-ascii')],
    ['UTF-32', of(wide, 'utf-32')],
    [
      'UTF-7',
      single(
        'Content-Type: text/plain; charset=utf-7',
        eicarText.replace('$', '+ACQ-').replaceAll('+H', '+-H').replace(/\+\*$/, '+-*'),
      ),
    ],
    [
      'UTF-7, unicode-1-1-utf-7',
      single(
        'Content-Type: text/plain; charset=unicode-1-1-utf-7',
        eicarText.replace('X', '+AFg-').replace('$H+H*', '$H+-H*'),
      ),
    ],
  ])('%s', (_, message) => {
    expect(found(message)).toBe(true);
  });
});

test('a fragment of a message is told, a whole one is not', () => {
  const isFragment = (type: string): boolean =>
    readAll([Buffer.from(single(`Content-Type: ${type}`, 'x'))]).isFragment;
  expect(isFragment('message/partial; number=1; total=2; id=x')).toBe(true);
  expect(isFragment('message/partial; number=2; id=x')).toBe(true);
  expect(isFragment('message/partial; number=1; total=1; id=x')).toBe(false);
  expect(isFragment('text/plain')).toBe(false);
});
