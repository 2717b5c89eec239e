/** Messages in messages, multiparts of every kind, and what is encoded that must not be. */
import { base64, hexQuoted, uuencode } from '../codecs.ts';
import { crlf, entityText, type Entity } from '../message.ts';
import {
  mimeVersion,
  multipart,
  plainStructure,
  type Parts,
  type StructureTrick,
} from '../trick.ts';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A message as it stands in another one. */
function inner(parts: Parts, mark = `in${parts.mark}`): string {
  const { fields, body } = plainStructure.build({ ...parts, mark });
  return entityText({ fields: ['From: carl@example.net', 'Subject: inside', ...fields], body });
}

function forwarded(content: string, fields: readonly string[] = []): Entity {
  return { fields: ['Content-Type: message/rfc822', ...fields], body: content };
}

function alone({ fields, body }: Entity): Entity {
  return { fields: [mimeVersion, ...fields], body };
}

function deep(parts: Parts, depth: number): Entity {
  let entity = plainStructure.build({ ...parts, mark: `d0${parts.mark}` });
  for (let at = 1; at < depth; at++) {
    entity = multipart(`d${at}x${parts.mark}`, [parts.text, entity]);
  }
  return entity;
}

function deepMessages(parts: Parts, depth: number): Entity {
  let content = inner(parts);
  for (let at = 1; at < depth; at++)
    content = `Subject: ${at}${crlf}${entityText(alone(forwarded(content)))}`;
  return alone(forwarded(content));
}

const cte = (value: string): string => `Content-Transfer-Encoding: ${value}`;

const messages: Readonly<Record<string, StructureTrick['build']>> = {
  'message/rfc822': (parts) => multipart(parts.mark, [parts.text, forwarded(inner(parts))]),
  'message/rfc822 alone': (parts) => alone(forwarded(inner(parts))),
  'message/rfc822 in base64': (parts) =>
    multipart(parts.mark, [parts.text, forwarded(base64(bytesOf(inner(parts))), [cte('base64')])]),
  'message/rfc822 in base64 alone': (parts) =>
    alone(forwarded(base64(bytesOf(inner(parts))), [cte('base64')])),
  'message/rfc822 in quoted-printable': (parts) =>
    multipart(parts.mark, [
      parts.text,
      forwarded(hexQuoted(bytesOf(inner(parts))), [cte('quoted-printable')]),
    ]),
  'message/rfc822 in uuencode': (parts) =>
    multipart(parts.mark, [
      parts.text,
      forwarded(uuencode(bytesOf(inner(parts)), 'm.eml').join(crlf) + crlf, [cte('x-uuencode')]),
    ]),
  'message/global': (parts) =>
    multipart(parts.mark, [
      parts.text,
      { fields: ['Content-Type: message/global'], body: inner(parts) },
    ]),
  'message/news': (parts) =>
    multipart(parts.mark, [
      parts.text,
      { fields: ['Content-Type: message/news'], body: inner(parts) },
    ]),
  'MESSAGE/RFC822 with comment': (parts) =>
    multipart(parts.mark, [
      parts.text,
      { fields: ['Content-Type: MESSAGE/RFC822 (x)'], body: inner(parts) },
    ]),
  'message as application/octet-stream, .eml': (parts) =>
    multipart(parts.mark, [
      parts.text,
      {
        fields: ['Content-Type: application/octet-stream; name="m.eml"', cte('base64')],
        body: base64(bytesOf(inner(parts))),
      },
    ]),
  'message behind a From line': (parts) =>
    multipart(parts.mark, [
      parts.text,
      forwarded(`From carl Thu Nov 20 10:00:00 2025${crlf}${inner(parts)}`),
    ]),
  'message behind an empty line': (parts) =>
    multipart(parts.mark, [parts.text, forwarded(crlf + inner(parts))]),
  'message in a message, 3 deep': (parts) => deepMessages(parts, 3),
  'message in a message, 10 deep': (parts) => deepMessages(parts, 10),
  'the same boundary inside': (parts) =>
    multipart(parts.mark, [parts.text, forwarded(inner(parts, parts.mark))]),
  'message/partial, the only fragment': ({ attachment, mark }) => ({
    fields: [mimeVersion, `Content-Type: message/partial; id="${mark}"; number=1; total=1`],
    body: `Subject: whole${crlf}${entityText({ ...attachment, fields: [mimeVersion, ...attachment.fields] })}`,
  }),
  'message/partial, multipart within': (parts) => ({
    fields: [mimeVersion, `Content-Type: message/partial; id="${parts.mark}"; number=1; total=1`],
    body: inner(parts),
  }),
  'message/external-body with the body': ({ text, attachment, mark }) =>
    multipart(mark, [
      text,
      {
        fields: ['Content-Type: message/external-body; access-type=local-file; name="x"'],
        body: entityText(attachment),
      },
    ]),
  'multipart/digest, no type': (parts) =>
    multipart(parts.mark, [{ fields: [], body: inner(parts) }], 'multipart/digest'),
};

const kind =
  (type: string): StructureTrick['build'] =>
  ({ text, attachment, mark }) =>
    multipart(mark, [text, attachment], type);

/** The whole body of a multipart in an encoding, which RFC 2045 §6.4 forbids. */
const encodedWhole =
  (value: string, encode: (bytes: Buffer) => string): StructureTrick['build'] =>
  (parts) => {
    const { fields, body } = plainStructure.build(parts);
    return { fields: [...fields, cte(value)], body: encode(bytesOf(body)) };
  };
const encodedInner =
  (value: string, encode: (bytes: Buffer) => string): StructureTrick['build'] =>
  (parts) => {
    const { fields, body } = plainStructure.build({ ...parts, mark: `in${parts.mark}` });
    return multipart(parts.mark, [
      parts.text,
      { fields: [...fields, cte(value)], body: encode(bytesOf(body)) },
    ]);
  };

const multiparts: Readonly<Record<string, StructureTrick['build']>> = {
  ...Object.fromEntries(
    [
      'alternative',
      'related',
      'parallel',
      'report',
      'signed',
      'encrypted',
      'form-data',
      'appledouble',
    ]
      .concat(['voice-message', 'x-mixed-replace', 'header-set', 'byteranges'])
      .map((subtype) => [`multipart/${subtype}`, kind(`multipart/${subtype}`)]),
  ),
  'encoded whole, base64': encodedWhole('base64', base64),
  'encoded whole, quoted-printable': encodedWhole('quoted-printable', hexQuoted),
  'encoded inner, base64': encodedInner('base64', base64),
  'encoded inner, quoted-printable': encodedInner('quoted-printable', hexQuoted),
  'said base64, and is not': encodedWhole('base64', (bytes) => bytes.toString('latin1')),
  'said quoted-printable, and is not': encodedWhole('quoted-printable', (bytes) =>
    bytes.toString('latin1'),
  ),
  '5 deep': (parts) => deep(parts, 5),
  '20 deep': (parts) => deep(parts, 20),
  '45 deep': (parts) => deep(parts, 45),
  'the attachment is the message': ({ attachment }) => ({
    fields: [mimeVersion, ...attachment.fields],
    ...(attachment.end === undefined ? {} : { end: attachment.end }),
    body: attachment.body,
  }),
  'the attachment is the message, no MIME-Version': ({ attachment }) => attachment,
};

const rows = { 'messages in messages': messages, 'kinds of multipart': multiparts };

export const nestingTricks: readonly StructureTrick[] = Object.entries(rows).flatMap(
  ([family, builds]) =>
    Object.entries(builds).map(([name, build]) => ({
      side: 'structure' as const,
      family,
      name,
      build,
    })),
);
