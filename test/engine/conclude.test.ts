import { beforeEach, describe, expect, test } from '@jest/globals';
import { inSituation } from '../../src/engine/answer.ts';
import { type Complete, conclude } from '../../src/engine/conclude.ts';
import type { EngineParts } from '../../src/engine/engine.ts';
import { Intake } from '../../src/engine/intake.ts';
import { Stopwatch } from '../../src/engine/stopwatch.ts';
import { Cancelled } from '../../src/errors.ts';
import { HeaderCollector } from '../../src/protocol/message/header.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import type { Situation } from '../../src/verdict/situation.ts';
import { until } from '../support/memory-content.ts';
import { bytesOf } from '../support/stand-ins.ts';
import { door, noViolations, Parts } from './parts.ts';

const message = 'Message-ID: <m@x>\r\nX-Virus-Scanned: forged\r\n\r\nbody\r\n';
const infected: Finding = { kind: 'infected', stream: '1.2', detail: 'Eicar' };
const reversePath = { address: 'a@example.net', parameters: [] };
const envelope = {
  client: { addr: '192.0.2.1' },
  reversePath,
  recipients: [{ address: 'b@example.org', parameters: [{ keyword: 'NOTIFY', value: 'NEVER' }] }],
};

describe('conclude', () => {
  let parts: Parts;
  let cancel: AbortController;

  beforeEach(() => {
    parts = new Parts();
    cancel = new AbortController();
  });

  function complete(over: Partial<Complete> = {}, engine: Partial<EngineParts> = {}): Complete {
    const all = parts.engineParts(engine);
    const { signal } = cancel;
    const header = new HeaderCollector(all.limits.headerBytesMax);
    const intake = new Intake(all.openSpool(), header, all.scans);
    void intake.write(Buffer.from(message));
    return {
      parts: all,
      door,
      envelope,
      delivery: parts.nextHop.begin({ client: {}, reversePath, helloName: 'x' }),
      attempt: all.handovers.nameAttempt(all.hostname),
      intake,
      violations: noViolations,
      stopwatch: new Stopwatch(parts.clock),
      signal,
      ...over,
    };
  }

  test('clean: stamped and sent, and all that was seen is told', async () => {
    const outcome = await conclude(complete());
    expect(outcome).toMatchObject({
      kind: 'relayed',
      verdict: { kind: 'clean' },
      findings: [],
      report: { streams: [] },
    });
    expect(parts.nextHop.sent.map(({ bytes }) => bytes.toString())).toEqual([
      'X-Virus-Scanned: clamgate\r\nMessage-ID: <m@x>\r\n\r\nbody\r\n',
    ]);
  });

  test('nothing goes to the next hop before the verdict', async () => {
    parts.scanner.hangs = true;
    const concluding = conclude(complete());
    await until(() => parts.scanner.open === 1, 'the scan runs');
    await new Promise(setImmediate);
    expect(parts.nextHop.sent).toEqual([]);
    cancel.abort(new Cancelled('deadline'));
    expect((await concluding).answers).toEqual([inSituation('deadline')]);
    expect(parts.nextHop.sent).toEqual([]);
  });

  test('infected: in custody with all that is known of it', async () => {
    parts.scanner.findings = [infected];
    const outcome = await conclude(complete());
    expect(outcome).toMatchObject({ kind: 'quarantined', answers: [inSituation('taken')] });
    const id = outcome.quarantineId ?? '';
    expect(await parts.quarantine.show(id)).toMatchObject({
      kind: 'whole',
      record: {
        verdict: 'infected',
        coverage: 'full',
        findings: [infected],
        listener: 'test',
        envelope,
        messageId: '<m@x>',
      },
    });
    expect((await bytesOf(parts.quarantine.open(id))).toString()).toBe(message);
    expect(parts.nextHop.sent).toEqual([]);
  });

  test('a bare CR before a lone dot is a finding beside those of the scan', async () => {
    parts.scanner.findings = [{ kind: 'macro', stream: '1', detail: 'x' }];
    const outcome = await conclude(complete({ violations: { ...noViolations, crDot: true } }));
    expect(outcome.kind).toBe('quarantined');
    expect(outcome.findings?.map(({ kind }) => kind)).toEqual(['macro', 'smuggling']);
    expect(outcome.verdict?.kind).toBe('smuggling');
  });

  test.each<[string, () => Complete, Situation]>([
    [
      'too large goes before all else',
      () => complete({ violations: { ...noViolations, tooLarge: true, lineEnd: true } }),
      'too-large',
    ],
    [
      'a bare line end',
      () => complete({ violations: { ...noViolations, lineEnd: true, crDot: true } }),
      'bare-line-end',
    ],
    [
      'a header that is too large',
      () => complete({}, { limits: { ...parts.engineParts().limits, headerBytesMax: 10 } }),
      'header-too-large',
    ],
    ['going down', () => complete({}, { stopping: AbortSignal.abort() }), 'stopping'],
  ])('%s: refused, whatever the scan says', async (_, arrange, situation) => {
    parts.scanner.findings = [infected];
    const outcome = await conclude(arrange());
    expect(outcome.answers).toEqual([inSituation(situation)]);
    expect(outcome.verdict).toBeUndefined();
    expect([parts.nextHop.sent, await parts.quarantine.list()]).toEqual([[], []]);
  });

  test('refused because of us: the log is told why, not what the next hop said', async () => {
    const whole = complete();
    const delivery = {
      ...whole.delivery,
      send: async (): Promise<RelayResult[]> => {
        whole.attempt.open(() => Promise.reject(new Error('the ledger is full')));
        expect(await whole.attempt.asked('N1')).toBe('stale');
        return [{ kind: 'reply', reply: reply(451, '4.3.0', 'stale') }];
      },
    };
    const outcome = await conclude({ ...whole, delivery });
    expect(outcome.answers).toEqual([inSituation('store-failed')]);
    expect(outcome.detail).toBe('the ledger is full');
  });

  test('called off before the final dot: the reason is ours to tell', async () => {
    parts.nextHop.dot = 'hang';
    const concluding = conclude(complete());
    await until(() => parts.scanner.open === 0, 'the scan is over');
    cancel.abort(new Cancelled('shutdown'));
    expect((await concluding).answers).toEqual([inSituation('stopping')]);
  });

  test('called off behind the final dot: the answer of the next hop counts', async () => {
    const delivery = parts.nextHop.begin({ client: {}, reversePath, helloName: 'x' });
    const outcome = await conclude(
      complete({
        delivery: {
          ...delivery,
          send: async (content, signal) => {
            const results = await delivery.send(content, signal);
            cancel.abort(new Cancelled('deadline'));
            return results;
          },
        },
      }),
    );
    expect(outcome.kind).toBe('relayed');
  });

  test('before the queue the sender is told, and nothing is kept', async () => {
    parts.scanner.findings = [infected];
    const outcome = await conclude(complete({ door: { ...door, position: 'before-queue' } }));
    expect(outcome).toMatchObject({ kind: 'rejected', answers: [inSituation('infected')] });
    expect(outcome.detail).toBe('Eicar');
    expect(await parts.quarantine.list()).toEqual([]);
  });

  test('what fails keeps what was seen until then', async () => {
    parts.scanner.findings = [infected];
    parts.files.failAt({ at: 1, kind: 'EIO', persistent: true });
    const outcome = await conclude(complete());
    expect(outcome).toMatchObject({
      answers: [inSituation('store-failed')],
      findings: [infected],
      verdict: { kind: 'infected' },
    });
  });
});
