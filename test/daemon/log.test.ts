import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Log } from '../../src/daemon/log.ts';
import type { LogConfig } from '../../src/daemon/config.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aRecord } from '../support/record.ts';

/** A log and what it has written so far. */
function logInto(config: Partial<LogConfig> = {}) {
  const stream = new PassThrough();
  const log = new Log({ format: 'json', level: 'info', ...config }, new FakeClock(0), stream);
  return { log, stream, text: () => (stream.read() as Buffer | null)?.toString() ?? '' };
}

function written(record: TransactionRecord): Record<string, unknown> {
  const { log, text } = logInto();
  log.transaction(record);
  return JSON.parse(text()) as Record<string, unknown>;
}

const whole = aRecord({
  queueId: '4ABC',
  messageId: '<1@example.org>',
  client: { addr: '192.0.2.1', name: 'mx.example.org' },
  recipients: [
    { address: 'a@example.org' },
    { address: 'b@example.org', reply: { code: 550, enhanced: '5.1.1', lines: ['no'] } },
  ],
  findings: [
    { kind: 'infected', stream: '1.2', detail: 'Eicar-Test-Signature' },
    { kind: 'partial', reason: 'file-size', stream: 'message', detail: '26M' },
  ],
  coverage: 'partial',
  verdict: 'infected',
  outcome: 'quarantined',
  situation: 'taken',
  quarantineId: 'Q1',
  nextHopQueueId: '4XYZ',
  detail: 'why',
  reply: { code: 250, enhanced: '2.7.0', lines: ['Ok', 'really'] },
  ms: { wait: 0, receive: 1.26, scan: 20, handover: 3.04, total: 24.3 },
});

describe('the line of a transaction', () => {
  test('as JSON has all that is known', () => {
    expect(written(whole)).toStrictEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      event: 'transaction',
      id: 'T1',
      outcome: 'quarantined',
      queue_id: '4ABC',
      message_id: '<1@example.org>',
      size: 1234,
      from: 'sender@example.org',
      recipients: 2,
      to: ['a@example.org', 'b@example.org=550'],
      verdict: 'infected',
      coverage: 'partial',
      findings: ['infected 1.2 Eicar-Test-Signature', 'partial(file-size) message 26M'],
      situation: 'taken',
      reply: '250 2.7.0 Ok / really',
      next_hop_queue_id: '4XYZ',
      quarantine_id: 'Q1',
      detail: 'why',
      client: '192.0.2.1',
      listener: '127.0.0.1:10024',
      ms: { wait: 0, receive: 1.3, scan: 20, handover: 3, total: 24.3 },
    });
  });

  test('says of each recipient who came to another end, and how many came to which', () => {
    const mixed = aRecord({
      recipients: [
        { address: 'a@example.org' },
        { address: 'b@example.org', outcome: 'quarantined' },
        { address: 'c@example.org', outcome: 'rejected', reply: { code: 550, lines: ['no'] } },
      ],
    });
    expect(written(mixed)).toMatchObject({
      level: 'warn',
      outcome: 'relayed',
      to: ['a@example.org', 'b@example.org=quarantined', 'c@example.org=550'],
      ends: 'relayed 1, quarantined 1, rejected 1',
    });
  });

  test('does not warn of whom the next hop refused by itself', () => {
    const reply = { code: 550, lines: ['no'] };
    const recipients = [{ address: 'c@example.org', outcome: 'rejected', reply } as const];
    expect(written(aRecord({ recipients }))).toMatchObject({ level: 'info' });
  });

  test('as text reads from left to right', () => {
    const { log, text } = logInto({ format: 'text' });
    log.transaction(aRecord({ sender: '', messageId: '<a b@c>' }));
    expect(text()).toBe(
      '1970-01-01T00:00:00.000Z INFO transaction id=T1 outcome=relayed message_id="<a b@c>" ' +
        'size=1234 from="" recipients=1 to=[rcpt@example.org] verdict=clean coverage=full ' +
        'reply="250 2.0.0 Ok" listener=127.0.0.1:10024 ' +
        'ms={wait=0,receive=1,scan=2,handover=3,total=6}\n',
    );
  });

  test.each<[Partial<TransactionRecord>, string]>([
    [{ outcome: 'relayed' }, 'info'],
    [{ outcome: 'abandoned' }, 'info'],
    [{ outcome: 'quarantined' }, 'warn'],
    [{ outcome: 'discarded' }, 'warn'],
    [{ outcome: 'rejected' }, 'warn'],
    [{ outcome: 'deferred' }, 'warn'],
    [{ outcome: 'deferred', situation: 'impossible' }, 'error'],
    [{ outcome: 'deferred', situation: 'store-failed' }, 'error'],
  ])('%j is of level %s', (change, level) => {
    expect(written(aRecord(change))['level']).toBe(level);
  });

  test('is bounded, however long what the sender chose', () => {
    const long = 'x'.repeat(100_000);
    const many = Array.from({ length: 1000 }, () => ({ address: long }));
    const { log, text } = logInto();
    log.transaction(
      aRecord({
        messageId: long,
        sender: long,
        recipients: many,
        detail: long,
        nextHopQueueId: long,
        client: { addr: long },
        reply: { code: 250, lines: [long, long] },
        findings: many.map(() => ({ kind: 'infected', stream: '1', detail: long })),
      }),
    );
    const line = text();
    expect(line.length).toBeLessThan(20_000);
    expect(JSON.parse(line)).toMatchObject({ recipients: 1000 });
    expect((JSON.parse(line) as { to: string[] }).to.at(-1)).toBe('and 990 more');
  });
});

