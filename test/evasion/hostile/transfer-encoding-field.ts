/**
 * The field that says base64, spoilt: said twice, hidden, misspelt, or not said. The body is plain
 * base64; who decodes it anyway is in witnesses.json.
 */
import { base64, quotedPrintable } from '../codecs.ts';
import type { EncodingTrick } from '../trick.ts';

const cte = (value: string): string => `Content-Transfer-Encoding:${value}`;
const filler = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `X-Filler-${i}: ${'lorem ipsum '.repeat(5)}`);
const long = (count: number): string => '(comment) '.repeat(count);

type Rows = Readonly<Record<string, readonly string[]>>;

const repeated: Rows = {
  'base64 then 7bit': [cte(' base64'), cte(' 7bit')],
  '7bit then base64': [cte(' 7bit'), cte(' base64')],
  'base64 then 8bit': [cte(' base64'), cte(' 8bit')],
  '8bit then base64': [cte(' 8bit'), cte(' base64')],
  'binary then base64': [cte(' binary'), cte(' base64')],
  'base64 then quoted-printable': [cte(' base64'), cte(' quoted-printable')],
  'quoted-printable then base64': [cte(' quoted-printable'), cte(' base64')],
  'base64 then uuencode': [cte(' base64'), cte(' x-uuencode')],
  'uuencode then base64': [cte(' x-uuencode'), cte(' base64')],
  'base64 then unknown': [cte(' base64'), cte(' x-zorkencode')],
  'unknown then base64': [cte(' x-zorkencode'), cte(' base64')],
  'base64 then empty': [cte(' base64'), cte('')],
  'empty then base64': [cte(''), cte(' base64')],
  'blank then base64': [cte('   '), cte(' base64')],
  'base64 twice': [cte(' base64'), cte(' base64')],
  'base64 between': [cte(' 7bit'), cte(' base64'), cte(' 7bit')],
  'base64 around': [cte(' base64'), cte(' 7bit'), cte(' base64')],
  'base64 first, far apart': [cte(' base64'), ...filler(30), cte(' 7bit')],
  'base64 last, far apart': [cte(' 7bit'), ...filler(30), cte(' base64')],
  'base64 first, other case': [cte(' base64'), 'CONTENT-TRANSFER-ENCODING: 7bit'],
  'base64 last, other case': [cte(' 7bit'), 'content-transfer-encoding: base64'],
  'commented 7bit then base64': [cte(' (7bit) 7bit'), cte(' base64')],
};

const disguised: Rows = {
  'mixed case': [cte(' BaSe64')],
  'upper case': [cte(' BASE64')],
  'lower-case field': ['content-transfer-encoding: base64'],
  'upper-case field': ['CONTENT-TRANSFER-ENCODING: BASE64'],
  'odd-case field': ['cOnTeNt-TrAnSfEr-EnCoDiNg: base64'],
  quoted: [cte(' "base64"')],
  'single-quoted': [cte(" 'base64'")],
  'half quoted': [cte(' "base64')],
  'quoted pair': [cte(' "bas\\e64"')],
  'angle brackets': [cte(' <base64>')],
  'comment behind': [cte(' base64 (really)')],
  'comment before': [cte(' (really) base64')],
  'comment of 7bit before': [cte(' (7bit) base64')],
  'comment glued behind': [cte(' base64(7bit)')],
  'nested comment': [cte(' (a (7bit) b) base64')],
  'open comment behind': [cte(' base64 (7bit')],
  'comment within': [cte(' base(x)64')],
  'folded before': [cte('\r\n base64')],
  'folded with tab': [cte('\r\n\tbase64')],
  'folded twice': [cte(' \r\n \r\n base64')],
  'folded behind': [cte(' base64\r\n ')],
  'folded behind with junk': [cte(' base64\r\n 7bit')],
  'folded within': [cte(' base\r\n 64')],
  'folded comment': [cte(' (a\r\n b) base64')],
  'semicolon behind': [cte(' base64;')],
  'parameter behind': [cte(' base64; charset=utf-8')],
  'comma behind': [cte(' base64,')],
  'list with 7bit behind': [cte(' base64, 7bit')],
  'list with 7bit before': [cte(' 7bit, base64')],
  'words, base64 first': [cte(' base64 7bit')],
  'words, base64 last': [cte(' 7bit base64')],
  'full stop behind': [cte(' base64.')],
  'letters behind': [cte(' base64xyz')],
  'equals sign behind': [cte(' base64=')],
  'slash behind': [cte(' base64/7bit')],
  'blanks behind': [cte(' base64        ')],
  'tab behind': [cte(' base64\t')],
  'tabs before': [cte('\t\t base64')],
  'no blank': [cte('base64')],
  'encoded word Q': [cte(' =?us-ascii?Q?base64?=')],
  'encoded word B': [cte(' =?utf-8?B?YmFzZTY0?=')],
  'RFC 2231 value': [cte(" us-ascii''base64")],
  hyphenated: [cte(' base-64')],
  'x-base64': [cte(' x-base64')],
  'in two words': [cte(' base 64')],
  'NUL behind': [cte(' base64\0')],
  'NUL and 7bit behind': [cte(' base64\x007bit')],
  'NUL before': [cte(' \0base64')],
  'NUL within': [cte(' bas\0e64')],
  'bare CR behind': [cte(' base64\r')],
  'bare CR before': [cte('\rbase64')],
  'bare CR and blank before': [cte('\r base64')],
  'field behind bare CR': ['X-Note: x\rContent-Transfer-Encoding: base64'],
  'field behind bare CR of 7bit': [`${cte(' 7bit')}\rContent-Transfer-Encoding: base64`],
  '7bit behind bare CR': [`${cte(' base64')}\rContent-Transfer-Encoding: 7bit`],
  'no-break space behind': [cte(' base64\xa0')],
  'no-break space before': [cte(' \xa0base64')],
  '8-bit letter behind': [cte(' base64\xe9')],
  'UTF-8 blank before': [cte(' \xe2\x80\x83base64')],
  'zero-width space before': [cte(' \xe2\x80\x8bbase64')],
  'byte order mark before': [cte(' \xef\xbb\xbfbase64')],
  'vertical tab before': [cte(' \x0bbase64')],
  'form feed behind': [cte(' base64\x0c')],
  'delete behind': [cte(' base64\x7f')],
  'space before colon': ['Content-Transfer-Encoding : base64'],
  'tab before colon': ['Content-Transfer-Encoding\t: base64'],
  'two colons': ['Content-Transfer-Encoding:: base64'],
  'blanks in the name': ['Content-Transfer- Encoding: base64'],
  'long comment': [cte(` ${long(20)}base64`)],
  'line of 1100': [cte(` ${long(110)}base64`)],
  'line of 1100 behind': [cte(` base64 ${long(110)}`)],
  'field of 20,000': [cte(` ${`(comment)\r\n `.repeat(1800)}base64`)],
  'line of 20,000 blanks': [cte(`${' '.repeat(20_000)}base64`)],
  'behind 300 fields': [...filler(300), cte(' base64')],
  'behind a line without colon': ['this is no field', cte(' base64')],
  'behind a From line': ['From anna Thu Nov 20 10:00:00 2025', cte(' base64')],
  'behind a quoted From line': ['>From anna Thu Nov 20 10:00:00 2025', cte(' base64')],
  'behind an empty name': [': nothing', cte(' base64')],
  'behind a line of blanks folded': ['X-Note: x\r\n  ', cte(' base64')],
};

