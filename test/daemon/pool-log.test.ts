import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { Log } from '../../src/daemon/log.ts';
import { logPoolEvent } from '../../src/daemon/pool-log.ts';
import { FakeClock } from '../support/fake-clock.ts';

test.each([
  [
    'what was found out to be less',
    { upTo: 1000, bytes: 500, isShown: true },
    /about 500 bytes.*to 1000/,
  ],
  ['what is not answered', { upTo: 1000, bytes: 64, isShown: false }, /not answered.*64 bytes/],
  ['nothing where all is looked at', { upTo: 1000, bytes: 1000, isShown: true }, undefined],
])('of the size of files it tells %s', (_, fileSize, expected) => {
  const stream = new PassThrough();
  const log = new Log({ level: 'info', format: 'json' }, new FakeClock(), stream);
  logPoolEvent(log, { kind: 'file-size', endpoint: 'unix:/a', fileSize });
  const line = stream.read() as Buffer | null;
  if (expected === undefined) expect(line).toBeNull();
  else
    expect(JSON.parse(String(line))).toMatchObject({
      level: 'warn',
      event: 'clamd-file-size',
      endpoint: 'unix:/a',
      detail: expect.stringMatching(expected),
    });
});
