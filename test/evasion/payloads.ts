/** What the hostile messages hide: EICAR as it is, and in what people send. */
import { eicar } from '../support/eicar.ts';
import { base64Lines } from './codecs.ts';
import { zip } from './zip.ts';

export const payloadKinds = ['eicar', 'zip', 'zip-in-zip', 'eml'] as const;
export type PayloadKind = (typeof payloadKinds)[number];

export interface Payload {
  readonly kind: PayloadKind;
  readonly bytes: Buffer;
  readonly filename: string;
  readonly contentType: string;
}

const file = Buffer.from(eicar, 'latin1');
const inZip = zip([
  { name: 'readme.txt', bytes: Buffer.from('Please open the other one.\r\n') },
  { name: 'invoice.com', bytes: file },
]);
const inZipInZip = zip([{ name: 'inner.zip', bytes: inZip, stored: true }]);
const inMessage = Buffer.from(
  [
    'Received: from a.example.net by b.example.net; Thu, 20 Nov 2025 08:00:00 +0000',
    'From: carl@example.net',
    'Subject: the file',
    'MIME-Version: 1.0',
    'Content-Type: application/octet-stream; name="invoice.com"',
    'Content-Transfer-Encoding: base64',
    '',
    ...base64Lines(file),
    '',
  ].join('\r\n'),
);

export const payloads: Readonly<Record<PayloadKind, Payload>> = {
  eicar: {
    kind: 'eicar',
    bytes: file,
    filename: 'invoice.com',
    contentType: 'application/octet-stream',
  },
  zip: { kind: 'zip', bytes: inZip, filename: 'invoice.zip', contentType: 'application/zip' },
  'zip-in-zip': {
    kind: 'zip-in-zip',
    bytes: inZipInZip,
    filename: 'papers.zip',
    contentType: 'application/x-zip-compressed',
  },
  eml: {
    kind: 'eml',
    bytes: inMessage,
    filename: 'forwarded.eml',
    contentType: 'application/octet-stream',
  },
};