/** What a decoder does that guesses, or that was told something near the truth. */
const notSaid: Rows = {
  missing: [],
  empty: [cte('')],
  'said 7bit': [cte(' 7bit')],
  'said 8bit': [cte(' 8bit')],
  'said binary': [cte(' binary')],
  'said quoted-printable': [cte(' quoted-printable')],
  'said x-uuencode': [cte(' x-uuencode')],
  'said unknown': [cte(' x-zorkencode')],
  'Content-Encoding': ['Content-Encoding: base64'],
  'X-Content-Transfer-Encoding': ['X-Content-Transfer-Encoding: base64'],
  'with underscores': ['Content_Transfer_Encoding: base64'],
};

const quoted: Rows = {
  'QP: 7bit then QP': [cte(' 7bit'), cte(' quoted-printable')],
  'QP: QP then 7bit': [cte(' quoted-printable'), cte(' 7bit')],
  'QP: base64 then QP': [cte(' base64'), cte(' quoted-printable')],
  'QP: QP then base64': [cte(' quoted-printable'), cte(' base64')],
  'QP: upper case': [cte(' QUOTED-PRINTABLE')],
  'QP: quoted': [cte(' "quoted-printable"')],
  'QP: comment before': [cte(' (x) quoted-printable')],
  'QP: semicolon behind': [cte(' quoted-printable;')],
  'QP: letters behind': [cte(' quoted-printablexyz')],
  'QP: no hyphen': [cte(' quotedprintable')],
  'QP: underscore': [cte(' quoted_printable')],
  'QP: space before colon': ['Content-Transfer-Encoding : quoted-printable'],
  'QP: folded': [cte('\r\n quoted-printable')],
  'QP: folded within': [cte(' quoted-\r\n printable')],
  'QP: bare CR before': [cte('\rquoted-printable')],
  'QP: NUL behind': [cte(' quoted-printable\0')],
  'QP: missing': [],
  'QP: said 7bit': [cte(' 7bit')],
};

/** The body is no encoding at all, and the field says one: who does not believe it shows the file. */
const inTheClear: Rows = {
  'clear: unknown': [cte(' x-zorkencode')],
  'clear: base64 then 7bit': [cte(' base64'), cte(' 7bit')],
  'clear: 7bit then base64': [cte(' 7bit'), cte(' base64')],
  'clear: 8bit then quoted-printable': [cte(' 8bit'), cte(' quoted-printable')],
  'clear: commented base64': [cte(' (base64) 7bit')],
  'clear: base64 in two words': [cte(' base 64')],
  'clear: empty': [cte('')],
  'clear: missing': [],
  'clear: binary': [cte(' binary')],
  'clear: base64 space before colon': ['Content-Transfer-Encoding : base64'],
};

const families: readonly (readonly [string, Rows, (bytes: Buffer) => string])[] = [
  ['encoding field repeated', repeated, base64],
  ['encoding field disguised', disguised, base64],
  ['encoding not said', notSaid, base64],
  ['quoted-printable field', quoted, quotedPrintable],
  ['encoding said and not done', inTheClear, (bytes) => bytes.toString('latin1')],
];

export const transferEncodingFieldTricks: readonly EncodingTrick[] = families.flatMap(
  ([family, rows, encodeBody]) =>
    Object.entries(rows).map(([name, fields]) => ({
      side: 'encoding' as const,
      family,
      name,
      ...(encodeBody === base64 || encodeBody === quotedPrintable
        ? {}
        : { payloads: ['eicar', 'eml'] as const }),
      encode: ({ bytes }) => ({ fields, body: encodeBody(bytes) }),
    })),
);
