import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Client, Path } from '../../src/envelope.ts';
import { identify } from '../../src/engine/identity.ts';
import { handoverKey, messageKey, recipientKey } from '../../src/engine/message-key.ts';

const received =
  'Received: from a.example (a.example [192.0.2.1])\r\n' +
  '\tby mx.example.org (Postfix) with ESMTP id 4dXyRt3Gz5z1n7P\r\n' +
  '\tfor <b@example.org>; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)\r\n';
const header = (text: string): Buffer => Buffer.from(`${text}Subject: x\r\n\r\n`);

test.each<[string, string, Client, string | undefined]>([
  ['no IDENT was sent', received, {}, '4dXyRt3Gz5z1n7P'],
  ['IDENT is the same', received, { ident: '4dXyRt3Gz5z1n7P' }, '4dXyRt3Gz5z1n7P'],
  ['IDENT is not known', received, { ident: '[UNAVAILABLE]' }, '4dXyRt3Gz5z1n7P'],
  ['IDENT is another: postsuper -r', received, { ident: '4dXyRt3Gz5z1n7Q' }, undefined],
  ['no Received field on top', `X: y\r\n${received}`, {}, undefined],
  ['no Received field, IDENT alone', '', { ident: '4dXyRt3Gz5z1n7P' }, undefined],
])('%s', (_, top, client, queueId) => {
  const key = messageKey(identify(header(top)), 'd1', client);
  expect(key).toEqual(queueId === undefined ? undefined : { queueId, digest: 'd1' });
});

test('a recipient is known by its address and its ORCPT, as they came', () => {
  const path: Path = {
    address: 'B@example.org',
    parameters: [{ keyword: 'orcpt', value: 'rfc822;a+2Bb@example.org' }, { keyword: 'NOTIFY' }],
  };
  expect(recipientKey(path)).toEqual({
    recipient: 'B@example.org',
    orcpt: 'rfc822;a+2Bb@example.org',
  });
  expect(recipientKey({ address: 'b', parameters: [] })).toEqual({ recipient: 'b', orcpt: '' });
});

test('what differs in anything has another key', () => {
  const word = fc.stringMatching(/^[a-z0-9 ;@]{0,4}$/);
  const handover = fc.record({ queueId: word, digest: word, recipient: word, orcpt: word });
  const keyOf = (one: { queueId: string; digest: string; recipient: string; orcpt: string }) =>
    handoverKey(one, one);
  fc.assert(
    fc.property(handover, handover, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      expect(keyOf(one) === keyOf(other)).toBe(same);
    }),
  );
});
