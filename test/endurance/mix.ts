/**
 * What arrives over a long time: mostly small texts, newsletters and attachments, now and then the
 * same again, something large, something infected, and a client that is gone in the middle.
 */
import type { Random } from '../chaos/random.ts';
import { makerOf } from '../../bench/load/content.ts';
import { benignMessages } from '../evasion/benign.ts';
import { eicar } from '../support/eicar.ts';
import { message, newsletter, withAttachment } from '../support/messages.ts';

export const mailKinds = [
  'text',
  'correspondence',
  'attachment',
  'the same again',
  'large',
  'infected',
  'broken off',
] as const;
export type MailKind = (typeof mailKinds)[number];

export interface Mail {
  readonly kind: MailKind;
  /** With CRLF line ends, ending with one; dots stuffed (RFC 5321 §4.5.2). */
  readonly content: Buffer;
}

/** How many of a thousand. */
const shares: Readonly<Record<MailKind, number>> = {
  text: 500,
  correspondence: 250,
  attachment: 145,
  'the same again': 60,
  large: 20,
  infected: 15,
  'broken off': 10,
};

/** Above what is kept in memory, so that the spool is at work. */
const largeBytes = { from: 500_000, to: 4_000_000 };

export class Mix {
  readonly #random: Random;
  readonly #correspondence: readonly Buffer[];
  readonly #text = makerOf('text-4k');
  readonly #attachment = makerOf('attachment-100k');
  #serial = 0;

  constructor(random: Random) {
    this.#random = random;
    const whole = benignMessages().filter(({ bareLf }) => !bareLf);
    this.#correspondence = whole.map(({ bytes }) => stuffed(bytes));
  }

  next(): Mail {
    const kind = this.#kind();
    return { kind, content: this.#content(kind) };
  }

  #kind(): MailKind {
    let left = this.#random.between(0, 999);
    return mailKinds.find((kind) => (left -= shares[kind]) < 0) ?? 'text';
  }

  #content(kind: MailKind): Buffer {
    this.#serial += 1;
    switch (kind) {
      case 'text':
      case 'broken off':
        return this.#text(this.#serial).message;
      case 'correspondence':
        return Buffer.concat([this.#trace(), this.#letter()]);
      case 'attachment':
        return this.#attachment(this.#serial).message;
      case 'the same again':
        return stuffed(message(newsletter()));
      case 'large':
        return Buffer.concat([this.#trace(), withFile(this.#large())]);
      case 'infected':
        return Buffer.concat([this.#trace(), withFile(Buffer.from(eicar))]);
    }
  }

  /** As a Postfix writes it, so that the ledger has something to remember. */
  #trace(): Buffer {
    const id = String(this.#serial).padStart(10, '0');
    return Buffer.from(
      'Received: from mail.example.net (mail.example.net [192.0.2.1])\r\n' +
        `\tby mx.example.org (Postfix) with ESMTP id 4X${id}z1234\r\n` +
        '\tfor <ben@example.org>; Thu, 20 Nov 2025 10:00:00 +0000 (UTC)\r\n',
    );
  }

  #letter(): Buffer {
    const at = this.#random.between(0, this.#correspondence.length - 1);
    return this.#correspondence[at] ?? Buffer.from('\r\n');
  }

  #large(): Buffer {
    const bytes = Buffer.alloc(this.#random.between(largeBytes.from, largeBytes.to));
    bytes.writeUInt32LE(this.#serial);
    return bytes;
  }
}

function withFile(bytes: Buffer): Buffer {
  return message(withAttachment('data.bin', bytes));
}

function stuffed(content: Buffer): Buffer {
  const text = content.toString('latin1').replace(/^\./gm, '..');
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
}
