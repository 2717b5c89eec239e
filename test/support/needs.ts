/**
 * Tests that need programs of the system say which. Where one is missing they are skipped aloud;
 * in CI (the variable CI is set) they run and fail, so that nothing goes untested unseen.
 */
import { describe } from '@jest/globals';
import { missing } from './programs.ts';

/** `describe`, where everything that is needed is there. */
export function describeNeeding(needs: readonly string[], name: string, body: () => void): void {
  const absent = missing(needs);
  if (absent.length === 0 || process.env['CI'] !== undefined) {
    describe(name, body);
    return;
  }
  process.stderr.write(`skipped: "${name}" needs ${absent.join(', ')}\n`);
  describe.skip(name, body);
}
