import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { PlainMessageProof } from '../../src/scan/plain-message.ts';
import { readAll } from '../reading/read-all.ts';
import { chops } from '../support/chop.ts';
import * as messages from '../support/messages.ts';

function isPlain(message: string | Buffer, pieces?: Buffer[]): boolean {
  const proof = new PlainMessageProof();
  for (const piece of pieces ?? [Buffer.from(message as string, 'latin1')]) proof.update(piece);
  return proof.holds;
}

const header = 'From: a@example.net\r\nSubject: x\r\n';

describe('PlainMessageProof holds for', () => {
  it.each([
    ['a text', `${header}\r\nHello\r\n`],
    ['no body', `${header}\r\n`],
    ['a folded field', `Subject: a\r\n b\r\n\tc\r\n\r\nHello\r\n`],
    ['8-bit text', `${header}\r\nGr\xc3\xbc\xc3\x9fe\r\n`],
    ['a signature delimiter', `${header}\r\nHello\r\n-- \r\nAnna\r\n`],
    ['declared text', `MIME-Version: 1.0\r\nContent-Type: text/plain\r\n${header}\r\nx\r\n`],
    ['any case', `content-type: TEXT/PLAIN; Charset="UTF-8"\r\n${header}\r\nx\r\n`],
    ['flowed', `Content-Type: text/plain; charset=utf-8; format=flowed\r\n${header}\r\nx\r\n`],
    ['8bit', `Content-Transfer-Encoding: 8bit\r\n${header}\r\nx\r\n`],
    ['prose', `${header}\r\nTo begin with, we begin now.\r\n`],
  ])('%s', (_, message) => {
    expect(isPlain(message)).toBe(true);
  });
});

describe('PlainMessageProof does not hold for', () => {
  it.each([
    ['nothing', ''],
    ['a PDF', `${header}\r\n%PDF-1.4\r\n%%EOF\r\n`],
    ['a PDF behind text', `${header}\r\nHello\r\n%PDF-1.4\r\n%%EOF\r\n`],
    ['RTF', `${header}\r\n{\\rtf1 x}\r\n`],
    ['XML', `${header}\r\n<?xml version="1.0"?>\r\n`],
    ['RAR', `${header}\r\nRar!\x1a\x07\x01 x\r\n`],
    ['7z', `${header}\r\n7z\xbc\xaf\x27\x1c x\r\n`],
    ['a program', `${header}\r\nMZ\x90\x01 x\r\n`],
    ['an unfinished header', header],
    ['a header without fields', '\r\nHello\r\n'],
    ['base64', `Content-Transfer-Encoding: base64\r\n${header}\r\nSGk=\r\n`],
    ['base64, odd case', `cOnTeNt-tRaNsFeR-eNcOdInG: base64\r\n${header}\r\nSGk=\r\n`],
    ['a space before the colon', `Content-Transfer-Encoding : base64\r\n${header}\r\nSGk=\r\n`],
    ['a field folded in its name', `Content-\r\n Type: text/html\r\n${header}\r\nx\r\n`],
    ['a field folded after its name', `Content-Type:\r\n text/html\r\n${header}\r\nx\r\n`],
    ['a line without colon', `Subject\r\n${header}\r\nx\r\n`],
    ['an mbox line', `From a Thu Nov 20 10:00:00 2025\r\n${header}\r\nx\r\n`],
    ['a folded line of spaces', `${header} \r\nContent-Type: text/html\r\n\r\nx\r\n`],
    ['a continuation at first', ` x\r\n${header}\r\nx\r\n`],
    ['NUL in the header', `Con\0tent-Type: text/html\r\n${header}\r\nx\r\n`],
    ['8 bits in the header', `Subject: \xfc\r\n${header}\r\nx\r\n`],
    ['a bare CR in the header', `Subject: x\rContent-Type: text/html\r\n${header}\r\nx\r\n`],
    ['a bare LF in the header', `Subject: x\nContent-Type: text/html\r\n${header}\r\nx\r\n`],
    ['a form feed in the header', `Subject: x\x0cContent-Type: text/html\r\n${header}\r\nx\r\n`],
    ['two types', `Content-Type: text/plain\r\nContent-Type: text/plain\r\n${header}\r\nx\r\n`],
    ['another charset', `Content-Type: text/plain; charset=utf-7\r\n${header}\r\nx\r\n`],
    ['another parameter', `Content-Type: text/plain; name=a.exe\r\n${header}\r\nx\r\n`],
    ['a comment', `Content-Type: text/plain (x)\r\n${header}\r\nx\r\n`],
    ['deleted spaces', `Content-Type: text/plain; delsp=yes\r\n${header}\r\nx\r\n`],
    ['a disposition', `Content-Disposition: attachment\r\n${header}\r\nx\r\n`],
    ['RFC 1154', `Encoding: 3 TEXT, 5 uuencode\r\n${header}\r\nx\r\n`],
    ['mailtool', `X-Sun-Data-Type: text\r\n${header}\r\nx\r\n`],
    ['a long header', `X: ${'x'.repeat(65 * 1024)}\r\n${header}\r\nx\r\n`],
    ['NUL in the body', `${header}\r\na\0b\r\n`],
    ['a bare CR in the body', `${header}\r\na\rb\r\n`],
    ['a bare LF in the body', `${header}\r\na\nb\r\n`],
    ['a CR at the end', `${header}\r\na\r`],
    ['a part in the body', `${header}\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n`],
    ['uuencode', `${header}\r\nbegin 644 a.exe\r\n#0V%T\r\n\`\r\nend\r\n`],
    ['quoted uuencode', `${header}\r\n> BEGIN\t0644 a.exe\r\n`],
    ['uuencode in base64', `${header}\r\nbegin-base64 644 a\r\n`],
    ['Outlook\u2019s begin', `${header}\r\nbegin  a.exe\r\n`],
    ['yEnc', `${header}\r\n=ybegin line=128 size=1 name=a\r\n`],
    ['BinHex', `${header}\r\n(This file must be converted with BinHex 4.0)\r\n`],
    ['armour', `${header}\r\n-----BEGIN PGP MESSAGE-----\r\n`],
  ])('%s', (_, message) => {
    expect(isPlain(message)).toBe(false);
  });
});

