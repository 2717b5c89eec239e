/** That a fault of mailparser's or mailsplit's own is an error of the stream, not of the process. */
import { expect, it } from '@jest/globals';
import { LeafParser } from '../../src/scan/leaf-parser.ts';
import { collect } from '../support/collect.ts';
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
