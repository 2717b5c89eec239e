/** What a header field says of a body: encodings, boundaries, names. Long ones, too: a field may have 64 KiB. */
import fc from 'fast-check';
import { boundariesOf } from '../../../src/reading/boundary.ts';
import { Evidence } from '../../../src/reading/evidence.ts';
import { fileNamesIn } from '../../../src/reading/file-names.ts';
import { fieldCharsMax } from '../../../src/reading/header-block.ts';
import { tricksIn } from '../../../src/verdict/file-name.ts';
import { holds, latin1, type Target, usualBounds } from '../target.ts';

const starts = [
  'Content-Type:',
  'Content-Transfer-Encoding:',
  'Content-Disposition:',
  'X:',
  'content-TYPE :',
  'MIME-Version:',
];
const pieces = [
  ' multipart/mixed',
  ' text/plain',
  '; boundary=',
  '; boundary="',
  '; boundary*0=',
  '; boundary*1*=',
  'b',
  '"',
  "'",
]
  .concat([
    '; charset=',
    "utf-7''",
    'utf-16',
    '; name=',
    '; filename*=',
    '; filename*0*=',
    "utf-8''a%2eexe",
    '=?utf-8?q?a?=',
  ])
  .concat([
    '=?utf-8?b?YQ==?=',
    '(x)',
    '(',
    ')',
    '\\',
    ' ',
    '\t',
    '\0',
    '%41',
    ';',
    '=',
    '/',
    'base64',
    ' 7bit',
    'quoted-printable',
  ])
  .concat([
    '; delsp=yes',
    '; total=2',
    'message/partial',
    '\xff',
    '?= =?',
    '\xe2\x80\xae',
    '.exe',
    '.',
  ]);
const encodingsKnown = new Set(['as it stands', 'base64', 'quoted-printable']);

function check(input: Buffer): void {
  const text = input.toString('latin1');
  const evidence = new Evidence();
  evidence.add(text);
  for (const one of evidence.encodings) holds(encodingsKnown.has(one), 'an encoding that is known');
  const value = text.slice(text.indexOf(':') + 1);
  const { values, agreed } = boundariesOf(value);
  holds(!agreed || values.length <= 1, 'readers agree about one boundary, or none');
  for (const one of values) holds(one.length <= 1024, 'a boundary is no longer than allowed');
  for (const name of fileNamesIn(value)) {
    holds(name !== '', 'a name is something');
    tricksIn(name);
  }
}

export const names: Target = {
  ...usualBounds,
  name: 'names',
  inputBytesMax: fieldCharsMax,
  tokens: [...starts, ...pieces],
  valid: fc
    .tuple(fc.constantFrom(...starts), fc.array(fc.constantFrom(...pieces), { maxLength: 24 }))
    .map(([start, rest]) => latin1(start + rest.join(''))),
  check,
};
