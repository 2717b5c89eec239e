/** Mail that breaks the rules and means no harm: old programs, hurried spammers, empty parts. */
import { base64, quotedPrintable } from '../codecs.ts';
import { crlf, entityText, type Entity } from '../message.ts';
import { delimited, mimeVersion, multipart } from '../trick.ts';
import { type BenignKinds, cte, png, prose, text } from './kind.ts';

const plain = 'Content-Type: text/plain; charset=us-ascii';
const withoutLast = (entity: Entity): Entity => ({
  ...entity,
  body: entity.body.replace(/--[^\r]*--\r\n$/, ''),
});

export const sloppyMail: BenignKinds = {
  'empty body': () => ({ fields: [mimeVersion, plain], body: '' }),
  'empty parts': (about) =>
    multipart(about.mark, [text(''), text(prose(about)), { fields: [], body: '' }]),
  'no last delimiter': (about) =>
    withoutLast(multipart(about.mark, [text(prose(about)), text(prose(about))])),
  'no part at all': (about) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; boundary="${about.mark}"`],
    body: prose(about),
  }),
  'boundary not said': (about) => ({
    fields: [mimeVersion, 'Content-Type: multipart/alternative'],
    body: delimited(about.mark, [entityText(text(prose(about)))]),
  }),
  'preamble and epilogue': (about) => {
    const { fields, body } = multipart(about.mark, [text(prose(about))]);
    return { fields, body: `This is a message in MIME.${crlf}${body}${crlf}The end.${crlf}` };
  },
  'encoding twice': (about) => ({
    fields: [mimeVersion, plain, cte('7bit'), cte('8bit')],
    body: prose(about),
  }),
  'encoding unknown': (about) => ({
    fields: [mimeVersion, plain, cte('utf-8')],
    body: prose(about),
  }),
  'said base64, and is text': (about) => ({
    fields: [mimeVersion, plain, cte('base64')],
    body: prose(about),
  }),
  'said quoted-printable, and is text': (about) => ({
    fields: [mimeVersion, plain, cte('quoted-printable')],
    body: `a=b&c=d, 100 % = everything=${crlf}${prose(about)}`,
  }),
  'type twice': (about) => ({
    fields: [mimeVersion, plain, 'Content-Type: text/html'],
    body: `<p>${prose(about)}</p>${crlf}`,
  }),
  'no MIME-Version': (about) => ({
    fields: [plain, cte('quoted-printable')],
    body: quotedPrintable(Buffer.from(prose(about, 2).replaceAll(crlf, ' '))),
  }),
  'base64 and a list footer': (about) => ({
    fields: [mimeVersion, plain, cte('base64')],
    body: `${base64(Buffer.from(prose(about)))}${crlf}____${crlf}news mailing list${crlf}`,
  }),
  'long lines': (about) => ({ fields: [], body: prose(about, 60).replaceAll(crlf, ' ') + crlf }),
  'space before colon': (about) => ({ fields: [`X-Mailer : zork`], body: prose(about) }),
  'header line without colon': (about) => ({ fields: ['zork zork'], body: prose(about) }),
  'bare CR in the text': (about) => ({ fields: [], body: prose(about).replace(',', ',\r') }),
  'picture with a comment in the encoding': (about) =>
    multipart(about.mark, [
      text(prose(about, 2)),
      { fields: ['Content-Type: image/png', cte('base64 (RFC 2045)')], body: base64(png(about)) },
    ]),
};
