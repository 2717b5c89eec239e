/** The messages that a case file calls by name; built by test/support/messages.ts. */
import {
  eicarFile,
  eightBitText,
  forwarded,
  message,
  newsletter,
  storedZip,
  text,
  utf8Header,
  withAttachment,
} from '../support/messages.ts';

const eicarMail = (): Buffer => message(withAttachment('eicar.com', eicarFile));

/** As Postfix hands it over, so that a retry is known. */
const received =
  'Received: by mx.example.org (Postfix, from userid 1000)\r\n' +
  '\tid 4dXyRt3Gz5z1n7P; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)\r\n';

const builders: ReadonlyMap<string, () => Buffer> = new Map([
  ['text', () => message(text())],
  ['8-bit', () => message(eightBitText())],
  ['utf8-header', () => message(utf8Header())],
  ['newsletter', () => message(newsletter())],
  ['dots', () => message(text('.\r\n..\r\n...x\r\n.\r\n\r\n.\r\n'))],
  ['eicar-text', () => message({ fields: ['Subject: x'], body: eicarFile })],
  ['eicar-attached', eicarMail],
  [
    'with-program',
    () =>
      Buffer.concat([Buffer.from(received), message(withAttachment('x.exe', Buffer.from('x')))]),
  ],
  ['eicar-zip', () => message(withAttachment('e.zip', storedZip('eicar.com', eicarFile)))],
  ['eicar-forwarded', () => message(forwarded(eicarMail()))],
]);

export function namedMessage(name: string): Buffer {
  const build = builders.get(name);
  if (!build) throw new Error(`no message is called ${name}`);
  const bytes = build();
  // A body that ends in mid-line gets its line end with the final dot.
  return bytes.subarray(-2).equals(Buffer.from('\r\n')) ? bytes : Buffer.concat([bytes, crlf]);
}

const crlf = Buffer.from('\r\n');
