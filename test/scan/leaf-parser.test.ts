/**
 * That a fault of mailparser's or mailsplit's own is an error of the stream, not of the process;
 * and that quoted-printable and base64 are decoded by ours.
 */
import { expect, it } from '@jest/globals';
import { LeafParser } from '../../src/scan/leaf-parser.ts';
import { MimeWalk } from '../../src/scan/mime.ts';
import { collect } from '../support/collect.ts';
import { eicar } from '../support/eicar.ts';
import * as messages from '../support/messages.ts';

const fault = (): never => {
  throw new Error('a fault');
};

function withFaultInSplitter(): LeafParser {
  const parser = new LeafParser(10);
  const { node } = parser.splitter as unknown as { node: { parseHeaders: () => void } };
  node.parseHeaders = fault;
  return parser;
}

/** At the second entity: the first is made inside the guard of the splitter. */
function withFaultInParser(): LeafParser {
  const parser = new LeafParser(10);
  const createNode = parser.createNode.bind(parser);
  parser.createNode = (node) => {
    parser.createNode = fault;
    return createNode(node);
  };
  return parser;
}

it.each([
  ['where lines are cut', withFaultInSplitter],
  ['where the tree is made', withFaultInParser],
])('a throw %s ends the stream with it', async (_, parserWithFault) => {
  const parser = parserWithFault();
  parser.end(messages.message(messages.newsletter()));
  await expect(collect(parser)).rejects.toThrow('a fault');
});

/** The bytes of the only leaf of a message with this body. */
async function decoded(body: Buffer, encoding: string): Promise<Buffer> {
  const fields = ['MIME-Version: 1.0', `Content-Transfer-Encoding: ${encoding}`];
  const walk = new MimeWalk({ partsMax: 1, partDepthMax: 1 }, new AbortController().signal);
  const chunks: Buffer[] = [];
  for await (const leaf of walk.leaves([messages.message({ fields, body })], '')) {
    chunks.push(...(await collect(leaf.content)));
  }
  return Buffer.concat(chunks);
}

it('a megabyte of blanks in quoted-printable is its bytes', async () => {
  const body = Buffer.concat([Buffer.alloc(1024 * 1024, ' '), Buffer.from('x\r\n')]);
  expect((await decoded(body, 'quoted-printable')).equals(body)).toBe(true);
});

it.each(['quoted-printable', ' Quoted-Printable (as it is) '])(
  '%j is decoded',
  async (encoding) => {
    const everyByte = [...Buffer.from(eicar)].map((byte) => `=${byte.toString(16)}= \r\n`);
    expect((await decoded(Buffer.from(everyByte.join('')), encoding)).toString()).toBe(eicar);
  },
);

it('base64 of which each line has its own padding is decoded', async () => {
  const lines = Array.from(eicar, (letter) => `${Buffer.from(letter).toString('base64')}\r\n`);
  expect((await decoded(Buffer.from(lines.join('')), 'base64')).toString()).toBe(eicar);
});
