import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loggedFate } from '../../src/witness/mail-log.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

const at = 'Nov 21 09:00:00 mail';
const taken = `${at} postfix/qmgr[12]: 4Xyz: from=<a@b>, size=10, nrcpt=1 (queue active)`;
const refused = `${at} postfix/smtpd[12]: 4Xyz: reject: END-OF-MESSAGE from x[127.0.0.1]: 451 4.3.0`;

const cases: [what: string, lines: string[], fate: string | undefined][] = [
  ['qmgr took it', [taken], 'committed'],
  ['ISO times', [taken.replace('Nov 21 09:00:00', '2026-11-21T09:00:00.1+01:00')], 'committed'],
  ['one-digit day', [taken.replace('Nov 21', 'Nov  1')], 'committed'],
  ['another instance', [taken.replace('postfix/', 'postfix-out/')], 'committed'],
  ['a name for the service', [refused.replace('postfix/', 'postfix/back/')], 'not-committed'],
  ['refused', [refused], 'not-committed'],
  ['discarded', [refused.replace('reject', 'discard')], 'not-committed'],
  ['refused, and then there was another', [refused, taken], 'committed'],
  ['nothing', [], undefined],
  ['another message', [taken.replace('4Xyz', '4Xyza')], undefined],
  ['only the beginning of its name', [taken.replace('4Xyz', 'a4Xyz')], undefined],
  // cleanup says it before the commit.
  ['its Message-ID', [`${at} postfix/cleanup[12]: 4Xyz: message-id=<x>`], undefined],
  ['removed', [`${at} postfix/qmgr[12]: 4Xyz: removed`], undefined],
  [
    'words that a sender chose',
    [`${at} postfix/smtpd[12]: warning: x: postfix/qmgr[12]: 4Xyz: from=<a@b>`],
    undefined,
  ],
  ['a line that was cut', [taken.slice(10)], undefined],
  ['refused at RCPT', [refused.replace('END-OF-MESSAGE', 'RCPT')], undefined],
];

test.each(cases)('%s', async (_, lines, fate) => {
  const log = folder.write('mail.log', `${at} postfix/anvil[1]: x\n${lines.join('\n')}\n${at} y\n`);
  expect(await loggedFate(log, '4Xyz')).toBe(fate);
});

test('a log that is not there is an error, not an answer', async () => {
  await expect(loggedFate(`${folder.path}/none`, '4Xyz')).rejects.toThrow('ENOENT');
});
