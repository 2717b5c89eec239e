/** The walk with leaf-parser.ts below it: what must stay true of mailparser's insides. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { headBytesMax } from '../../src/scan/leaf-parser.ts';
import { MimeWalk, Unparsable } from '../../src/scan/mime.ts';
import { collect } from '../support/collect.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
const limits = { partsMax: 1000, partDepthMax: 50 };

interface Seen {
  number: string;
  contentType: string;
  bytes: string;
}

async function leavesOf(message: Buffer, walk = new MimeWalk(limits, signal)): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { number, contentType, content } of walk.leaves([message], '')) {
    const bytes = Buffer.concat(await collect(content)).toString('latin1');
    seen.push({ number, contentType, bytes });
  }
  return seen;
}

const bytesOf = (seen: Seen[]): string[] => seen.map(({ number, bytes }) => `${number} ${bytes}`);

describe('leaves', () => {
  it('are bytes before any charset, flowed text or line end is touched', async () => {
    const fields = [
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-16; format=flowed; delsp=yes',
    ];
    const body = Buffer.from([0x61, 0x20, 0x0d, 0x0a, 0xff, 0x00, 0x62, 0x0d, 0x0a]);
    const seen = await leavesOf(messages.message({ fields, body }));
    expect(bytesOf(seen)).toEqual([`1 ${body.toString('latin1')}`]);
  });

  it.each(['quoted-printable', 'base64'])(
    'flow: %s comes before its end is there',
    async (encoding) => {
      const head = messages.message({
        fields: [
          'MIME-Version: 1.0',
          'Content-Type: a/b',
          `Content-Transfer-Encoding: ${encoding}`,
        ],
        body: Buffer.from('QUJD\r\n'.repeat(20_000)),
      });
      const arrived = Promise.withResolvers<undefined>();
      async function* source(): AsyncGenerator<Buffer, void> {
        yield head;
        await arrived.promise;
        yield Buffer.from('QUJD\r\n');
      }
      let bytes = 0;
      for await (const { content } of new MimeWalk(limits, signal).leaves(source(), '')) {
        for await (const chunk of content) {
          bytes += chunk.length;
          arrived.resolve(undefined);
        }
      }
      expect(bytes).toBe(encoding === 'base64' ? 20_001 * 3 : 20_001 * 6);
    },
  );

  it('are numbered as IMAP does, containers beside them', async () => {
    const text = { fields: ['Content-Type: text/plain'], body: Buffer.from('a') };
    const html = { fields: ['Content-Type: text/html'], body: Buffer.from('b') };
    const both = messages.multipart('alternative', [text, html], 'in');
    const walk = new MimeWalk(limits, signal);
    const tree = messages.multipart('mixed', [both, messages.attachment('c', Buffer.from('c'))]);
    expect(bytesOf(await leavesOf(messages.message(tree), walk))).toEqual([
      '1.1 a',
      '1.2 b',
      '2 c',
    ]);
    expect(walk.containers.map(({ number, contentType }) => [number, contentType])).toEqual([
      ['', 'multipart/mixed'],
      ['1', 'multipart/alternative'],
    ]);
  });

  it('include messages, whole', async () => {
    const inner = messages.message(messages.withAttachment('x', Buffer.from('x')));
    const seen = await leavesOf(messages.message(messages.forwarded(inner)));
    expect(seen[1]).toEqual({
      number: '2',
      contentType: 'message/rfc822',
      bytes: inner.toString('latin1'),
    });
  });

  it('include messages that are to be shown inline, whole', async () => {
    const shown = {
      fields: ['Content-Type: message/rfc822', 'Content-Disposition: inline'],
      body: messages.message(messages.text('x')),
    };
    const seen = await leavesOf(messages.message(messages.multipart('mixed', [shown])));
    expect(bytesOf(seen)).toEqual([`1 ${shown.body.toString('latin1')}`]);
  });

  it('decode base64 and quoted-printable', async () => {
    const quoted = {
      fields: ['Content-Type: text/html', 'Content-Transfer-Encoding: quoted-printable'],
      body: Buffer.from('a=3Db=\r\nc'),
    };
    const tree = messages.multipart('mixed', [
      quoted,
      messages.attachment('c', Buffer.from('c')),
      messages.text('x'),
    ]);
    const contents: string[] = [];
    for await (const leaf of new MimeWalk(limits, signal).leaves([messages.message(tree)], '')) {
      contents.push(Buffer.concat(await collect(leaf.content)).toString());
    }
    expect(contents).toEqual(['a=bc', 'c', 'x']);
  });

  it('can be left off: what is left is read for the digest', async () => {
    const message = messages.message(messages.withAttachment('x', Buffer.alloc(500_000, 'x')));
    const ends: number[] = [];
    for await (const leaf of new MimeWalk(limits, signal).leaves([message], '')) {
      for await (const chunk of leaf.content) if (chunk.length > 0) break;
      const { bytes, digest } = await leaf.end();
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      ends.push(bytes);
    }
    expect(ends).toEqual([11, 500_000]);
  });

  it('of any file are the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (array) => {
        const file = Buffer.from(array);
        const seen = await leavesOf(messages.message(messages.withAttachment('x', file)));
        expect(seen[1]?.bytes).toBe(file.toString('latin1'));
      }),
      { numRuns: 50 },
    );
  });
});

describe('ceilings', () => {
  const body = Buffer.from('a');
  const leaf = { fields: ['Content-Type: text/plain'], body };
  const many = (count: number): Buffer =>
    messages.message(messages.multipart('mixed', Array<messages.Entity>(count).fill(leaf)));
  function nested(depth: number): Buffer {
    let entity: messages.Entity = leaf;
    for (let i = 0; i < depth; i++) entity = messages.multipart('mixed', [entity], `b${i}`);
    return messages.message(entity);
  }

  const longField = (length: number): Buffer =>
    messages.message({ fields: [`Content-Type: text/plain; name="${'n'.repeat(length)}"`], body });

  it.each([
    ['as many parts as may be', many(8), { partsMax: 10, partDepthMax: 5 }, undefined],
    ['more parts', many(20), { partsMax: 10, partDepthMax: 5 }, 'parts'],
    ['as deep as may be', nested(5), { partsMax: 100, partDepthMax: 5 }, undefined],
    ['deeper', nested(6), { partsMax: 100, partDepthMax: 5 }, 'parts'],
    ['100 000 parts', many(100_000), limits, 'parts'],
    ['an endless header', Buffer.alloc(2_000_000, 'x'), limits, 'unparsed'],
    ['a header field as long as may be', longField(headBytesMax - 1000), limits, undefined],
    ['a header field that is longer', longField(headBytesMax), limits, 'unparsed'],
    ['nested 10 000 times', nested(10_000), limits, 'parts'],
  ])('%s', async (_, message, within, reason) => {
    const walked = leavesOf(message, new MimeWalk(within, signal)).then(
      () => undefined,
      (error: unknown) => (error as Unparsable).reason,
    );
    expect(await walked).toBe(reason);
  });
});

describe('a source that', () => {
  const start = messages.message(messages.withAttachment('x', Buffer.alloc(300_000)));

  it('fails gives its own error, also in the midst of a leaf', async () => {
    const content = new MemoryContent();
    content.append(start.subarray(0, 200_000));
    const failure = new OperationalError('STORE', 'spool gone');
    const walk = async (): Promise<void> => {
      for await (const leaf of new MimeWalk(limits, signal).leaves(content.chunks(signal), '')) {
        if (leaf.number === '2')
          setImmediate(() => {
            content.fail(failure);
          });
        for await (const chunk of leaf.content) expect(chunk.length).toBeGreaterThan(0);
      }
    };
    await expect(walk()).rejects.toBe(failure);
  });

  it('never ends is ended by the signal', async () => {
    const control = new AbortController();
    const content = new MemoryContent();
    content.append(start.subarray(0, 200_000));
    const hanging = async (): Promise<void> => {
      const walk = new MimeWalk(limits, control.signal);
      // A source that does not heed the signal itself.
      for await (const leaf of walk.leaves(content.chunks(signal), '')) {
        if (leaf.number === '2')
          setImmediate(() => {
            control.abort(new Cancelled('deadline'));
          });
        await leaf.end();
      }
    };
    await expect(hanging()).rejects.toEqual(new Cancelled('deadline'));
  });
});

it('any bytes end the walk, with leaves or as unparsable, and never the process', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'Content-Type: ',
      'multipart/mixed',
      'message/rfc822',
      '; boundary',
      '*0*=',
      '=',
      '"b"',
      "utf-8''%zz",
      '\r\n',
      '\r\n\r\n',
      '--b',
      '--',
      'Content-Transfer-Encoding: base64',
      'Content-Disposition: attachment',
      '; filename',
      '=?utf-8?b?//8=?=',
      ';',
      ':',
      '\0',
      '(',
      '=',
      'format=flowed',
      'charset=hz',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const message = Buffer.from(pieces.join(''), 'latin1');
      const end = await leavesOf(message).then(
        () => 'walked',
        (error: unknown) => (error instanceof Unparsable ? 'unparsable' : error),
      );
      expect(['walked', 'unparsable']).toContain(end);
    }),
    { numRuns: 200 },
  );
});

it('gives nothing of the next leaf to who still asks for the one before', async () => {
  const files = ['one ', 'two '].map((text) => Buffer.from(text.repeat(100_000)));
  const parts = files.map((bytes, at) => messages.attachment(`f${at}`, bytes));
  const message = messages.message(messages.multipart('mixed', parts));
  let earlier: AsyncIterator<Buffer> | undefined;
  const seen: Buffer[] = [];
  for await (const leaf of new MimeWalk(limits, signal).leaves([message], '')) {
    const own = leaf.content[Symbol.asyncIterator]();
    if (earlier === undefined) {
      await own.next();
      await leaf.end();
    } else {
      expect(await earlier.next()).toMatchObject({ done: true });
      seen.push(...(await collect({ [Symbol.asyncIterator]: () => own })));
    }
    earlier = own;
  }
  expect(files[1]?.equals(Buffer.concat(seen))).toBe(true);
});
