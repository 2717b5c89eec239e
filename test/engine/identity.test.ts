import { expect, test } from '@jest/globals';
import { identify } from '../../src/engine/identity.ts';

const received =
  'Received: from a (b [192.0.2.1])\r\n\tby mx (Postfix) with ESMTP id 4XyZ123456z1\r\n\tfor <b@example.org>; Sat, 21 Nov 2026 00:00:00 +0000 (UTC)\r\n';

test.each([
  ['both', `${received}Message-ID: <m@x>\r\n\r\n`, { queueId: '4XyZ123456z1', messageId: '<m@x>' }],
  ['only the queue id', `${received}\r\n`, { queueId: '4XyZ123456z1' }],
  ['only the Message-ID', 'Message-ID: <m@x>\r\n\r\n', { messageId: '<m@x>' }],
  ['a Received that is not on top', `X: y\r\n${received}\r\n`, {}],
  ['nothing', '', {}],
])('%s', (_, header, identity) => {
  expect(identify(Buffer.from(header))).toEqual(identity);
});
