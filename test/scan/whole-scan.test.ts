import { describe, expect, it } from '@jest/globals';
import { MemoryContent, until } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';
import { arrival, plainPart, plainPartOf } from '../../src/scan/whole-scan.ts';

const never = new AbortController().signal;

/** Counts the chunks that are taken of it. */
class CountedContent extends MemoryContent {
  taken = 0;

  override async *chunks(signal: AbortSignal, from = 0): AsyncIterable<Buffer> {
    for await (const chunk of super.chunks(signal, from)) {
      this.taken++;
      yield chunk;
    }
  }
}

function counted(bytes: Buffer): CountedContent {
  const content = new CountedContent();
  for (let at = 0; at < bytes.length; at += 1000) content.append(bytes.subarray(at, at + 1000));
  return content;
}

describe('whether there is anything to decode', () => {
  const plain = messages.message(messages.text('Hello\r\n'.repeat(2000)));
  const other = messages.largeMessage(50_000);

  it.each([
    ['plain', plain],
    ['not plain', other],
  ])('is the same of one that arrives: %s', async (_, bytes) => {
    const content = counted(bytes);
    content.end();
    expect(await plainPartOf(content, never)).toEqual(plainPart([bytes]));
  });

  it('is known after a few bytes, and no more are read', async () => {
    const content = counted(other);
    expect(await plainPartOf(content, never)).toBeUndefined();
    expect(content.taken).toBe(1);
  });
});

it('the arrival of the end is waited for, and nothing read', async () => {
  const content = counted(Buffer.alloc(5000));
  let arrived = false;
  const waiting = arrival(content, never).then(() => (arrived = true));
  await until(() => content.readings === 1, 'it waits');
  content.append(Buffer.alloc(5000));
  await new Promise(setImmediate);
  expect(arrived).toBe(false);
  content.end();
  await waiting;
  await arrival(content, never);
  expect([content.taken, content.readings]).toEqual([0, 1]);
});
