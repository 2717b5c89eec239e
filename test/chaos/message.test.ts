import { expect, test } from '@jest/globals';
import { eicar } from '../support/eicar.ts';
import { chaosMessage, firstMessageId, messageIds, queueIdsOf } from './message.ts';

const smtpd = 'Received: from a (b [127.0.0.1])\r\n\tby postfix.test (Postfix) with ESMTP id';
const pickup = 'Received: by postfix.test (Postfix)\r\n\tid';

test('a message has its own Message-ID in front of those that it quotes', () => {
  const [own, quoted] = [chaosMessage('1', [], false), chaosMessage('2', [], false)];
  expect(messageIds(Buffer.concat([own.data, quoted.data]))).toEqual([own.id, quoted.id]);
});

test('the Message-ID is found in a queue file, where no line begins with it', () => {
  const { id } = chaosMessage('1', [], false);
  expect(firstMessageId(Buffer.from(`N\x05To: bN\x20Message-ID: <${id}>N\x00`))).toBe(id);
  expect(firstMessageId(Buffer.from('N\x05To: b'))).toBeUndefined();
});

test.each([
  ['smtpd', `${smtpd} 4dDkXK0y9Zz1;\r\n\tdate\r\n${smtpd} 4dDkXK0y9Zz2;\r\n`],
  ['pickup', `${pickup} 4dDkXK0y9Zz1; date\r\n${smtpd} 4dDkXK0y9Zz2;\r\n`],
])('the queue ids are those of the Received lines, on top that of %s', (_, header) => {
  const body = `Subject: s\r\n\r\n${smtpd} 4dDkXK0y9Zz3;\r\n`;
  expect(queueIdsOf(Buffer.from(`${header}${body}`))).toEqual(['4dDkXK0y9Zz1', '4dDkXK0y9Zz2']);
});

test('EICAR is attached when asked for', () => {
  const encoded = Buffer.from(eicar).toString('base64').slice(0, 40);
  expect(chaosMessage('1', [], true).data.includes(encoded)).toBe(true);
  expect(chaosMessage('1', [], false).data.includes(encoded)).toBe(false);
});

test('of those that are clean some have an attachment, and some have none', () => {
  const ids = Array.from({ length: 20 }, (_, at) => String(at));
  const attached = ids.filter((id) => chaosMessage(id, [], false).data.includes('list.txt'));
  expect(attached.length).toBeGreaterThan(0);
  expect(attached.length).toBeLessThan(ids.length);
});
