/**
 * Tests that need programs of the system say which. Where one is missing they are skipped aloud;
 * in CI (the variable CI is set) they run and fail, so that nothing goes untested unseen.
 */
import { describe } from '@jest/globals';
import { missing } from './programs.ts';

/** `describe`, where everything that is needed is there. */
export function describeNeeding(needs: readonly string[], name: string, body: () => void): void {
  if (process.env['CI'] === undefined) describeWanting(needs, name, body);
  else describe(name, body);
}

/** The same for what is not asked of CI either. */
export function describeWanting(needs: readonly string[], name: string, body: () => void): void {
  const absent = missing(needs);
  if (absent.length === 0) {
    describe(name, body);
    return;
  }
  process.stderr.write(`skipped: "${name}" needs ${absent.join(', ')}\n`);
  describe.skip(name, body);
}
