import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { Metrics, type Gauges } from '../../src/daemon/metrics.ts';
import { Spread } from '../../src/daemon/metrics-tally.ts';
import type { ScannedStream } from '../../src/scan/scanner.ts';
import { aStatus, someLoad } from '../support/pool.ts';
import { aRecord } from '../support/record.ts';

const gauges: Gauges = {
  version: '1.2.3',
  sessions: 4,
  transactions: 3,
  waiting: 2,
  clamd: [
    aStatus(),
    aStatus({
      endpoint: 'tcp://b:1',
      ok: false,
      state: 'reloading',
      limitAlerts: 'silent',
      fileBytesMax: 9,
    }),
  ],
  scanning: someLoad,
  quarantine: { messages: 7, bytes: 700 },
  ledger: { usable: false, unsettled: 6, inDoubt: 5, bytes: 4096 },
};

/** The lines of ours, without help and type. */
async function samples(records: Partial<TransactionRecord>[], state = gauges): Promise<string[]> {
  const metrics = new Metrics();
  for (const record of records) metrics.record(aRecord(record));
  const { text } = await metrics.exposition(state);
  return text.split('\n').filter((line) => line.startsWith('clamgate_'));
}

test('documents name no metric that there is not', async () => {
  const { text } = await new Metrics().exposition(gauges);
  const there = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
  const root = join(import.meta.dirname, '../..');
  const docs = readdirSync(join(root, 'docs')).map((name) => join('docs', name));
  const texts = ['README.md', ...docs.filter((name) => name.endsWith('.md'))].map((name) =>
    readFileSync(join(root, name), 'utf8'),
  );
  const named = new Set(texts.join('\n').match(/\bclamgate_[a-z]\w*/g));
  expect(named.size).toBeGreaterThan(2);
  expect([...named].filter((name) => !there.has(name))).toEqual([]);
});

function stream(change: Partial<ScannedStream>): ScannedStream {
  return {
    ...{ stream: '1', label: '', bytes: 10, digest: '', answer: '', endpoint: 'unix:/a', ms: 1 },
    ...change,
  };
}

