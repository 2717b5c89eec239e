import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  chunkLength,
  instreamCommand,
  instreamTerminator,
  parseReply,
  replyBytesMax,
  replyWords,
} from '../../../src/protocol/clamd/instream.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('INSTREAM frames', () => {
  it('are the command, a big endian length before each chunk, and a length of zero', () => {
    expect(instreamCommand.toString('latin1')).toBe('zINSTREAM\0');
    expect([...chunkLength(0x01020304)]).toEqual([1, 2, 3, 4]);
    expect([...instreamTerminator]).toEqual([0, 0, 0, 0]);
  });
});

describe('parseReply', () => {
  it.each([
    ['stream: OK\0', { kind: 'ok' }],
    ['stream: Eicar-Test FOUND\0', { kind: 'found', signature: 'Eicar-Test' }],
    ['stream: (null) FOUND\0', { kind: 'found', signature: '(null)' }],
    ['stream: A name FOUND FOUND\0', { kind: 'found', signature: 'A name FOUND' }],
    ['INSTREAM size limit exceeded. ERROR\0', { kind: 'size-limit' }],
  ])('understands %j', (text, reply) => {
    expect(parseReply(bytes(text))).toEqual(reply);
  });

  it.each([
    '',
    '\0',
    'stream: OK',
    'stream: OK\n',
    'stream: OK\0\0',
    'stream: OK\0stream: OK\0',
    'stream: OK\nstream: OK\0',
    'stream: OK \0',
    ' stream: OK\0',
    'Stream: ok\0',
    'stream: O',
    'OK\0',
    'fd[10]: OK\0',
    '1: stream: OK\0',
    'stream: NOT OK\0',
    'stream: FOUND\0',
    'stream:  FOUND\0',
    'stream: Eicar-Test FOUND',
    'stream: Eicar\nTest FOUND\0',
    "stream: Can't allocate memory ERROR\0",
    'stream: Not a regular file ERROR\0',
    'stream: x ERROR stream: y FOUND\0',
    'stream: x ERROR\nstream: OK\0',
    'Error writing to temporary file ERROR\0',
    'INSTREAM size limit exceeded. ERROR\n',
    'COMMAND READ TIMED OUT\n',
    'UNKNOWN COMMAND\0',
    'PONG\0',
  ])('takes %j for a failed scan', (text) => {
    expect(parseReply(bytes(text))).toEqual({ kind: 'failed' });
  });

  it('calls nothing OK but the one reply that is', () => {
    const near = fc.array(
      fc.constantFrom('stream: ', 'OK', '\0', '\n', ' ', 'FOUND', 'ERROR', 'x'),
    );
    fc.assert(
      fc.property(near, (pieces) => {
        const text = pieces.join('');
        expect(parseReply(bytes(text)).kind === 'ok').toBe(text === 'stream: OK\0');
      }),
    );
  });

  it('takes an endless name for a failed scan', () => {
    const text = (length: number): string => `stream: ${'x'.repeat(length - 15)} FOUND\0`;
    expect(parseReply(bytes(text(replyBytesMax))).kind).toBe('found');
    expect(parseReply(bytes(text(replyBytesMax + 1))).kind).toBe('failed');
  });
});

describe('replyWords', () => {
  it.each([
    ['stream: OK\0', 'stream: OK'],
    ['COMMAND READ TIMED OUT\n', 'COMMAND READ TIMED OUT'],
    ['a\0b\x1b[1mc\n', 'a?b?[1mc'],
    ['', ''],
  ])('shows %j on one line', (text, words) => {
    expect(replyWords(bytes(text))).toBe(words);
  });

  it('is bounded', () => {
    expect(replyWords(Buffer.alloc(replyBytesMax * 2, 'x'))).toHaveLength(replyBytesMax);
  });
});
