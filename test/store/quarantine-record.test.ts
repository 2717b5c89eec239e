import { describe, expect, test } from '@jest/globals';
import {
  formatRecord,
  parseRecord,
  type QuarantineRecord,
} from '../../src/store/quarantine-record.ts';

const record: QuarantineRecord = {
  version: 1,
  id: '20260102T030405Z-0123456789abcdef',
  time: '2026-01-02T03:04:05.000Z',
  listener: '127.0.0.1:10024',
  verdict: 'infected',
  coverage: 'partial',
  findings: [{ kind: 'partial', reason: 'parts', stream: 'message', detail: 'more than 1000' }],
  envelope: {
    client: { addr: '192.0.2.1' },
    reversePath: { address: '', parameters: [] },
    recipients: [
      { address: 'ben@example.org', parameters: [{ keyword: 'NOTIFY' }] },
      { address: 'eve@example.org', parameters: [{ keyword: 'ORCPT', value: 'rfc822;e' }] },
    ],
  },
  size: 10,
  sha256: 'ff',
  queueId: '4XyZ1z1234',
  releases: [
    { time: 't', results: [{ recipient: 'ben@example.org', outcome: 'refused', reply: '550' }] },
  ],
};

/** Every place in it, as keys. */
function places(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, one]) => places(one, [...at, key]))];
}

/** A copy with another value in one place, or none. */
function changed(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

const encoded = (value: unknown): Buffer => Buffer.from(JSON.stringify(value ?? null));

describe('a sidecar', () => {
  test('is read as it was written', () => {
    expect(parseRecord(formatRecord(record))).toEqual(record);
  });

  test.each(places(record).map((place) => [place.join('.'), place] as const))(
    'is damaged when another type stands at "%s"',
    (_, place) => {
      const problem = parseRecord(encoded(changed(record, place, true)));
      expect(problem).toEqual(expect.any(String));
      const last = place.findLast((key) => !/^\d+$/.test(key)) ?? 'it';
      expect(problem).toContain(last);
    },
  );

  test('may lack what is not known of every message, and nothing else', () => {
    const lacking = places(record)
      .filter((place) => !place.some((key) => /^\d+$/.test(key)) && place.length > 0)
      .filter(
        (place) => typeof parseRecord(encoded(changed(record, place, undefined))) !== 'string',
      )
      .map((place) => place.join('.'));
    expect(lacking).toEqual(['envelope.client.addr', 'queueId']);
  });

  test('tells of all that is wrong', () => {
    const problem = parseRecord(encoded({ ...record, version: 2, size: '10', releases: [{}] }));
    expect(problem).toBe(
      'it.version is none of 1\nit.size is no number\nit.releases[0].time is no string\n' +
        'it.releases[0].results is no list',
    );
  });

  test('may have what a later version adds', () => {
    expect(parseRecord(encoded({ ...record, later: 1 }))).toMatchObject(record);
  });
});
