/** What people write to each other, with what they attach, in their languages. */
import { base64, quotedPrintable, uuencode } from '../codecs.ts';
import { crlf, entityText, type Entity, type Particulars } from '../message.ts';
import { tnef } from '../tnef.ts';
import { mimeVersion, multipart } from '../trick.ts';
import { zip } from '../zip.ts';
import {
  type BenignKinds,
  cte,
  encodedText,
  file,
  pdf,
  png,
  prose,
  randomBytes,
  sentences,
  text,
  utf8,
} from './kind.ts';

const alone = ({ fields, body }: Entity): Entity => ({ fields: [mimeVersion, ...fields], body });

function withFile(about: Particulars, attached: Entity): Entity {
  return multipart(about.mark, [text(prose(about, 3)), attached]);
}

/** In a charset, by its bytes: one greeting, and the usual prose. */
function inCharset(charset: string, greeting: string) {
  return (about: Particulars): Entity => ({
    fields: [mimeVersion, `Content-Type: text/plain; charset=${charset}`, cte('8bit')],
    body: greeting + crlf + prose(about),
  });
}

function newsletter(about: Particulars): Entity {
  const offers = sentences(about, 40).map((offer) => `<p style=3D"margin:0">${offer}</p>`);
  const html = `<html><body><img src=3D"cid:logo@example.net">${crlf}${offers.join(crlf)}</body></html>`;
  const page = { fields: ['Content-Type: text/html; charset=utf-8', cte('quoted-printable')] };
  const image = {
    fields: ['Content-Type: image/png', 'Content-ID: <logo@example.net>', cte('base64')],
    body: base64(png(about)),
  };
  const related = multipart(
    `r_${about.mark}`,
    [{ ...page, body: html }, image],
    'multipart/related',
  );
  return multipart(`a_${about.mark}`, [text(prose(about)), related], 'multipart/alternative');
}

function inlineImageUri(about: Particulars): Entity {
  const image = `<img src="data:image/png;base64,${png(about).toString('base64')}">`;
  return alone(text(`<html><body>${crlf}${image}${crlf}</body></html>${crlf}`, 'text/html'));
}

function forwarded(about: Particulars): Entity {
  const inner = entityText({ ...newsletter(about), end: crlf });
  const message = `From: carl@example.net${crlf}Subject: Our news${crlf}${inner}`;
  return withFile(about, { fields: ['Content-Type: message/rfc822'], body: message });
}

function signed(about: Particulars, protocol: string, signature: Entity): Entity {
  const type = `multipart/signed; micalg=sha-256; protocol="${protocol}"`;
  return multipart(about.mark, [text(prose(about)), signature], type);
}

function armour(about: Particulars, what: string): string {
  const lines = base64(randomBytes(about, 400));
  return `-----BEGIN PGP ${what}-----${crlf}${crlf}${lines}=aB3d${crlf}-----END PGP ${what}-----${crlf}`;
}

export const correspondence: BenignKinds = {
  'plain text': (about) => ({ fields: [], body: prose(about) }),
  newsletter,
  'image in a data URI': inlineImageUri,
  'big PDF': (about) => withFile(about, file('report.pdf', 'application/pdf', pdf(about, 400_000))),
  'small PDF': (about) => withFile(about, file('bill.pdf', 'application/pdf', pdf(about, 5000))),
  'zip of texts': (about) => {
    const members = ['a.txt', 'b.txt'].map((name) => ({ name, bytes: Buffer.from(prose(about)) }));
    return withFile(about, file('texts.zip', 'application/zip', zip(members)));
  },
  'winmail.dat': (about) => {
    const wrapped = tnef([{ name: 'minutes.txt', bytes: Buffer.from(prose(about)) }]);
    return withFile(about, file('winmail.dat', 'application/ms-tnef', wrapped));
  },
  'uuencoded picture': (about) => ({
    fields: [],
    body: prose(about) + crlf + uuencode(png(about), 'garden.png').join(crlf) + crlf,
  }),
  'forwarded as attachment': forwarded,
  'S/MIME signed': (about) =>
    signed(
      about,
      'application/pkcs7-signature',
      file('smime.p7s', 'application/pkcs7-signature', randomBytes(about, 2500)),
    ),
  'S/MIME encrypted': (about) =>
    alone(
      file(
        'smime.p7m',
        'application/pkcs7-mime; smime-type=enveloped-data',
        randomBytes(about, 4000),
      ),
    ),
  'PGP signed': (about) =>
    signed(
      about,
      'application/pgp-signature',
      text(armour(about, 'SIGNATURE'), 'application/pgp-signature; name="signature.asc"'),
    ),
  'PGP inline': (about) => ({ fields: [], body: armour(about, 'MESSAGE') }),
  'PGP clear-signed': (about) => ({
    fields: [],
    body: `-----BEGIN PGP SIGNED MESSAGE-----${crlf}Hash: SHA256${crlf}${crlf}- -- ${crlf}${prose(about)}${armour(about, 'SIGNATURE')}`,
  }),
  'format=flowed': (about) =>
    alone(
      text(sentences(about, 8).join(` ${crlf}`) + crlf, 'text/plain; format=flowed; delsp=yes'),
    ),
  'UTF-8, 8bit': inCharset('utf-8', utf8('Grüße aus Köln, 再見, привет')),
  SMTPUTF8: (about) => ({
    fields: [`X-Ort: ${utf8('Köln')}`, `Reply-To: ${utf8('jürgen@example.net')}`],
    body: utf8('Schöne Grüße') + crlf + prose(about),
  }),
  'ISO-2022-JP': (about) => ({
    fields: [mimeVersion, 'Content-Type: text/plain; charset=ISO-2022-JP', cte('7bit')],
    body: `\x1b$B$3$s$K$A$O\x1b(B${crlf}${prose(about)}`,
  }),
  GB2312: inCharset('gb2312', '\xc4\xe3\xba\xc3'),
  'KOI8-R': inCharset('koi8-r', '\xf0\xd2\xc9\xd7\xc5\xd4'),
  'quoted-printable': (about) => ({
    fields: [mimeVersion, 'Content-Type: text/plain; charset=utf-8', cte('quoted-printable')],
    body: quotedPrintable(Buffer.from(`Grüße: 1+1=2 ${sentences(about, 5).join(' ')}`)),
  }),
  'UTF-16 text attached': (about) =>
    withFile(
      about,
      encodedText(Buffer.from(`\ufeff${prose(about)}`, 'utf16le'), 'text/plain; charset=utf-16'),
    ),
  'UTF-7 text': (about) =>
    alone(text(`Gr+APwA3w-e${crlf}${prose(about)}`, 'text/plain; charset=utf-7')),
  'attached text with unusual name': (about) => {
    const disposition = "Content-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt";
    return withFile(about, {
      fields: ['Content-Type: text/plain', disposition],
      body: prose(about),
    });
  },
};
