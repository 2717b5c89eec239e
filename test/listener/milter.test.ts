import { beforeEach, describe, expect, test } from '@jest/globals';
import { MilterEngine } from '../../src/engine/milter-engine.ts';
import { defaultLimits, type Limits } from '../../src/limits.ts';
import { MilterHandler } from '../../src/listener/milter.ts';
import { defaultMilterLimits } from '../../src/protocol/milter/contract.ts';
import { MilterSession } from '../../src/protocol/milter/milter-session.ts';
import { Spool } from '../../src/store/spool.ts';
import { until } from '../support/memory-content.ts';
import { Parts } from '../engine/parts.ts';
import {
  body,
  end,
  endOfHeader,
  frame,
  hello,
  mail,
  rcpt,
  said,
  subject,
} from '../protocol/milter/mta.ts';

const content = [subject, endOfHeader, body, end];
const infected = { kind: 'infected', stream: 'message', detail: 'Eicar-Test' } as const;
const stamped = 'i\0\0\0\x01X-Virus-Scanned\0 clamgate\0';

/** The handler with a session and an engine, but without a socket. */
describe('MilterHandler', () => {
  let parts: Parts;
  let session: MilterSession;
  let handler: MilterHandler;
  let faults: string[];

  function start(limits: Partial<Limits> = {}): void {
    const engine = new MilterEngine(
      { listener: 'unix:/milter', holds: false },
      parts.engineParts({
        limits: { ...defaultLimits, ...limits },
        openSpool: () => new Spool({ files: parts.files, directory: '/s', memoryBytes: 10_000 }),
      }),
    );
    session = new MilterSession(defaultMilterLimits);
    faults = [];
    handler = new MilterHandler(session, {
      engine: () => {
        return engine;
      },
      clock: parts.clock,
      stopping: parts.stopping.signal,
      onFault: (error) => faults.push(String(error)),
    });
  }

  beforeEach(async () => {
    parts = new Parts();
    start();
    await pump(hello);
  });

  /** As the loop does: what waits for an answer is not handed on. */
  async function pump(frames: readonly Buffer[], turnsMax = 60): Promise<string[]> {
    session.receive(Buffer.concat(frames));
    for (let turns = 0; turns < turnsMax; turns++) {
      const event = session.next();
      if (event === 'need-data' || event === 'paused') await new Promise(setImmediate);
      else if (event.type === 'close') break;
      else await handler.handle(event);
    }
    return said(session.takeOutput());
  }

  test('a clean message is taken with our field', async () => {
    expect(await pump([mail, rcpt, ...content])).toEqual(['c', 'c', 'c', stamped, 'a']);
    expect(parts.records[0]).toMatchObject({ outcome: 'relayed', verdict: 'clean' });
    expect(handler.atWork).toBe(false);
  });

  test('fields in our name are taken away from below, each by its place', async () => {
    const forged = ['X-Virus-Scanned', 'X-A', 'x-virus-scanned', 'X-Virus-Scanned '].map((name) =>
      frame('L', `${name}\0 no\0`),
    );
    expect(await pump([mail, ...forged, endOfHeader, end])).toEqual([
      'c',
      'm\0\0\0\x01X-Virus-Scanned \0\0',
      'm\0\0\0\x02x-virus-scanned\0\0',
      'm\0\0\0\x01X-Virus-Scanned\0\0',
      stamped,
      'a',
    ]);
    // They are those of that message only.
    expect(await pump([mail, endOfHeader, end])).toEqual(['c', stamped, 'a']);
  });

  test.each([
    [100, 'a'],
    [101, 'y552 5.3.4 Message header too large\0'],
  ])('%i fields in our name: %s', async (count, verdict) => {
    const forged = Array.from({ length: count }, () => frame('L', 'X-Virus-Scanned\0 no\0'));
    const heard = await pump([mail, rcpt, ...forged, endOfHeader, body, end], 300);
    expect(heard.at(-1)).toBe(verdict);
    expect(heard.filter((word) => word.startsWith('m'))).toHaveLength(verdict === 'a' ? count : 0);
    // The next message is judged anew.
    expect((await pump([mail, endOfHeader, end])).at(-1)).toBe('a');
  });

  test('infected: the reply of the table, and the next message is judged anew', async () => {
    parts.scanner.findings = [infected];
    const refused = 'y550 5.7.1 Message content rejected\0';
    expect(await pump([mail, rcpt, ...content])).toEqual(['c', 'c', 'c', refused]);
    parts.scanner.findings = [];
    expect(await pump([mail, rcpt, subject, endOfHeader, end])).toEqual(['c', 'c', stamped, 'a']);
  });

  test('a recipient never hears a refusal, whatever is wrong', async () => {
    start({ messageBytesMax: 1 });
    await pump(hello);
    const many = Array.from({ length: 50 }, () => rcpt);
    // One word for MAIL, one for each of them, one for the body, one for the end.
    expect(await pump([mail, ...many, ...content], 120)).toEqual([
      'c',
      ...many.map(() => 'c'),
      's',
      'y552 5.3.4 Message too large\0',
    ]);
  });

  test('while a scan runs the MTA hears of it every 30 s, and the answer once', async () => {
    parts.scanner.hangs = true;
    await pump([mail, rcpt, ...content]);
    for (let at = 30; at < 270; at += 30) {
      const waiting = handler.answered();
      parts.clock.advance(30_000);
      await waiting;
      expect(said(session.takeOutput())).toEqual(['p']);
    }
    const waiting = handler.answered();
    parts.clock.advance(30_000);
    await waiting;
    await until(() => handler.answered() === undefined, 'the answer');
    const heard = said(session.takeOutput()).filter((word) => word !== 'p');
    expect(heard).toEqual(['y451 4.4.7 Content check took too long, try again later\0']);
    expect(parts.clock.pending).toBe(0);
  });

  test.each([
    ['an abort', [mail, rcpt, subject, frame('A')]],
    ['the end of the session', [mail, rcpt, subject, frame('Q')]],
    ['nonsense', [mail, rcpt, subject, mail]],
  ])('%s gives the message up', async (_, frames) => {
    await pump(frames);
    expect(parts.records).toMatchObject([{ outcome: 'abandoned' }]);
    expect(handler.atWork).toBe(false);
  });

  test('nonsense is told of', async () => {
    await pump([rcpt]);
    expect(faults).toEqual(['Error: Milter: rcpt while connected']);
  });

  test('the peer goes while its message is scanned', async () => {
    parts.scanner.hangs = true;
    await pump([mail, rcpt, ...content]);
    handler.gone();
    await until(() => parts.records.length > 0, 'a record');
    expect(parts.records).toMatchObject([{ outcome: 'abandoned' }]);
  });

  test('the drain time ends while a message is scanned', async () => {
    parts.scanner.hangs = true;
    await pump([mail, rcpt, ...content]);
    handler.shutDown();
    expect((await pump([]))[0]).toMatch(/^y451 4\.3\.2 /);
  });

  test.each([
    [
      'an MTA whose client is slow over its envelope may be silent',
      [mail],
      false,
      false,
      'need-data',
    ],
    ['but not for ever', [mail], false, true, 'close'],
    ['nor in its content', [mail, subject], false, false, 'close'],
    ['nor when we go down', [mail], true, false, 'close'],
    ['but content on its way is waited for', [mail, subject], true, false, 'need-data'],
  ])('%s', async (_, frames, stopping, overdue, expected) => {
    await pump(frames);
    if (stopping) parts.stopping.abort();
    handler.silent(overdue);
    const next = session.next();
    expect(typeof next === 'object' ? next.type : next).toBe(expected);
  });

  test('a fault of ours: 451 4.3.0 where an answer is due, then the end', async () => {
    parts.scanner.hangs = true;
    await pump([mail, rcpt, ...content]);
    handler.fault(new Error('a bug'));
    expect(said(session.takeOutput())).toEqual(['y451 4.3.0 Internal error, try again later\0']);
    expect(session.next()).toEqual({ type: 'close' });
    expect(faults).toEqual(['Error: a bug']);
    handler.gone();
  });
});
