/**
 * What the hostile and the benign messages are made of. Text is latin1 throughout: one character is
 * one byte, so that NUL, bare CR and 8-bit bytes can be written wherever a trick wants them.
 */
import { Random, seedFor } from '../chaos/random.ts';

export const crlf = '\r\n';

/** An entity as it is to stand in a message, however odd. */
export interface Entity {
  /** Each without its CRLF; a folded one holds the CRLF that folds it. */
  readonly fields: readonly string[];
  /** What stands between the last field's CRLF and the body: an empty line, unless a trick says else. */
  readonly end?: string;
  readonly body: string;
}

/** A message with what must happen to it. */
export interface Specimen {
  /** family/trick/payload, and unique. */
  readonly name: string;
  readonly family: string;
  readonly bytes: Buffer;
  /** It holds an LF without a CR, which no listener takes: only for `clamgate scan`. */
  readonly bareLf: boolean;
}

export interface BenignMessage extends Specimen {
  readonly verdict: 'benign';
}

export function entityText({ fields, end = crlf, body }: Entity): string {
  return `${fields.map((field) => field + crlf).join('')}${end}${body}`;
}

/** What a message needs of its own, so that no two are alike; the same seed gives the same. */
export class Particulars {
  readonly random: Random;
  readonly mark: string;

  constructor(seed: number, name: string) {
    this.random = new Random(seedFor(seed, name));
    this.mark = this.#letters(16);
  }

  one<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.random.between(0, choices.length - 1)] ?? choices[0];
  }

  /** As Postfix would hand it over: its own Received line comes first. */
  envelopeFields(subject: string): string[] {
    const day = this.random.between(10, 28);
    const from = this.one(['anna', 'ivan', 'mei', 'sales', 'no-reply']);
    return [
      `Received: from mail.example.net (mail.example.net [192.0.2.7])\r\n\tby mx.example.org (Postfix) with ESMTPS id ${this.#letters(11)}\r\n\tfor <ben@example.org>; Thu, ${day} Nov 2025 10:00:00 +0000 (UTC)`,
      `Date: Thu, ${day} Nov 2025 09:59:58 +0000`,
      `From: ${from}@example.net`,
      'To: ben@example.org',
      `Message-ID: <${this.mark}@example.net>`,
      `Subject: ${subject}`,
    ];
  }

  #letters(count: number): string {
    const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
    const letter = (): string => alphabet.charAt(this.random.between(0, alphabet.length - 1));
    return Array.from({ length: count }, letter).join('');
  }
}
