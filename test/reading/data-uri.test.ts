import { expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { DataUriFinder } from '../../src/reading/data-uri.ts';
import { FoundList } from '../../src/reading/found-list.ts';

/** From where to where the data goes, and how it is decoded. */
function found(pieces: readonly string[]): readonly string[] {
  const list = new FoundList(100);
  const finder = new DataUriFinder(list);
  for (const piece of pieces) finder.feed(Buffer.from(piece, 'latin1'));
  finder.end();
  return list.all.map(({ steps }) => {
    const { from, to } = steps[0] ?? {};
    return `${from ?? ''}-${to ?? 'end'} ${steps.at(-1)?.decoder ?? ''}`;
  });
}

test.each([
  ['"data:x/y;base64,QUJD"', ['17-21 base64']],
  ["'data:,a%41'", ['7-11 percent-encoding']],
  ['url(data:,a)', ['10-11 percent-encoding']],
  ['<a href=data:,a b', ['14-15 percent-encoding']],
  ['"data:,a', ['7-end percent-encoding']],
  ['"data:,\t', ['7-end percent-encoding']],
  ['data:,a', []],
  // The quote that ends one begins another, and what lies in one begins none.
  ['"data:,a"data:,b"', ['7-8 percent-encoding', '15-16 percent-encoding']],
  ['"data:,(data:,b)"', ['7-16 percent-encoding']],
])('in %j is %j', (text, places) => {
  expect(found([text])).toEqual(places);
});

test.each([
  ['"&#100;&#x41;t&#9;a&colon;x/y;base64&comma;QUJD"', ['43-47 base64']],
  ['"\t \r\nda\tta:\r\n;base64,QUJD"', ['21-25 base64']],
  ['"data:x/y;a=\u0020;base64,&#81;UJD"', ['21-29 base64']],
])('in %j, written as browsers take it, is %j', (text, places) => {
  expect(found([text])).toEqual(places);
});

/** In CPU time of this process; 20 are usual. */
const cpuMsMax = 2000;

test.each(['"\t', '"', '\t', '=data:', '("&#9', '"d\ta\n', '"data&colon;x', '&#9;', '"data:'])(
  'a text of %j is looked through once',
  (filling) => {
    const before = process.cpuUsage();
    for (const start of ['', '"', '"data:']) {
      found([start + filling.repeat(100_000 / filling.length)]);
      found([(start + filling.repeat(70) + '"x').repeat(100)]);
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(cpuMsMax);
  },
);

it('finds the same however the text is cut', () => {
  const word = fc.constantFrom(
    '"',
    "'",
    '(',
    ')',
    '=',
    ' ',
    'data:',
    'da',
    '&#116;a',
    '&colon;',
    '\t',
    ',',
    'x',
    ';base64',
    '%41',
    '>',
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 30 }),
      fc.array(fc.nat(80), { maxLength: 5 }),
      (words, cuts) => {
        const text = words.join('');
        const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length];
        places.sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(found(pieces)).toEqual(found([text]));
        expect(found(Array.from(text))).toEqual(found([text]));
      },
    ),
    { numRuns: 2000 },
  );
});
