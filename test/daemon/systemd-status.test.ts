import { expect, test } from '@jest/globals';
import { noClamdReady } from '../../src/daemon/control-status.ts';
import { oneLine, statusLine } from '../../src/daemon/systemd-status.ts';

const load = { sessions: 3, transactions: 2, waiting: 1 };
const up = { endpoint: 'unix:/a', ok: true, detail: 'ClamAV 1.4' };
const down = { endpoint: 'unix:/b', ok: false, detail: 'refused' };

test.each([
  [
    'all is well',
    { ready: true, reasons: [], clamd: [up] },
    {},
    'Ready; clamd 1 of 1; sessions 3, at work 2, waiting 1',
  ],
  [
    'one of two is away',
    { ready: true, reasons: [], clamd: [up, down] },
    {},
    'Ready; clamd 1 of 2; sessions 3, at work 2, waiting 1; unix:/b: refused',
  ],
  [
    'no clamd, said once',
    { ready: false, reasons: [`${noClamdReady}; unix:/b dead: refused`], clamd: [down] },
    {},
    'Not ready; clamd 0 of 1; sessions 3, at work 2, waiting 1; unix:/b: refused',
  ],
  [
    'clamd does not keep up',
    {
      ready: true,
      reasons: [],
      clamd: [up],
      scanning: { storm: { on: true, since: '2026-11-27T10:00:00.000Z', detail: 'p95 20 s' } },
    },
    {},
    'Ready; clamd 1 of 1; sessions 3, at work 2, waiting 1; ' +
      'storm since 2026-11-27T10:00:00.000Z (p95 20 s)',
  ],
  [
    'everything is wrong',
    { ready: false, reasons: ['no ledger: full'], clamd: [up] },
    { reload: 'f:1 bad', silent: ['127.0.0.1:10024'] },
    'Not ready; clamd 1 of 1; sessions 3, at work 2, waiting 1; 127.0.0.1:10024 does not answer; ' +
      'reload refused: f:1 bad; no ledger: full',
  ],
])('%s', (_, status, trouble, line) => {
  const scanning = { storm: { on: false, detail: '' } };
  expect(statusLine({ scanning, ...status, load }, { silent: [], ...trouble })).toBe(line);
});

test('a line stays one line, of bounded length', () => {
  expect(oneLine(' a\nREADY=1\t\u001b[2J ')).toBe('a READY=1 \\u001b[2J');
  expect(oneLine('x'.repeat(400))).toHaveLength(400);
  const long = oneLine('x'.repeat(401));
  expect([long.length, long.at(-1)]).toEqual([400, '…']);
});
