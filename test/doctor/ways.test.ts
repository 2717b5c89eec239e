import { expect, test } from '@jest/globals';
import { policyServerOf, reinjectionEntry } from '../../src/doctor/reinjection.ts';
import { waysToUs } from '../../src/doctor/ways.ts';
import { configWith, wholePostfix } from '../support/doctor-facts.ts';
import { withMain, withOptions, withService } from '../support/recorded-postfix.ts';

const [listener] = configWith().listeners;
const back = '127.0.0.1:10025';

test.each([
  ['scan:[127.0.0.1]:10024', '127.0.0.1:10024', true],
  ['scan:127.0.0.1:10024', '127.0.0.1:10024', true],
  ['scan:[localhost]:10024', '127.0.0.1:10024', true],
  ['scan:inet:[127.0.0.1]:10024', '127.0.0.1:10024', true],
  ['scan:[ipv6:::1]:10024', '[::1]:10024', true],
  ['scan:[127.0.0.1]:10024', '0.0.0.0:10024', true],
  ['scan:unix:/run/clamgate/in.sock', 'unix:/run/clamgate/in.sock', true],
  ['scan:[127.0.0.1]:10026', '127.0.0.1:10024', false],
  ['scan:[192.0.2.1]:10024', '127.0.0.1:10024', false],
  ['', '127.0.0.1:10024', false],
])('content_filter %s leads to a listener at %s: %s', (filter, address, expected) => {
  if (listener?.protocol !== 'smtp') throw new Error('no listener');
  const postfix = withMain(wholePostfix(), { content_filter: filter });
  const ways = waysToUs(postfix, [{ ...listener, address }]);
  expect(ways.map(({ transportName, inMain }) => [transportName, inMain])).toEqual(
    expected ? [['scan', true]] : [],
  );
});

test.each([
  ['127.0.0.1:10025', back, true],
  ['localhost:10025', back, true],
  [back, 'localhost:10025', true],
  [back, '10025', true],
  [back, '0.0.0.0:10025', true],
  ['[::1]:10025', '[::1]:10025', true],
  [back, '127.0.0.2:10025', false],
  ['lmtp:127.0.0.1:10025', back, false],
  ['unix:/run/next.sock', back, false],
  ['mx.example.org:10025', back, false],
])('the next hop %s is the entry %s: %s', (nextHop, name, expected) => {
  const postfix = withService(wholePostfix(), back, (service) => ({ ...service, name }));
  expect(reinjectionEntry(postfix, nextHop)?.name).toBe(expected ? name : undefined);
});

test.each([
  ['check_policy_service,unix:clamgate/commit.sock', 'unix:clamgate/commit.sock'],
  ['reject_x, check_policy_service inet:127.0.0.1:10026', 'inet:127.0.0.1:10026'],
  ['check_policy_service { unix:a, timeout=10s }', 'unix:a'],
  ['permit', undefined],
])('%s asks %s', (value, server) => {
  const options = { smtpd_end_of_data_restrictions: value };
  const postfix = withOptions(wholePostfix(), back, options);
  const entry = reinjectionEntry(postfix, back);
  expect(entry && policyServerOf(postfix, entry)).toBe(server);
});
