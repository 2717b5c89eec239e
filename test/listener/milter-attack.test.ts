/**
 * A peer that says anything at the Milter door, in any pieces, and leaves at any time: each message
 * that was begun is told of once, nothing of it stays behind, and what is no Milter protocol is the
 * only fault.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MilterEngine } from '../../src/engine/milter-engine.ts';
import { MilterListener } from '../../src/listener/milter-listener.ts';
import { Spool } from '../../src/store/spool.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { Parts } from '../engine/parts.ts';
import { until } from '../support/memory-content.ts';
import {
  body,
  end,
  endOfHeader,
  frame,
  hello,
  mail,
  message,
  negotiation,
  rcpt,
  said,
  subject,
} from '../protocol/milter/mta.ts';
import { socketPair } from './socket-pair.ts';

const offers = [hello[0] ?? Buffer.alloc(0), negotiation(2, 0x3f, 0x7f), negotiation(6, 0, 0)];
const single = [mail, rcpt, subject, endOfHeader, body, end]
  .concat([frame('A'), frame('K'), frame('Q'), frame('T'), frame('U', 'x\0'), frame('B')])
  .concat([frame('Di\0x\0'), frame('H', 'x\0'), frame('C', 'x\x00U'), frame('x'), frame('L', 'x')])
  .concat([frame('B', 'x'.repeat(65_535)), frame('L', `X-A\0 ${'y\n z'.repeat(300)}\0`)])
  .concat([frame('L', 'X-Virus-Scanned\0 forged\0'), Buffer.from('EHLO x\r\n'), Buffer.alloc(4)]);

interface Attack {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  readonly scanner: 'clean' | 'infected' | 'hangs' | 'throws';
  readonly leaves: 'FIN' | 'RST' | 'late';
  /** Places in the line. */
  readonly places: number;
}

const whole = [...message.slice(0, -1), end];
const attack: fc.Arbitrary<Attack> = fc.record({
  bytes: fc
    .tuple(
      fc.constantFrom(...offers),
      fc.array(
        fc.oneof(
          { weight: 2, arbitrary: fc.constant(whole) },
          {
            weight: 4,
            arbitrary: fc.nat(whole.length).map((many) => [...whole.slice(0, many), frame('A')]),
          },
          { weight: 5, arbitrary: fc.constantFrom(...single).map((one) => [one]) },
        ),
        { maxLength: 12 },
      ),
    )
    .map(([offer, parts]) => Buffer.concat([offer, ...hello.slice(1), ...parts.flat()])),
  cuts: fc.array(fc.nat(5000), { maxLength: 4 }),
  scanner: fc.constantFrom('clean', 'infected', 'hangs', 'throws'),
  leaves: fc.constantFrom('FIN', 'RST', 'late'),
  places: fc.nat(1),
});

async function play({ bytes, cuts, scanner, leaves, places }: Attack): Promise<void> {
  const parts = new Parts();
  parts.scanner.hangs = scanner === 'hangs';
  if (scanner === 'throws') parts.scanner.throws = new Error('a scanner that throws');
  if (scanner === 'infected') {
    parts.scanner.findings = [{ kind: 'infected', stream: 'message', detail: 'x' }];
  }
  const { clock, files } = parts;
  const line = new WaitingLine({ places, waiting: 1, waitMs: 1000 }, clock);
  let begun = 0;
  const engine = new MilterEngine(
    { listener: 'test', holds: true },
    parts.engineParts({
      line,
      newId: () => `id${++begun}`,
      openSpool: () => new Spool({ files, directory: '/s', memoryBytes: 1_000_000 }),
    }),
  );
  const faults: string[] = [];
  const sessions = new WaitingLine({ places: 1, waiting: 0 }, clock);
  const onFault = (error: unknown): void => {
    faults.push(String(error));
  };
  const stopping = parts.stopping.signal;
  const listener = new MilterListener({ engine }, { clock, sessions, stopping, onFault });
  const { ours, peer } = await socketPair();
  const heard: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => heard.push(chunk));
  const served = listener.serve(ours);
  let over = false;
  void served.then(() => (over = true));
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  for (const [at, cut] of ends.entries()) {
    peer.write(bytes.subarray(ends[at - 1] ?? 0, cut));
    await new Promise(setImmediate);
  }
  if (leaves === 'FIN') peer.end();
  if (leaves === 'RST') peer.resetAndDestroy();
  // Whatever waits for anything has its time pass.
  await until(() => {
    if (!over) clock.advance(20_000);
    return over;
  }, 'the end of the session');
  await served;
  await until(() => parts.records.length === begun, 'a record of each message');
  await until(() => line.inside === 0, 'no place taken');
  // A scan that goes on serves the retry.
  await until(() => parts.scanner.open === 0 || scanner === 'hangs', 'no scan');
  peer.destroy();
  // Our side of the socket is closed by then, or after a while.
  await until(() => clock.pending === 0, 'no timer');
  expect([line.waiting, files.handles, parts.records.length]).toEqual([0, 0, begun]);
  expect(faults.filter((fault) => !fault.startsWith('Error: Milter: '))).toEqual([]);
  expect(faults.length).toBeLessThan(2);
  expect(said(heard).filter((word) => /^y[^45]/.test(word))).toEqual([]);
}

test('whatever is said, each message is told of once and nothing stays behind', async () => {
  await fc.assert(fc.asyncProperty(attack, play), { numRuns: 200 });
}, 60_000);
