/** The messages of a run, as Postfix would hand them to a content filter. */
import { createHash } from 'node:crypto';
import { domainOf, ownRules, type OwnRule } from './ends.ts';
import type { Weather } from './weather.ts';

export type RecipientState = 'waiting' | 'under way' | 'delivered' | 'bounced';

export interface Recipient {
  readonly address: string;
  /** As it stands behind ORCPT=, '' for none. */
  readonly orcpt: string;
  /** What is to become of what is banned. */
  readonly rule: OwnRule;
  state: RecipientState;
}

export interface Mail {
  /** Its Message-ID without the angle brackets; all that is asked about it goes by this. */
  readonly id: string;
  /** In the topmost Received line. A short one comes again. */
  readonly queueId: string;
  /** What XFORWARD says. After `postsuper -r` it is the first queue file's. */
  readonly ident: string;
  readonly infected: boolean;
  /** Has a part that rules are against; of what it comes to each recipient has his own. */
  readonly banned: boolean;
  readonly content: string;
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
  readonly recipients: readonly Recipient[];
}

/** What the scanner of a run takes for malware. */
export const malware = 'X-Malware';
/** What it takes for something banned. */
export const contraband = 'X-Contraband';

/** @param number tells the messages of a run apart. */
export function drawMail(number: number, weather: Weather): Mail {
  const infected = weather.below(5, 'infected') === 1;
  const banned = weather.below(3, 'banned') === 1;
  const lines = weather.below(4, 'size') === 1 ? weather.below(400, 'lines') : 3;
  const requeued = weather.below(10, 'requeued') === 1;
  // Another message by a name that was used before, to the same people.
  const named = number > 0 && weather.below(5, 'queue id again') === 1 ? number - 1 : number;
  return mailOf({
    number,
    infected,
    banned,
    lines,
    queueId: queueIdOf(named),
    ...(requeued && { ident: '4hX00B2x7Qz9TJ' }),
    recipients: drawRecipients(named, banned, weather),
  });
}

export function queueIdOf(number: number): string {
  return `4hZ${String(number).padStart(2, '0')}B2x7Qz9TJ`;
}

export function mailOf(of: {
  readonly number: number;
  readonly infected: boolean;
  readonly banned: boolean;
  readonly lines: number;
  readonly queueId: string;
  readonly ident?: string;
  readonly recipients: readonly Recipient[];
}): Mail {
  const { queueId, ident = queueId, infected, banned, recipients } = of;
  const id = `m${of.number}@sender.example`;
  const content = contentOf({ id, ...of });
  const digest = createHash('sha256').update(content, 'latin1').digest('hex');
  return { id, queueId, ident, infected, banned, content, digest, recipients };
}

/** Sometimes the same address comes twice, by two aliases. */
function drawRecipients(number: number, banned: boolean, weather: Weather): Recipient[] {
  const count = 1 + weather.below(banned ? 4 : 3, 'recipients');
  let rule: OwnRule = 'none';
  return Array.from({ length: count }, (_, at) => {
    const alias = at > 0 && weather.below(4, 'alias') === 1;
    if (banned && !alias) rule = ownRules[weather.below(ownRules.length, 'rule')] ?? rule;
    return {
      address: `r${alias ? at - 1 : at}.m${number}@${domainOf(rule)}`,
      orcpt: alias ? `rfc822;alias${at}.m${number}@example.org` : '',
      rule,
      state: 'waiting',
    };
  });
}

function contentOf(of: {
  readonly id: string;
  readonly queueId: string;
  readonly infected: boolean;
  readonly banned: boolean;
  readonly lines: number;
}): string {
  const body = Array.from({ length: of.lines }, (_, at) => `line ${at} of ${of.id}`);
  return [
    `Received: from client.example (client.example [192.0.2.1])`,
    `\tby mx.example.org (Postfix) with ESMTP id ${of.queueId};`,
    `\tThu,  1 Jan 2026 00:00:00 +0000 (UTC)`,
    `Message-ID: <${of.id}>`,
    `Subject: ${of.infected ? malware : 'greetings'}`,
    ...(of.banned ? [`${contraband}: yes`] : []),
    ``,
    // A dot that has to be stuffed.
    `.${of.id}`,
    ...body,
    ``,
  ].join('\r\n');
}

export function messageIdIn(content: string): string {
  return /^Message-ID: <(.*)>/m.exec(content)?.[1] ?? '';
}

export function stuffed(content: string): string {
  return content.replaceAll(/^\./gm, '..');
}

export function unstuffed(content: string): string {
  return content.replaceAll(/^\.\./gm, '.');
}