describe('what is counted', () => {
  test.each<[string, Partial<TransactionRecord>[], string[]]>([
    ['nothing yet', [], ['clamgate_message_bytes_total 0']],
    [
      'transactions',
      [{}, {}, { outcome: 'deferred', situation: 'scan-failed', verdict: 'unavailable' }],
      [
        'clamgate_transactions_total{outcome="relayed",verdict="clean",situation="none"} 2',
        'clamgate_transactions_total{outcome="deferred",verdict="unavailable",situation="scan-failed"} 1',
        'clamgate_recipients_total{outcome="relayed"} 2',
        'clamgate_recipients_total{outcome="deferred"} 1',
        'clamgate_message_bytes_total 3702',
      ],
    ],
    [
      'each recipient by his own end',
      [
        {
          recipients: [
            { address: 'a@example.org' },
            { address: 'b@example.org', outcome: 'quarantined' },
            { address: 'c@example.org', outcome: 'quarantined' },
          ],
        },
        {
          outcome: 'deferred',
          recipients: [
            { address: 'a@example.org' },
            { address: 'b@example.org', outcome: 'discarded' },
          ],
        },
      ],
      [
        'clamgate_recipients_total{outcome="relayed"} 1',
        'clamgate_recipients_total{outcome="quarantined"} 2',
        'clamgate_recipients_total{outcome="deferred"} 1',
        'clamgate_recipients_total{outcome="discarded"} 1',
      ],
    ],
    [
      'findings',
      [
        {
          outcome: 'quarantined',
          findings: [
            { kind: 'infected', stream: '1', detail: 'x' },
            { kind: 'infected', stream: '2', detail: 'x' },
            { kind: 'macro', stream: '2', detail: 'x' },
          ],
        },
      ],
      ['clamgate_findings_total{kind="infected"} 2', 'clamgate_findings_total{kind="macro"} 1'],
    ],
    [
      'what passed unscanned, once for each reason of a message',
      [
        {
          findings: [
            { kind: 'encrypted', stream: '1', detail: '' },
            { kind: 'encrypted', stream: '2', detail: '' },
            { kind: 'partial', reason: 'file-size', stream: '2', detail: '' },
            { kind: 'macro', stream: '2', detail: '' },
          ],
        },
      ],
      [
        'clamgate_passed_unscanned_total{reason="encrypted"} 1',
        'clamgate_passed_unscanned_total{reason="file-size"} 1',
      ],
    ],
    [
      'streams that clamd was given',
      [
        {
          streams: [
            stream({}),
            stream({ bytes: 5 }),
            stream({ sameAs: '1' }),
            stream({ endpoint: '' }),
            stream({ endpoint: 'tcp://b:1' }),
          ],
        },
      ],
      [
        'clamgate_scanned_streams_total{endpoint="unix:/a"} 2',
        'clamgate_scanned_bytes_total{endpoint="unix:/a"} 15',
        'clamgate_scanned_streams_total{endpoint="tcp://b:1"} 1',
      ],
    ],
    [
      'stages, those that were reached',
      [{ ms: { wait: 0, receive: 1, scan: 2000, handover: 700_000, total: 702_001 } }],
      [
        'clamgate_stage_seconds_bucket{le="0.001",stage="receive"} 1',
        'clamgate_stage_seconds_bucket{le="1",stage="scan"} 0',
        'clamgate_stage_seconds_bucket{le="2.5",stage="scan"} 1',
        'clamgate_stage_seconds_bucket{le="600",stage="scan"} 1',
        'clamgate_stage_seconds_bucket{le="600",stage="handover"} 0',
        'clamgate_stage_seconds_bucket{le="+Inf",stage="handover"} 1',
        'clamgate_stage_seconds_sum{stage="scan"} 2',
        'clamgate_stage_seconds_count{stage="scan"} 1',
      ],
    ],
  ])('%s', async (_, records, expected) => {
    expect(await samples(records)).toEqual(expect.arrayContaining(expected));
  });

  test('a message that was stopped has not passed, and one fully scanned is not unscanned', async () => {
    const lines = await samples([
      { outcome: 'quarantined', findings: [{ kind: 'encrypted', stream: '1', detail: '' }] },
      { findings: [{ kind: 'macro', stream: '1', detail: '' }] },
    ]);
    expect(lines.filter((line) => line.includes('passed_unscanned'))).toEqual([]);
  });

  test('a stage that was not reached is no observation', async () => {
    const lines = await samples([{ ms: { wait: 0, receive: 1, scan: 0, handover: 0, total: 1 } }]);
    expect(lines.filter((line) => /stage="(wait|scan|handover)"/.test(line))).toEqual([]);
  });
});

test('workers are told of where there are to be some', async () => {
  const workers = async (state: Gauges): Promise<string[]> =>
    (await samples([], state)).filter((line) => line.startsWith('clamgate_workers'));
  expect(await workers(gauges)).toEqual([]);
  expect(await workers({ ...gauges, workers: 0 })).toEqual(['clamgate_workers 0']);
});

