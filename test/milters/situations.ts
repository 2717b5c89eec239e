/** What the Milters are shown, and what befalls clamd meanwhile. */
import {
  attachment,
  eicarFile,
  eightBitText,
  entityBytes,
  forwarded,
  largeMessage,
  message,
  multipart,
  newsletter,
  storedZip,
  text,
  withAttachment,
} from '../support/messages.ts';
import type { Stand } from './stand.ts';

export interface Situation {
  readonly what: string;
  readonly data: Buffer;
  /** Done before it is sent, and undone when it is answered. */
  readonly befalls?: (stand: Stand) => Promise<void>;
  readonly mend?: (stand: Stand) => Promise<void>;
}

const MiB = 2 ** 20;
const clean = message(text());
const eicarAttached = withAttachment('eicar.com', eicarFile);

const twice = (field: string, first: string, second: string): Buffer =>
  message(
    multipart('mixed', [
      text(),
      { ...attachment('eicar.com', eicarFile), fields: fieldsTwice(field, first, second) },
    ]),
  );

function fieldsTwice(field: string, first: string, second: string): readonly string[] {
  return [
    'Content-Type: application/octet-stream; name="eicar.com"',
    `${field}: ${first}`,
    `${field}: ${second}`,
  ];
}

async function again(stand: Stand): Promise<void> {
  await stand.clamd.restart();
  await stand.ready();
}

export const situations: readonly Situation[] = [
  { what: 'a text', data: clean },
  { what: '8-bit', data: message(eightBitText()) },
  { what: 'a newsletter', data: message(newsletter()) },
  { what: 'EICAR attached', data: message(eicarAttached) },
  {
    what: 'EICAR in a Zip',
    data: message(withAttachment('a.zip', storedZip('eicar.com', eicarFile))),
  },
  {
    what: 'EICAR in a message in the message',
    data: message(forwarded(message(eicarAttached))),
  },
  {
    what: 'EICAR, its encoding said twice',
    data: twice('Content-Transfer-Encoding', '7bit', 'base64'),
  },
  { what: '30 MiB, of which clamd takes 25', data: largeMessage(30 * MiB) },
  {
    what: 'a text, clamd stopped',
    data: clean,
    befalls: ({ clamd }) => clamd.stop(),
    mend: again,
  },
  {
    what: 'a text, clamd frozen',
    data: clean,
    befalls: ({ clamd }) => {
      clamd.pause();
      return Promise.resolve();
    },
    mend: again,
  },
  {
    what: 'EICAR, and a clamd that has lost its signatures',
    data: message(eicarAttached),
    befalls: async ({ clamd }) => {
      clamd.knowsEicar(false);
      clamd.writeSignature(undefined, entityBytes(text('something else\r\n')));
      await clamd.restart();
    },
    mend: async (stand) => {
      stand.clamd.knowsEicar(true);
      await again(stand);
    },
  },
];
