/** The header section: where it ends, its fields, and that an edit takes out what it is to and no more. */
import { editHeader } from '../../../src/protocol/message/edit.ts';
import {
  fields,
  HeaderCollector,
  lenientFields,
  messageId,
  type Place,
  topReceivedQueueId,
} from '../../../src/protocol/message/header.ts';
import { holds, type Target, usualBounds, whole } from '../target.ts';
import { sequenceOf } from '../valid.ts';

const postfix =
  'Received: from a (b [1.2.3.4])\r\n\t(using TLSv1.3)\r\n\tby c (Postfix) with ESMTPS id 4FzQab1234z\r\n\tfor <d@e>; Thu, 1 Jan\r\n';
const pickup = 'Received: by c (Postfix, from userid 1000)\r\n\tid 0A1B2C3D4E; Thu, 1 Jan\r\n';
const tokens = [
  'Received: ',
  'X-Virus-Scanned: clamgate\r\n',
  'x-virus-scanned : y\r\n',
  'X-Virus\0-Scanned:z\r\n',
]
  .concat([
    'Message-ID: <1@x>\r\n',
    'Subject: x\r\n',
    ' folded\r\n',
    '\t',
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    ':',
    '\0',
  ])
  .concat([
    '(',
    ')',
    '"',
    '\\',
    ';',
    'by c (Postfix)',
    ' with SMTP id ',
    'no field\r\n',
    '\xff',
    postfix,
    pickup,
  ]);
const removed = ['x-virus-scanned'];
const ours = 'X-Virus-Scanned: ours\r\n';
const headerBytesMax = 2000;

function collect(pieces: readonly Buffer[]): { bytes: Buffer; over: boolean; tooLarge: boolean } {
  const collector = new HeaderCollector(headerBytesMax);
  for (const piece of pieces) collector.push(piece);
  const { over, tooLarge } = collector;
  return { bytes: Buffer.from(collector.bytes), over, tooLarge };
}

function check(input: Buffer): void {
  const { bytes, over, tooLarge } = whole(input, collect);
  holds(bytes.length <= headerBytesMax, 'no more of it than allowed');
  holds(!(over && tooLarge), 'it is whole or too large');
  holds(input.subarray(0, bytes.length).equals(bytes), 'it is the beginning');
  const end = input.indexOf('\r\n\r\n');
  const isEmpty = input.subarray(0, 2).toString('latin1') === '\r\n';
  if (over) holds(bytes.length === (isEmpty ? 2 : end + 4), 'it ends at the first empty line');
  inOrder([...fields(bytes)], bytes.length);
  for (const { name, value } of fields(bytes)) {
    holds(/^[!-9;-~]+$/.test(name), 'a name as RFC 5322 has it');
    holds(!value.includes('\r\n'), 'a value is unfolded');
  }
  const id = topReceivedQueueId(bytes);
  holds(id === undefined || /^[0-9A-Za-z]+$/.test(id), 'a queue id');
  holds(!/\r\n/.test(messageId(bytes) ?? ''), 'a message id is one line');
  edited(bytes);
}

function inOrder(places: readonly Place[], size: number): void {
  let at = 0;
  for (const { start, end } of places) {
    holds(start >= at && end > start && end <= size, 'fields follow each other');
    at = end;
  }
}

function edited(header: Buffer): void {
  const places = [...lenientFields(header, removed)];
  inOrder(places, header.length);
  const gone = places.reduce((sum, { start, end }) => sum + end - start, 0);
  const without = Buffer.concat(editHeader(header, { remove: removed, prepend: undefined }));
  holds(without.length === header.length - gone, 'all else stays');
  const all = Buffer.concat(editHeader(header, { remove: removed, prepend: ours }));
  const isOurs = all.equals(Buffer.concat([Buffer.from(ours), without]));
  holds(isOurs || all.equals(without), 'ours comes on top, or not at all');
}

export const header: Target = {
  ...usualBounds,
  name: 'header',
  tokens,
  valid: sequenceOf(tokens, 16),
  check,
};
