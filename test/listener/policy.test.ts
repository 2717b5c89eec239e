import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Obstacle } from '../../src/engine/admission.ts';
import { admissionDecision } from '../../src/listener/policy.ts';
import { PolicyHandler } from '../../src/listener/policy-handler.ts';
import { PolicySession } from '../../src/protocol/policy/policy-session.ts';
import { defaultRequestLimits } from '../../src/protocol/policy/request-decoder.ts';

let obstacle: () => Obstacle | undefined;
let faults: string[];

beforeEach(() => {
  obstacle = () => undefined;
  faults = [];
});

/** What is said to these bytes; 'closed' behind it where the session ends. */
function said(bytes: string): string {
  const session = new PolicySession(defaultRequestLimits);
  const handler = new PolicyHandler(session, {
    decide: admissionDecision({ obstacle: () => obstacle(), messageBytesMax: () => 1000 }),
    what: 'policy',
    onFault: (error) => faults.push(String(error)),
  });
  session.receive(Buffer.from(bytes));
  for (;;) {
    const event = session.next();
    if (event === 'need-data' || event === 'paused') break;
    try {
      void handler.handle(event);
    } catch (error) {
      handler.fault(error);
    }
    if (event.type === 'close') return `${session.takeOutput().join('')}closed`;
  }
  return session.takeOutput().join('');
}

function asks(state: string, ...more: string[]): string {
  return ['request=smtpd_access_policy', `protocol_state=${state}`, ...more, '', ''].join('\n');
}

const states = ['CONNECT', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'END-OF-MESSAGE', 'LATER-STATE'];

describe.each(states)('at %s', (state) => {
  test.each<[Obstacle | undefined, string]>([
    [undefined, 'DUNNO'],
    ['scan-failed', 'DEFER_IF_PERMIT 4.7.1 Content check unavailable, try again later'],
    ['busy', 'DEFER_IF_PERMIT 4.3.2 System busy, try again later'],
    ['store-failed', 'DEFER_IF_PERMIT 4.3.1 Insufficient system storage'],
  ])('%p: %s', (what, action) => {
    obstacle = () => what;
    expect(said(asks(state, 'size=1000'))).toBe(`action=${action}\n\n`);
  });

  test('a size beyond ours is refused for good, whatever else', () => {
    obstacle = () => 'busy';
    expect(said(asks(state, 'size=1001'))).toBe('action=REJECT 5.3.4 Message too large\n\n');
  });

  test.each([
    'size=',
    'size=0',
    'size=x',
    'size=-5',
    'size=Infinity',
    'size=1e9',
    'size=0x7fffffff',
  ])('%s is no size', (size) => {
    expect(said(asks(state, size))).toBe('action=DUNNO\n\n');
  });
});

test('several requests of one connection are answered in order', () => {
  expect(said(asks('RCPT') + asks('END-OF-MESSAGE', 'size=2000') + asks('RCPT'))).toBe(
    'action=DUNNO\n\naction=REJECT 5.3.4 Message too large\n\naction=DUNNO\n\n',
  );
});

test('of a size that is said twice the first counts, as for Postfix', () => {
  expect(said(asks('MAIL', 'size=1', 'size=2000'))).toBe('action=DUNNO\n\n');
});

test('a size of more digits than a number has is too large', () => {
  expect(said(asks('MAIL', `size=${'9'.repeat(400)}`))).toMatch(/^action=REJECT 5\.3\.4 /);
});

test('a request without its empty line is waited for, and one beyond its bounds is not', () => {
  expect(said('request=smtpd_access_policy\nsize=1\n')).toBe('');
  expect(said(`request=smtpd_access_policy\nx=${'y'.repeat(9000)}`)).toBe('closed');
  expect(said(asks('RCPT', ...Array.from({ length: 200 }, (_, at) => `a${at}=`)))).toBe('closed');
});

test('what is asked with another request is left to others', () => {
  obstacle = () => 'busy';
  expect(said('request=junk\nsize=99999\n\n')).toBe('action=DUNNO\n\n');
});

test('our own failure gets no answer, and the connection ends', () => {
  obstacle = () => {
    throw new Error('a bug of ours');
  };
  expect(said(asks('RCPT'))).toBe('closed');
  expect(faults).toEqual(['Error: a bug of ours']);
});

test('what is not the protocol gets no answer, and is told of', () => {
  expect(said('GET / HTTP/1.1\r\n\r\n')).toBe('closed');
  expect(faults).toEqual([expect.stringMatching(/^Error: policy: /)]);
});
