/** Postfix's policy protocol: requests, or the end; a request that is written again is the same one. */
import assert from 'node:assert/strict';
import { PolicySession, type PolicyEvent } from '../../../src/protocol/policy/policy-session.ts';
import { holds, type Target, usualBounds, whole } from '../target.ts';
import { sequenceOf } from '../valid.ts';

const limits = { lineBytesMax: 100, attributesMax: 10, requestBytesMax: 400 };
const tokens = [
  'request=smtpd_access_policy\n',
  'protocol_state=END-OF-MESSAGE\n',
  'queue_id=4F1\n',
  'helo_name=x\n',
].concat([
  '\n',
  '\n\n',
  '=',
  '\r\n',
  '\0',
  'x=y\n',
  'request=',
  '\xff',
  'a'.repeat(99),
  'a\n',
  '=x\n',
]);

function converse(pieces: readonly Buffer[]): readonly PolicyEvent[] {
  const session = new PolicySession(limits);
  const events: PolicyEvent[] = [];
  for (const piece of pieces) {
    session.receive(piece);
    for (let event = session.next(); event !== 'need-data'; event = session.next()) {
      if (event === 'paused') session.answer('DUNNO');
      else {
        if (event.type === 'close' && events.at(-1)?.type !== 'protocol-error') events.push(event);
        if (event.type === 'close') break;
        events.push(event);
      }
    }
  }
  const answers = Buffer.concat(session.takeOutput()).toString();
  const requests = events.filter(({ type }) => type === 'request').length;
  holds(answers === 'action=DUNNO\n\n'.repeat(requests), 'each request has one answer');
  return events;
}

function check(input: Buffer): void {
  const events = whole(input, converse);
  for (const event of events) {
    if (event.type !== 'request') continue;
    const { attributes } = event;
    holds(attributes.size <= limits.attributesMax, 'no more attributes than allowed');
    holds(attributes.has('request'), 'it says that it is one');
    // What was not UTF-8 has become longer, perhaps too long.
    const lines = [...attributes].map(([name, value]) => `${name}=${value}\n`);
    const isLong = lines.some((line) => Buffer.byteLength(line) > limits.lineBytesMax);
    const written = Buffer.from(`${lines.join('')}\n`);
    if (isLong || written.length > limits.requestBytesMax) continue;
    assert.deepEqual(converse([written]), [event]);
  }
  const refused = events.some(({ type }) => type !== 'request');
  const isLong = input.length - (input.lastIndexOf('\n') + 1) > limits.lineBytesMax;
  holds(refused || !isLong, 'a line without an end is not waited for');
  const last = events.findIndex(({ type }) => type !== 'request');
  holds(last === -1 || last === events.length - 1, 'nothing follows what is no request');
}

export const policy: Target = {
  ...usualBounds,
  name: 'policy',
  tokens,
  valid: sequenceOf(tokens, 14),
  check,
};
