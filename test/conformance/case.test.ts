import { expect, test } from '@jest/globals';
import { bytesIn, stuffed, unstuffed } from './bytes.ts';
import { parseCases } from './case.ts';

test('bytes: UTF-8, the escapes of C, repetition', () => {
  expect(bytesIn('ü\\r\\n\\0\\t\\\\\\xfF{ab*2}{x*3}')).toEqual(
    Buffer.from([0xc3, 0xbc, 13, 10, 0, 9, 0x5c, 0xff, ...Buffer.from('{ab*2}xxx')]),
  );
});

test.each(['', '.\r\n', '..\r\n.x\r\n', 'x\r\n.\r\n', 'x\r.\r\n', 'x\n.\r\n'])(
  'dots: %j',
  (text) => {
    const wire = stuffed(Buffer.from(text));
    expect(wire.subarray(0, -3).includes('\r\n.\r\n')).toBe(false);
    expect(unstuffed(wire).toString()).toBe(text);
  },
);

test('a case', () => {
  const [one, ...more] = parseCases(
    '# title\nLIMITS recipientsMax=2\nFROM <a> => 451 4.3.2 | milter,policy 250\nBODY .x\\r\\n\n' +
      'EXPECT smtp 250, 450 · relayed\nEXPECT policy DUNNO\nNOT lmtp,milter: a reason\n' +
      'NOT before-queue: another\n',
    'x.case',
  );
  expect(more).toEqual([]);
  expect(one).toMatchObject({
    title: 'title',
    columns: ['smtp', 'policy'],
    arrangement: { limits: { recipientsMax: 2 } },
    steps: [
      {
        kind: 'mail',
        line: Buffer.from('MAIL FROM:<a>\r\n'),
        replies: { smtp: ['451 4.3.2'], lmtp: ['451 4.3.2'], milter: ['250'], policy: ['250'] },
      },
      { kind: 'message', wire: Buffer.from('..x\r\n.\r\n'), content: Buffer.from('.x\r\n') },
    ],
  });
});

test('what a paragraph of NOT says holds for what does not expect something else', () => {
  const text = 'MESSAGE text\nEXPECT smtp,lmtp,before-queue 250 · relayed\n';
  const cases = parseCases(
    `# of all\nNOT milter,policy: no next hop\n\n# 1\n${text}\n# 2\n${text}EXPECT policy DUNNO\n`,
    'x.case',
  );
  expect(cases.map(({ columns: spoken }) => spoken.slice(3))).toEqual([[], ['policy']]);
  expect([...(cases[1]?.not ?? [])]).toEqual([['milter', 'no next hop']]);
});

const elsewhere = 'NOT lmtp,before-queue,milter,policy: x\n';

test.each([
  ['FNORD x', /unknown word FNORD/],
  ['LIMITS fnord=1\nSAY NOOP', /unknown key fnord/],
  ['CLAMD sleeps\nSAY NOOP', /unknown conduct/],
  ['NEXT-HOP mail laugh\nSAY NOOP', /unknown failure/],
  ['SET fire\nSAY NOOP', /unknown setting/],
  ['MESSAGE fnord\nEXPECT smtp 250 · relayed', /no message is called fnord/],
  ['MESSAGE text\nDURING lunch: shutdown\nEXPECT smtp 250 · relayed', /unknown incident/],
  ['MESSAGE text\nEXPECT uucp 250 · relayed', /unknown column/],
  ['MESSAGE text\nEXPECT smtp 250 · relayed', /lmtp: 0 of 1 messages expect something/],
  [`${elsewhere}MESSAGE text\nEXPECT smtp,lmtp 250 · relayed`, /lmtp: 1 of 1 messages expect/],
  [`${elsewhere}MESSAGE text\nEXPECT smtp 250`, /no outcome/],
  [`${elsewhere}NOT smtp: x\nSAY NOOP`, /spoken by nobody/],
])('what is not understood is an error that names the case: %j', (lines, problem) => {
  const parse = () => parseCases(`# title\n${lines}\n`, 'x.case');
  expect(parse).toThrow(problem);
  expect(parse).toThrow('x.case: # title');
});
