/** Where a header section ends, which is to be an empty line (RFC 5322 §2.1) and is not always. */
import { base64 } from '../codecs.ts';
import { crlf } from '../message.ts';
import { plainStructure, type EncodingTrick, type StructureTrick } from '../trick.ts';

const encoding = 'Content-Transfer-Encoding: base64';

/** What stands between the fields of the attachment and its base64. */
const ends: Readonly<Record<string, string>> = {
  'blanks for the empty line': `   ${crlf}`,
  'tab for the empty line': `\t${crlf}`,
  'blank line, then an empty one': ` ${crlf}${crlf}`,
  'no empty line': '',
  'no empty line, a line of garbage': `!!!!${crlf}`,
  'bare CR for the empty line': `\r${crlf}`,
  'NUL for the empty line': `\0${crlf}`,
  'many empty lines': crlf.repeat(40),
  'dot for the empty line': `.${crlf}`,
  'no-break space for the empty line': `\xa0${crlf}`,
};

const partEnds: readonly EncodingTrick[] = Object.entries(ends).map(([name, end]) => ({
  side: 'encoding',
  family: 'end of the part header',
  name,
  encode: ({ bytes }) => ({ fields: [encoding], end, body: base64(bytes) }),
}));

const behindTheEnd: Readonly<Record<string, (body: string) => { end: string; body: string }>> = {
  'encoding behind the empty line': (body) => ({
    end: crlf,
    body: `${encoding}${crlf}${crlf}${body}`,
  }),
  'encoding behind a line of blanks': (body) => ({
    end: `  ${crlf}`,
    body: `${encoding}${crlf}${crlf}${body}`,
  }),
  'encoding behind a line without colon': (body) => ({
    end: `zork${crlf}`,
    body: `${encoding}${crlf}${crlf}${body}`,
  }),
  'encoding behind a folded nothing': (body) => ({
    end: ` ${crlf} ${crlf}`,
    body: `${encoding}${crlf}${crlf}${body}`,
  }),
};

const fieldsBehind: readonly EncodingTrick[] = Object.entries(behindTheEnd).map(
  ([name, build]) => ({
    side: 'encoding',
    family: 'end of the part header',
    name,
    encode: ({ bytes }) => ({ fields: [], ...build(base64(bytes)) }),
  }),
);

/** The part's header is cut off its delimiter, or the message's own header is. */
const structures: Readonly<Record<string, StructureTrick['build']>> = {
  'part header behind an empty line': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(`--${parts.mark}${crlf}`, `$&${crlf}`) };
  },
  'part header behind a line of blanks': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(`--${parts.mark}${crlf}`, `$&  ${crlf}`) };
  },
  'part header indented': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields, body: body.replaceAll(`--${parts.mark}${crlf}`, `$& `) };
  },
  'message: blanks for the empty line': (parts) => ({
    ...plainStructure.build(parts),
    end: `   ${crlf}`,
  }),
  'message: tab for the empty line': (parts) => ({
    ...plainStructure.build(parts),
    end: `\t${crlf}`,
  }),
  'message: no empty line': (parts) => ({ ...plainStructure.build(parts), end: '' }),
  'message: bare CR for the empty line': (parts) => ({
    ...plainStructure.build(parts),
    end: `\r${crlf}`,
  }),
  'message: NUL for the empty line': (parts) => ({
    ...plainStructure.build(parts),
    end: `\0${crlf}`,
  }),
  'message: a line without colon': (parts) => ({
    ...plainStructure.build(parts),
    end: `This is a message in MIME format.${crlf}`,
  }),
  'message: fields behind a line of blanks': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields: [], end: `  ${crlf}`, body: `${fields.join(crlf)}${crlf}${crlf}${body}` };
  },
  'message: fields behind an empty line': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields: [], body: `${fields.join(crlf)}${crlf}${crlf}${body}` };
  },
  'message: fields behind a line without colon': (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields: ['zork', ...fields], body };
  },
};

export const headerEndTricks: readonly (EncodingTrick | StructureTrick)[] = [
  ...partEnds,
  ...fieldsBehind,
  ...Object.entries(structures).map(([name, build]): StructureTrick => ({
    side: 'structure',
    family: 'end of a header',
    name,
    build,
  })),
];
