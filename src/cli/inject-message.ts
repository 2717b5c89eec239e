/** The message that `clamgate inject` sends: composed by nodemailer, or taken from a file. */
import { readFile } from 'node:fs/promises';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { eicarTestFile } from '../scan/eicar.ts';
import { unreadableFile } from './file-content.ts';

export interface TestMessage {
  readonly raw: Buffer;
  /** By which the daemon is asked; a message from a file may have none. */
  readonly messageId?: string;
}

export interface Addresses {
  readonly from: string;
  readonly to: readonly string[];
}

export function cleanMessage({ from, to }: Addresses): Promise<TestMessage> {
  return composed({
    from,
    to: [...to],
    subject: 'clamgate test: clean',
    text: 'A harmless message. If you read this, it passed the filter, as it should.\n',
  });
}

export function eicarMessage({ from, to }: Addresses): Promise<TestMessage> {
  return composed({
    from,
    to: [...to],
    subject: 'clamgate test: EICAR',
    text: 'The attachment is the harmless EICAR test file. If you read this, mail is not scanned.\n',
    attachments: [{ filename: 'eicar.com', content: eicarTestFile }],
  });
}

/** @throws {CliFailure} noInput, when the file cannot be read. */
export async function messageFromFile(file: string): Promise<TestMessage> {
  try {
    const raw = await readFile(file);
    const messageId = messageIdOf(raw);
    return messageId === undefined ? { raw } : { raw, messageId };
  } catch (error) {
    throw unreadableFile(file, error);
  }
}

async function composed(mail: SendMailOptions): Promise<TestMessage> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  const { message, messageId } = await composer.sendMail(mail);
  return { raw: Buffer.from(message as Buffer), messageId };
}

/** The Message-ID in the header (RFC 5322 §3.6.4), folded or not. */
function messageIdOf(raw: Buffer): string | undefined {
  const [header = ''] = raw.toString('latin1').split(/\r?\n\r?\n/, 1);
  return /^message-id:\s*(<[^>\r\n]+>)/im.exec(header)?.[1];
}