it('does not depend on how the message is cut', () => {
  const plain = Buffer.from(`Subject: x\r\n\r\n${'a line of text\r\n'.repeat(8)}`);
  const dirty = Buffer.concat([plain, Buffer.from('begin 644 a\r\n')]);
  for (const { name, pieces } of chops(plain))
    expect([name, isPlain('', pieces)]).toEqual([name, true]);
  for (const { name, pieces } of chops(dirty))
    expect([name, isPlain('', pieces)]).toEqual([name, false]);
  const file = Buffer.from(`${header}\r\n7z\xbc\xaf\x27\x1c and some text\r\n`, 'latin1');
  for (const { name, pieces } of chops(file))
    expect([name, isPlain('', pieces)]).toEqual([name, false]);
});

it('says where the body begins', () => {
  const proof = new PlainMessageProof();
  proof.update(Buffer.from('Subject: x\r\n\r\nab'));
  proof.update(Buffer.from('cd\r\n'));
  expect(proof.bodyBytes).toBe(6);
});

/** Messages that are about MIME, in every way of spelling it that a reader might forgive. */
const anyCase = (word: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: word.length, maxLength: word.length }).map((upper) =>
    Array.from(word)
      .map((char, i) => (upper[i] === true ? char.toUpperCase() : char))
      .join(''),
  );
const space = fc.constantFrom('', ' ', '\t', '\r\n ', '\r\n\t', '\0', '\r', '  ');
const name = fc
  .constantFrom(
    'content-type',
    'content-transfer-encoding',
    'content-disposition',
    'mime-version',
    'subject',
  )
  .chain(anyCase);
const value = fc
  .constantFrom(
    'text/plain',
    'text/plain; charset=utf-8',
    'text/html',
    'multipart/mixed; boundary=b',
    'message/rfc822',
    'application/octet-stream',
    'base64',
    'quoted-printable',
    '7bit',
    '8bit',
    'x-uuencode',
    'attachment; filename=a.exe',
    '1.0',
    'word',
  )
  .chain(anyCase);
const anyField = fc
  .tuple(
    name,
    space,
    fc.constantFrom(':', ';', ' :'),
    space,
    value,
    fc.constantFrom('\r\n', '\n', '\r'),
  )
  .map((pieces) => pieces.join(''));
