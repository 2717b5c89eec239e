/** That a look at a clamd ends although the disk with its signatures does not answer. */
import { afterEach, expect, test } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { DatabaseVersions } from '../../src/scan/database-versions.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';

const connectMs = 3000;
let clamd: FakeClamd | undefined;

afterEach(() => clamd?.stop());

test('a disk that hangs is waited for no longer than clamd, and asked once', async () => {
  clamd = await FakeClamd.start();
  clamd.version = 'ClamAV 1.4.6/27000/Thu Nov 20 2025';
  const clock = new FakeClock();
  const hung = Promise.withResolvers<boolean>();
  let asked = 0;
  const hasOthers = (): Promise<boolean> => {
    asked++;
    return hung.promise;
  };
  const { address } = clamd;
  const versions = new DatabaseVersions({ endpoints: [address], hasOthers, clock, connectMs });
  const looks = [versions.read(address), versions.read(address)];
  await turn();
  clock.advance(connectMs);
  expect(await Promise.all(looks)).toEqual([clamd.version, clamd.version]);
  expect([asked, versions.generation, clock.pending]).toEqual([1, undefined, 0]);

  // When it answers again, so does what was not known.
  hung.resolve(false);
  await turn();
  await versions.read(address);
  expect(asked).toBe(2);
  expect(versions.generation).toEqual(expect.any(Number));
  versions.close();
});
