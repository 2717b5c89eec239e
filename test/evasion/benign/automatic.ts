/** What programs send: reports of delivery and reading, invitations, lists, digests. */
import { base64 } from '../codecs.ts';
import { crlf, entityText, type Entity, type Particulars } from '../message.ts';
import { mimeVersion, multipart } from '../trick.ts';
import { type BenignKinds, cte, prose, sentences, text } from './kind.ts';

const lines = (...all: string[]): string => all.join(crlf) + crlf;
const part = (type: string, body: string): Entity => ({ fields: [`Content-Type: ${type}`], body });

function originalHeader(about: Particulars): string {
  return about.envelopeFields('the original').join(crlf) + crlf;
}

function report(about: Particulars, kind: string, parts: readonly Entity[]): Entity {
  return multipart(about.mark, parts, `multipart/report; report-type=${kind}`);
}

const failure = lines(
  'Reporting-MTA: dns; mx.example.org',
  '',
  'Final-Recipient: rfc822; nobody@example.org',
  'Action: failed',
  'Status: 5.1.1',
);

const calendar = (about: Particulars): string =>
  lines(
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
    `UID:${about.mark}@example.net`,
    'DTSTART:20251127T100000Z',
    `SUMMARY:${sentences(about, 1).join('')}`,
    'END:VEVENT',
    'END:VCALENDAR',
  );

const digestEntry = (about: Particulars): Entity => ({
  fields: [],
  body: entityText({ fields: ['From: carl@example.net', 'Subject: Re: news'], body: prose(about) }),
});

export const automaticMail: BenignKinds = {
  'delivery failed': (about) =>
    report(about, 'delivery-status', [
      text(prose(about, 2)),
      part('message/delivery-status', failure),
      part('message/rfc822', `${originalHeader(about)}${crlf}${prose(about)}`),
    ]),
  'delivery failed, headers only': (about) =>
    report(about, 'delivery-status', [
      text(prose(about, 2)),
      part('message/delivery-status', failure),
      part('text/rfc822-headers', originalHeader(about)),
    ]),
  'delivery failed, old style': (about) => ({
    fields: ['Auto-Submitted: auto-replied'],
    body: `Your message could not be delivered.${crlf}${crlf}--- Below is a copy ---${crlf}${crlf}${originalHeader(about)}Content-Type: text/plain${crlf}${crlf}${prose(about)}`,
  }),
  'message read': (about) =>
    report(about, 'disposition-notification', [
      text(prose(about, 1)),
      part(
        'message/disposition-notification',
        lines('Final-Recipient: rfc822;ben@example.org', 'Disposition: manual-action; displayed'),
      ),
    ]),
  invitation: (about) =>
    multipart(
      about.mark,
      [
        text(prose(about, 2)),
        part('text/calendar; method=REQUEST; charset=utf-8', calendar(about)),
      ],
      'multipart/alternative',
    ),
  'invitation in base64': (about) =>
    multipart(about.mark, [
      text(prose(about, 2)),
      {
        fields: ['Content-Type: text/calendar; method=REQUEST; name="invite.ics"', cte('base64')],
        body: base64(Buffer.from(calendar(about))),
      },
    ]),
  'list with footer': (about) => ({
    fields: ['List-Id: <news.example.net>', 'Precedence: list'],
    body: lines(prose(about), '_'.repeat(47), 'news mailing list', 'https://example.net/news'),
  }),
  'list with footer part': (about) =>
    multipart(about.mark, [
      text(prose(about)),
      text(lines('_'.repeat(47), 'news mailing list'), 'text/plain; name="footer"'),
    ]),
  digest: (about) =>
    multipart(
      about.mark,
      [digestEntry(about), digestEntry(about), digestEntry(about)],
      'multipart/digest',
    ),
  'digest as text': (about) => ({
    fields: [],
    body: Array.from({ length: 3 }, () =>
      lines('-'.repeat(30), '', 'From: carl@example.net', 'Subject: news', '', prose(about)),
    ).join(''),
  }),
  'log of the night': (about) => ({
    fields: [],
    body: lines(
      ...Array.from(
        { length: 80 },
        (_, at) => `Nov 27 03:${10 + (at % 50)}:01 host cron[${at}]: ok`,
      ),
      ...sentences(about, 2),
    ),
  }),
  'status in JSON': (about) => ({
    fields: [mimeVersion, 'Content-Type: application/json', cte('7bit')],
    body: lines(JSON.stringify({ id: about.mark, notes: sentences(about, 3) })),
  }),
};
