import { expect, test } from '@jest/globals';
import { makerOfTemplate, serialWord } from '../../../bench/load/template.ts';

test('the serial number stands wherever the word stood, as it is and in base64', () => {
  const encoded = Buffer.from(`abc${serialWord}rest`).toString('base64');
  const make = makerOfTemplate({
    message: Buffer.from(`id ${serialWord}, ${serialWord}\r\n\r\n${encoded}\r\n`),
    parts: [Buffer.from(`abc${serialWord}rest`), Buffer.from('none')],
  });
  const { message, parts } = make(42);
  const [first, second, body = ''] = message.toString('latin1').split(/, |\r\n\r\n/);
  expect([first, second]).toEqual(['id 000000000042', '000000000042']);
  expect(Buffer.from(body, 'base64').toString()).toBe('abc000000000042rest');
  expect(parts.map(String)).toEqual(['abc000000000042rest', 'none']);
});
