import { expect, it } from '@jest/globals';
import { charsetsNamed } from '../../src/reading/charset-name.ts';
import { squeezed } from '../../src/reading/squeezed.ts';

it.each<[string, readonly string[]]>([
  ['us-ascii', []],
  ['utf-8', []],
  ['ISO-8859-15', []],
  ['windows-1252', []],
  ['cp1252', []],
  ['x-mac-roman', []],
  ['UTF-7', ['utf-7']],
  ['unicode-1-1-utf-7', ['utf-7']],
  ['utf-16', ['utf-16le', 'utf-16be']],
  ['UnicodeBigUnmarked', ['utf-16be']],
  ['byte2le', ['utf-16le']],
  ['ISO-10646/UCS2', ['utf-16le', 'utf-16be']],
  ['WCHAR_T', ['utf-32le', 'utf-32be']],
  ['IBM01140', ['cp037']],
  ['037', ['cp037']],
  ['500V1', ['cp500']],
  ['csEBCDICFISEA', ['cp278']],
  ['x-IBM930', ['cp290']],
  ['ebcdic-fr-277+euro', ['cp297']],
  ['ebcdic-s-871+euro', ['cp871']],
  ['OSF1002011C', ['cp284']],
  ['IBM-Thai', ['cp838']],
  ['EBCDIC-XX', ['cp037', 'cp500', 'cp1047']],
])('%s', (name, sets) => {
  expect(charsetsNamed(squeezed(name))).toEqual(sets);
});