test('gauges are as they are now', async () => {
  expect(await samples([])).toEqual(
    expect.arrayContaining([
      'clamgate_info{version="1.2.3"} 1',
      'clamgate_sessions 4',
      'clamgate_transactions 3',
      'clamgate_transactions_waiting 2',
      'clamgate_clamd_up{endpoint="unix:/a"} 1',
      'clamgate_clamd_up{endpoint="tcp://b:1"} 0',
      'clamgate_clamd_limit_alerts{endpoint="unix:/a"} 1',
      'clamgate_clamd_limit_alerts{endpoint="tcp://b:1"} 0',
      'clamgate_clamd_file_bytes_max{endpoint="tcp://b:1"} 9',
      'clamgate_clamd_state{endpoint="unix:/a",state="ready"} 1',
      'clamgate_clamd_state{endpoint="tcp://b:1",state="ready"} 0',
      'clamgate_clamd_state{endpoint="tcp://b:1",state="reloading"} 1',
      'clamgate_clamd_inflight{endpoint="unix:/a"} 2',
      'clamgate_clamd_inflight_limit{endpoint="unix:/a"} 8',
      'clamgate_clamd_draining{endpoint="unix:/a"} 0',
      'clamgate_clamd_database{endpoint="unix:/a"} 27000',
      'clamgate_clamd_database_timestamp_seconds{endpoint="unix:/a"} 1763628633',
      'clamgate_streams_waiting 1',
      'clamgate_streams_wait_seconds 0.5',
      'clamgate_clamd_latency_seconds{quantile="0.95"} 0.02',
      'clamgate_clamd_skewed 0',
      'clamgate_storm 0',
      'clamgate_pressure_percent{resource="memory"} 1.5',
      'clamgate_quarantine_messages 7',
      'clamgate_quarantine_bytes 700',
      'clamgate_ledger_usable 0',
      'clamgate_ledger_unsettled 6',
      'clamgate_ledger_in_doubt 5',
      'clamgate_ledger_bytes 4096',
    ]),
  );
});

test('what befell the clamds is counted', async () => {
  const metrics = new Metrics();
  metrics.pool({ kind: 'state', endpoint: aStatus({ state: 'lying' }), was: 'ready' });
  metrics.pool({ kind: 'storm', on: true, detail: '' });
  metrics.pool({ kind: 'storm', on: false, detail: '' });
  const { text } = await metrics.exposition(gauges);
  expect(text).toMatch(/^clamgate_clamd_states_total\{endpoint="unix:\/a",state="lying"\} 1$/m);
  expect(text).toMatch(/^clamgate_storms_total 1$/m);
});

test('a quarantine that could not be read has no size', async () => {
  const { quarantine, ...rest } = gauges;
  expect(quarantine).toBeDefined();
  expect((await samples([], rest)).filter((line) => line.includes('quarantine'))).toEqual([]);
});

test('a ledger that is switched off has no figures', async () => {
  const { ledger, ...rest } = gauges;
  expect(ledger).toBeDefined();
  expect((await samples([], rest)).filter((line) => line.includes('ledger'))).toEqual([]);
});

test('may be asked for again and again, and has the process in it', async () => {
  const metrics = new Metrics();
  metrics.record(aRecord({}));
  const first = await metrics.exposition(gauges);
  const second = await metrics.exposition(gauges);
  for (const { text, contentType } of [first, second]) {
    expect(contentType).toContain('text/plain');
    expect(text).toMatch(/^process_cpu_seconds_total /m);
    expect(text).toMatch(/^# TYPE clamgate_transactions_total counter$/m);
    expect(text).toMatch(/^# TYPE clamgate_stage_seconds histogram$/m);
    expect(text).toMatch(/^clamgate_recipients_total\{outcome="relayed"\} 1$/m);
  }
});

test('what was not observed yet is left out, and is there later', async () => {
  const ask = async () => (await new Metrics().exposition(gauges)).text;
  // The second one comes before the event loop was looked at again.
  for (const text of [await ask(), await ask()]) {
    expect(text.split('\n').filter((line) => / (nan|9223372036.*)$/i.test(line))).toEqual([]);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  }
  // Real time, as it is the process's own event loop: prom-client looks at it every 10 ms.
  const seen = async () => (await ask()).includes('\nnodejs_eventloop_lag_mean_seconds ');
  while (!(await seen())) await delay(50);
});

test('a value on a bound lies within it', () => {
  const spread = new Spread('s', 'help', 'l', [1, 2]);
  for (const value of [1, 1.5, 2, 3]) spread.observe('x', value);
  expect(spread.rows()).toEqual([
    {
      label: 'x',
      buckets: [
        { bound: 1, count: 1 },
        { bound: 2, count: 3 },
      ],
      count: 4,
      sum: 7.5,
    },
  ]);
});