describe('what a sender smuggles in', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'a\r\n{"level":"info"}',
      'a" outcome=relayed b="',
      'a outcome=relayed',
      '\u001b[2J\u009b1m',
      '\u202egnp.exe',
      '\u2028',
      '\ud800',
      '],to=[x',
    ),
  );

  test('as JSON stays inside its value, on one line of visible characters', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const { log, text } = logInto();
        log.transaction(
          aRecord({ messageId: value, sender: value, recipients: [{ address: value }] }),
        );
        const line = text();
        expect(line).toMatch(/^[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]+\n$/u);
        const entry = JSON.parse(line) as Record<string, unknown>;
        const shown = value.isWellFormed() ? value.slice(0, 256) : undefined;
        if (shown !== undefined) expect(String(entry['from']).startsWith(shown)).toBe(true);
        expect(entry['outcome']).toBe('relayed');
      }),
    );
  });

  test('as text stays inside its quotes', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const { log, text } = logInto({ format: 'text' });
        log.transaction(aRecord({ messageId: value, outcome: 'deferred' }));
        const line = text();
        expect(line).toMatch(/^[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]+\n$/u);
        const unquoted = line.replace(/"(?:[^"\\]|\\.)*"/g, '""');
        expect(unquoted.match(/ outcome=\w+/g)).toEqual([' outcome=deferred']);
      }),
    );
  });
});

describe('events', () => {
  test('are written from their level on, and what is undefined is left out', () => {
    const { log, text } = logInto({ level: 'warn' });
    log.debug('d');
    log.info('i');
    log.warn('w', { a: 1, b: undefined, c: true });
    log.error('e');
    expect(text().split('\n')).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"warn","event":"w","a":1,"c":true}',
      '{"time":"1970-01-01T00:00:00.000Z","level":"error","event":"e"}',
      '',
    ]);
  });

  test('take over a new configuration', () => {
    const { log, text } = logInto({ level: 'error' });
    log.adjust({ level: 'debug', format: 'text' });
    log.debug('an event', { stack: 'Error\n at x' });
    expect(text()).toBe('1970-01-01T00:00:00.000Z DEBUG "an event" stack="Error\\n at x"\n');
  });

  test('below its level a transaction is not even put into words', () => {
    const { log, text } = logInto({ level: 'warn' });
    const record = aRecord({});
    const { outcome, recipients } = record;
    const untouchable = { outcome, recipients, situation: undefined } as never;
    log.transaction(untouchable);
    expect(text()).toBe('');
  });
});

test('a reader that went away stops nothing', () => {
  const broken = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    },
  });
  const log = new Log({ format: 'json', level: 'info' }, new FakeClock(), broken);
  log.info('one');
  log.info('two');
  expect(broken.listenerCount('error')).toBeGreaterThan(0);
});
