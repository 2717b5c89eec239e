import { expect, test } from '@jest/globals';
import { CliContext } from '../../src/cli/context.ts';
import { report } from '../../src/cli/failure.ts';
import { systemClock } from '../../src/clock.ts';
import { OperationalError } from '../../src/errors.ts';

const nowhere = { write: () => true };
const context = new CliContext({
  ...{ stdout: nowhere, stderr: nowhere },
  ...{ env: {}, clock: systemClock },
});

/** The unit does not start again what ended with 78 (RestartPreventExitStatus in clamgate.service). */
test.each([
  ['EADDRINUSE', 75],
  ['EACCES', 78],
])('a listener that cannot be opened for %s: exit code %d', (code, expected) => {
  const cause = Object.assign(new Error(code), { code });
  expect(report(new OperationalError('CONFIG', 'no', { cause }), context)).toBe(expected);
});
