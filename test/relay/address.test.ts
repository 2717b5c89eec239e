import { expect, test } from '@jest/globals';
import { parseNextHopAddress } from '../../src/relay/address.ts';

const tcp = { host: '::1', port: 10025 };

test.each([
  { text: '[::1]:10025', flavour: 'smtp', connect: tcp },
  { text: 'smtp:[::1]:10025', flavour: 'smtp', connect: tcp },
  { text: 'lmtp:[::1]:10025', flavour: 'lmtp', connect: tcp },
  { text: 'lmtp:unix:/run/next', flavour: 'lmtp', connect: { path: '/run/next' } },
])('$text', ({ text, flavour, connect }) => {
  expect(parseNextHopAddress(text)).toEqual({ flavour, connect });
});

test.each([
  { text: 'inet:h:25', error: /host:port/ },
  { text: 'lmtp:unix:run/next', error: /absolute path/ },
  // What stands before the first colon is the flavour.
  { text: 'lmtp:24', error: /"24" is not host:port/ },
])('$text is not one', ({ text, error }) => {
  const parse = () => parseNextHopAddress(text);
  expect(parse).toThrow(error);
  expect(parse).toThrow(expect.objectContaining({ code: 'CONFIG' }));
});
