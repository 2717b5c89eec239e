import { expect, test } from '@jest/globals';
import { nearest } from '../../src/daemon/config-nearest.ts';

const known = ['address', 'position', 'next_hop', 'mode', 'xforward_from'];

test.each([
  ['adress', 'address'],
  ['adderss', 'address'],
  ['nexthop', 'next_hop'],
  ['next-hop', 'next_hop'],
  ['Mode', 'mode'],
  ['modus', 'mode'],
  ['xforward', undefined],
  ['xforward_form', 'xforward_from'],
  ['entirely_else', undefined],
  ['', undefined],
])('%j was meant to be %j', (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

test('the nearest of several wins', () => {
  expect(nearest('parrt', ['parts', 'part', 'party'])).toBe('part');
});
