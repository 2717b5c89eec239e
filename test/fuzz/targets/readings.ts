/** A message: each of its readings, the same at any cut, within the ceilings. */
import fc from 'fast-check';
import { defaultReadingLimits } from '../../../src/reading/plan.ts';
import { readAll } from '../../reading/read-all.ts';
import { holds, latin1, type Target, usualBounds, whole } from '../target.ts';

const limits = {
  ...defaultReadingLimits,
  readingsMax: 60,
  bodiesMax: 100,
  workFactorMax: 8,
  workBytesMax: 64 * 1024,
};
const fields = ['From: a@example.net\r\n', 'Subject: x\r\n', 'MIME-Version: 1.0\r\n']
  .concat([
    'Content-Type: multipart/mixed; boundary=b\r\n',
    'Content-Type: multipart/mixed; boundary="c c"\r\n',
  ])
  .concat([
    'Content-Type: multipart/digest; boundary=d\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Type: text/plain; charset=utf-7\r\n',
  ])
  .concat([
    'Content-Type: text/plain; charset=utf-16\r\n',
    'Content-Type: text/plain; format=flowed; delsp=yes\r\n',
  ])
  .concat([
    'Content-Type: application/mac-binhex40\r\n',
    'Content-Type: message/partial; number=1; total=2; id=x\r\n',
  ])
  .concat([
    'Content-Type: multipart/mixed\r\n',
    'Content-Type: multipart/mixed; boundary=b; boundary=c\r\n',
  ])
  .concat([
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
  ])
  .concat([
    'Content-Transfer-Encoding: x\r\n',
    'Content-Type: text/plain; name=x\r\n',
    ' folded\r\n',
    'no field\r\n',
  ]);
const bodies = [
  'text\r\n',
  'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk\r\n',
  'QQ==QQ==\r\n',
  '=41=\r\n=42\r\n',
  '=zz',
]
  .concat([
    'begin 644 x\r\n#04)#\r\n`\r\nend\r\n',
    '=ybegin line=1 size=2 name=x\r\nkl\r\n=yend size=2\r\n',
  ])
  .concat([
    '(This file must be converted with BinHex 4.0)\r\n\r\n:#"NKBh:\r\n',
    '<img src="data:x/y;base64,QUJD">\r\n',
    '+AFg-\r\n',
  ])
  .concat([
    '\xff\xfea\0',
    '\x78\x9f\x3e\x22\x01\0\x02\x0f\x80\x06\0\x03\0\0\0abc\0\0',
    '\r\n\r\n',
    '\n',
    '\r',
    '\0',
  ]);
const delimiters = [
  '--b\r\n',
  '--b--\r\n',
  '--c c\r\n',
  '--d\r\n',
  '--',
  ' --b\r\n',
  '--bx\r\n',
  '\r\n--b\r\n',
  '\r\n--b--\r\n',
];

const entity = fc
  .tuple(
    fc.array(fc.constantFrom(...fields), { maxLength: 4 }),
    fc.array(fc.oneof(fc.constantFrom(...bodies), fc.constantFrom(...delimiters)), {
      maxLength: 5,
    }),
  )
  .map(([head, body]) => [...head, '\r\n', ...body].join(''));

function check(input: Buffer): void {
  const { readings, exceeded } = whole(input, (pieces) => readAll(pieces, limits));
  holds(readings.length <= limits.readingsMax, 'no more readings than allowed');
  const bytes = readings.reduce((sum, one) => sum + one.bytes.length, 0);
  // The one that goes beyond it is still there.
  const most = limits.workFactorMax * input.length + limits.workBytesMax + 64 * input.length;
  holds(bytes <= most, `${bytes} bytes of readings`);
  holds(
    bytes <= most - 64 * input.length || exceeded !== undefined,
    'a ceiling that ends it is told',
  );
}

export const readings: Target = {
  ...usualBounds,
  name: 'readings',
  inputBytesMax: 8 * 1024,
  bufferBytesMax: (inputBytes) => 128 * inputBytes + 256 * 1024,
  stepsMax: (inputBytes) => 20_000 * inputBytes + 2_000_000,
  tokens: [...fields, ...bodies, ...delimiters, '\r\n', 'boundary=', ': ', '; ', '"'],
  valid: fc
    .array(fc.oneof(entity, fc.constantFrom(...delimiters)), { minLength: 1, maxLength: 5 })
    .map((all) => latin1(all.join(''))),
  check,
};