const bodyLine = fc.constantFrom(
  'Hello',
  '--b',
  '--b--',
  '',
  'Content-Type: text/html',
  'Content-Transfer-Encoding: base64',
  'SGVsbG8=',
  'begin 644 a.exe',
  '=3D=41',
  '-- ',
);
const anyMessage = fc
  .tuple(
    fc.array(
      fc.oneof(
        anyField,
        fc.constant('To: a@example.net\r\n'),
        fc.constant('MIME-Version: 1.0\r\n'),
        fc.constant('Content-Type: text/plain\r\n'),
      ),
      { maxLength: 3 },
    ),
    fc.array(bodyLine, { maxLength: 6 }),
  )
  .map(([fields, lines]) => `${fields.join('')}\r\n${lines.map((line) => `${line}\r\n`).join('')}`);

it('where it holds, mailparser finds one text and its bytes are the body as it stands', async () => {
  let held = 0;
  await fc.assert(
    fc.asyncProperty(anyMessage, async (message) => {
      if (!isPlain(message)) return;
      held++;
      const mail = await simpleParser(Buffer.from(message, 'latin1'), { skipTextToHtml: true });
      expect(mail.attachments).toEqual([]);
      expect(mail.html).toBe(false);
      const body = message.slice(message.indexOf('\r\n\r\n') + 4);
      expect(mail.text ?? '').toBe(body.replaceAll('\r\n', '\n'));
    }),
    { numRuns: 2000 },
  );
  expect(held).toBeGreaterThan(20);
});

/** What the readings of src/reading/ look for, besides what is above. */
const suspect = fc.constantFrom(
  ...['From: a@example.net', 'Subject: x', 'Content_Type: text/html', 'Mime.Version: 1.0', ' '],
  ...['begin 1 x', 'begin  x', 'begin-base64 644 x', '=ybegin line=1', '=yend', 'end', '===='],
  ...[
    '(BinHex)',
    ':abc:',
    'x="data:,a"',
    "'data:;base64,QUJD'",
    '\xff\xfea',
    '\xef\xbb\xbfa',
    '+/v8',
  ],
  ...[
    'x\x9f>"',
    '0mime-x: y',
    '0 content-x:',
    'QUJD'.repeat(10),
    'From x',
    '>From x',
    'Transfer-Encoding: base64',
    '--',
    '--x',
  ],
);
const suspectField = fc.constantFrom(
  ...['X-Content-Type: text/plain; charset=utf-7', 'Content_Transfer_Encoding: base64'],
  ...['Subject: transfer-encoding: base64', 'Encoding: base64', 'X-Encoding: y', 'To: b'],
  ...[
    'Content-Type: text/plain; format=flowed; delsp=yes',
    'Content-Type: text/plain; charset=utf-16',
  ],
  ...[
    'Content-Type: text/plain',
    'MIME-Version: 1.0',
    'Content-Transfer-Encoding: 8bit',
    'From: x',
  ],
  ...['DKIM-Signature: h=From:Content-Type:Content-Transfer-Encoding:Subject', ' folded'],
);
const suspectMessage = fc
  .tuple(
    fc.array(suspectField, { minLength: 1, maxLength: 4 }),
    fc.array(fc.oneof(bodyLine, suspect), { maxLength: 5 }),
    fc.constantFrom('\r\n', '\r\n\r\n\r\n', '\n', ''),
  )
  .map(([fields, lines, end]) => `${fields.join('\r\n')}\r\n\r\n${lines.join('\r\n')}${end}`);

it('where it holds, there is no reading but the body as it stands', () => {
  let held = 0;
  fc.assert(
    fc.property(fc.oneof(suspectMessage, anyMessage), (message) => {
      if (!isPlain(message)) return;
      held++;
      const body = message.slice(message.indexOf('\r\n\r\n') + 4);
      const { readings, exceeded, isFragment } = readAll([Buffer.from(message, 'latin1')]);
      const others = readings.filter(({ bytes }) => bytes.toString('latin1') !== body);
      expect([others, exceeded, isFragment]).toEqual([[], undefined, false]);
    }),
    { numRuns: 10_000 },
  );
  expect(held).toBeGreaterThan(200);
});

it('of the sample messages holds for those that are one text', () => {
  const plain = messages.sampleMessages().filter(({ bytes }) => isPlain('', [bytes]));
  expect(plain.map(({ name: title }) => title)).toEqual([
    'EICAR as the text',
    'a text',
    'an 8-bit text',
  ]);
});
