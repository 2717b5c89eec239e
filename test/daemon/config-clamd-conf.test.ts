import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  ceilingNotes,
  clamdConfAdvice,
  clamdConfFacts,
  parseClamdConf,
} from '../../src/daemon/config-clamd-conf.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import { makeFolder, tomlWith, type Folder } from '../support/config-file.ts';

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

/** What is said about `ours`, below [clamd], beside a clamd.conf with `theirs` in it. */
function adviceFor(ours: string, theirs: string, alerting = 'AlertExceedsMax yes\n'): string[] {
  const endpoints = ours.includes('endpoints') ? '' : 'endpoints = ["unix:/run/c.ctl"]\n';
  const config = parseConfig(tomlWith(`[clamd]\n${endpoints}${ours}`), 'f');
  const file = folder.write('clamd.conf', `# LocalSocket /none\n${alerting}${theirs}\n`);
  const files = [`${folder.path}/none.conf`, folder.path, file];
  return clamdConfAdvice(config, files).map(({ severity, key, text }) => {
    expect([severity, text.endsWith(`(${file})`)]).toEqual(['warning', true]);
    return `${key}: ${text}`;
  });
}

const socket = 'LocalSocket /run/c.ctl\n';

test.each([
  ['', true],
  ['AlertExceedsMax no\n', true],
  ['AlertExceedsMax yes\n', false],
  ['AlertExceedsMax true\n', false],
])('a clamd that is silent about its limits is worth a warning: %j', (alerting, isWarned) => {
  const advice = adviceFor('', `${socket}MaxThreads 12`, alerting);
  const warned = [expect.stringMatching(/^\[clamd\] endpoints: AlertExceedsMax .*limits_silent/)];
  expect(advice).toEqual(isWarned ? warned : []);
});

test('the limits of a clamd on this machine are known from its clamd.conf', () => {
  const theirs = 'StreamMaxLength 3M\nMaxFileSize 0\nMaxScanTime 5000\nDatabaseDirectory /db\n';
  const file = folder.write('clamd.conf', socket + theirs);
  expect(clamdConfFacts('unix:/run/c.ctl', [file])).toEqual({
    ceilings: { streamBytesMax: 3 * 2 ** 20, scanMsMax: 5000 },
    databaseDirectory: '/db',
  });
  expect(clamdConfFacts('unix:/run/other.ctl', [file])).toEqual({ ceilings: {} });
});

test('which limits of a clamd are known, and which are only assumed', () => {
  const file = folder.write('clamd.conf', `${socket}MaxFileSize 25M\nMaxScanTime 0\n`);
  const endpoints = ['unix:/run/c.ctl', 'tcp://av2.example.org:3310'];
  expect(ceilingNotes({ clamd: { endpoints } }, [file]).map(({ text }) => text)).toEqual([
    'unix:/run/c.ctl: known from its clamd.conf: MaxFileSize; ' +
      'assumed to be as in [clamd]: StreamMaxLength, MaxScanTime',
    'tcp://av2.example.org:3310: assumed to be as in [clamd]: StreamMaxLength, MaxFileSize, ' +
      'MaxScanTime; the daemon finds out a smaller MaxFileSize, and its status tells it',
  ]);
});

describe('what contradicts clamd.conf', () => {
  test.each([
    [
      'inflight_max = 12',
      `${socket}MaxThreads 12`,
      "[clamd] inflight_max: 12 is not below clamd's MaxThreads 12",
    ],
    ['inflight_max = 10', socket, "[clamd] inflight_max: 10 is not below clamd's MaxThreads 10"],
    [
      'max_file_size = "26M"',
      `${socket}MaxFileSize 25M`,
      "[clamd] max_file_size: 26M is above clamd's MaxFileSize 25M: what lies between is called clean",
    ],
    [
      'stream_max_length = "26M"',
      `${socket}StreamMaxLength 25M`,
      "[clamd] stream_max_length: 26M is above clamd's StreamMaxLength 25M",
    ],
    [
      'max_scan_time = "121s"',
      `${socket}MaxScanTime 120000`,
      "[clamd] max_scan_time: 121s is above clamd's MaxScanTime 120s",
    ],
    ['max_file_size = "26M"', 'MaxFileSize 25M\nLocalSocket /var/run/c.ctl', 'max_file_size'],
  ])('%s with %j', (ours, theirs, words) => {
    expect(adviceFor(ours, theirs)).toEqual([expect.stringContaining(words)]);
  });

  test.each([
    ['', `${socket}MaxThreads 9\nMaxFileSize 25M\nStreamMaxLength 25M\nMaxScanTime 120000`],
    ['inflight_max = 9', socket],
    ['max_file_size = "26M"\nmax_scan_time = "121s"', `${socket}MaxFileSize 0\nMaxScanTime 0`],
    ['max_file_size = "26M"', `${socket}#MaxFileSize 25M\nPCREMaxFileSize 25M`],
    ['max_file_size = "26M"', 'LocalSocket /run/other.ctl\nMaxFileSize 25M'],
    ['max_file_size = "26M"', 'MaxFileSize 25M'],
    [
      'endpoints = ["tcp://av.example.org:3310"]\nmax_file_size = "26M"',
      `${socket}MaxFileSize 25M`,
    ],
  ])('%s agrees with %j, or it is not our clamd', (ours, theirs) => {
    expect(adviceFor(ours, theirs)).toEqual([]);
  });
});

test('comments, quotes, white space, and what is said twice', () => {
  const values = parseClamdConf(
    '# MaxThreads 1\nMaxThreads 2\nMaxThreads\t3 \nLogFile "/a b/c"\n \tMaxFileSize 2M\n',
  );
  expect([...values]).toEqual([
    ['MaxThreads', '2'],
    ['LogFile', '/a b/c'],
    ['MaxFileSize', '2M'],
  ]);
});

// As clamconf of ClamAV 1.4 shows such lines.
test.each([
  ['DatabaseDirectory y /', 'y /'],
  ['DatabaseDirectory "/a b" c" ', '/a b" c'],
  ['DatabaseDirectory\t/x\r', '/x'],
  ['DatabaseDirectory /run/"q"', '/run/"q"'],
])('a value is the rest of its line: %j', (line, value) => {
  expect(parseClamdConf(`${line}\n`).get('DatabaseDirectory')).toBe(value);
});
