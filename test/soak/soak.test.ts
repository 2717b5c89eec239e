/** Five minutes of what `make soak MINUTES=120` does for two hours; other tests may run beside it. */
import { expect, test } from '@jest/globals';
import { endure, problemsOf } from '../endurance/endure.ts';
import { mailKinds } from '../endurance/mix.ts';
import { describeNeeding } from '../support/needs.ts';

const seconds = 300;

describeNeeding(['clamd', 'smtp-sink'], 'under mixed mail', () => {
  test(
    'nothing is refused, and nothing grows',
    async () => {
      const endured = await endure({
        seed: 7,
        seconds,
        settledSeconds: 75,
        messagesPerSecond: 6,
        tell: () => undefined,
      });
      expect(problemsOf(endured)).toEqual([]);
      expect(new Set(endured.sent.keys())).toEqual(new Set(mailKinds));
    },
    (seconds + 120) * 1000,
  );
});
