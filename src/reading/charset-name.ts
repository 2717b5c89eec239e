/**
 * Which character sets a name is for, of those in which EICAR is not written as in ASCII: by the
 * names of IANA, glibc's iconv, Java, Python and PHP.
 */
import type { CharsetName, EbcdicName } from './decoder.ts';

const charsets: readonly (readonly [RegExp, readonly CharsetName[]])[] = [
  // 'U7' and the like are Python's, 'byte2be' is PHP's.
  [/utf7$|^u7$/, ['utf-7']],
  [/utf16le$|unicodelittle|byte2le$/, ['utf-16le']],
  [/utf16be$|unicodebig|byte2be$/, ['utf-16be']],
  [/utf16$|^u16$|ucs2|^(?:cs)?unicode$|unicodefffe/, ['utf-16le', 'utf-16be']],
  [/utf32le$|byte4le$/, ['utf-32le']],
  [/utf32be$|byte4be$/, ['utf-32be']],
  [/utf32$|^u32$|ucs4|^iso10646$|^106461|^wchart$/, ['utf-32le', 'utf-32be']],
  [/^(?:cs)?iso2022/, ['iso-2022']],
  [/^hz/, ['hz']],
  [/unicodeescape$/, ['backslash escapes']],
];

/** The numbers of code pages that have the same bytes for ASCII, and the countries that names say. */
const pages: Readonly<Record<EbcdicName, readonly [numbers: string, countries: string]>> = {
  cp037: ['37 39 282 424 937 1070 1112 1140 1156 12712', 'us ca wt nl he pt'],
  cp273: ['273 1141', 'de at'],
  cp277: ['277 1142', 'dk no'],
  cp278: ['278 1122 1143 1157', 'se fi sv'],
  cp280: ['280 1144', 'it'],
  cp284: ['284 1079 1145', 'es'],
  cp285: ['285 1146', 'gb uk'],
  cp290: ['290 930 1390', 'jp'],
  cp297: ['297 1081 1147', 'fr'],
  cp500: [
    '38 256 500 870 875 918 1025 1084 1123 1130 1148 1153 1154 1158 1164 1166 4971',
    'ar be bh ch gr in ro yu',
  ],
  cp833: ['833 933 1364', 'kr'],
  cp838: ['838 1132 1160 9030', 'th'],
  cp871: ['871 1149', 'is'],
  cp905: ['905', 'tr'],
  cp935: ['935 1388', 'cn'],
  cp939: ['939 1399', ''],
  cp1026: ['1026 1155', ''],
  cp1047: ['1047 1137', ''],
};
const pageBy = new Map<string, EbcdicName>();
for (const name of Object.keys(pages) as EbcdicName[]) {
  for (const one of pages[name].join(' ').trim().split(' ')) pageBy.set(one, name);
}

/** 'IBM01140', 'x-IBM930', 'ccsid01148', '500V1', 'ebcdic-fr-297+euro'; OSF has it in hexadecimal. */
const numbered =
  /^(?:x|cs)?(?:ibm|cp|ccsid|cpibm|ebcdic[a-z]{0,16})?0{0,4}(\d{2,5})(?:v1|euro)?$|^osf10020([\da-f]{3})$/;
const national = /^(?:cs)?ebcdic(?:cp)?([a-z]{2})|^ibm(th)ai/;

/** @param squeezed the name, in lower case, letters and digits only. */
export function charsetsNamed(squeezed: string): readonly CharsetName[] {
  const known = charsets.find(([name]) => name.test(squeezed));
  if (known !== undefined) return known[1];
  const [, decimal, hex = ''] = numbered.exec(squeezed) ?? [];
  const [, country = '', thai = ''] = national.exec(squeezed) ?? [];
  const number = decimal ?? String(parseInt(hex, 16));
  // Java: ebcdic-fr-277+euro is 1147.
  const page = pageBy.get(country + thai) ?? pageBy.get(number);
  if (page !== undefined) return [page];
  return /^(?:cs)?ebcdic/.test(squeezed) ? ['cp037', 'cp500', 'cp1047'] : [];
}
