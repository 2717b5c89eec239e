/** What the ledger, the evidence and the commit question together come to, without a network. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer } from '../../src/engine/answer.ts';
import type { Attempt } from '../../src/engine/attempt.ts';
import type { HandoverEvent } from '../../src/engine/earlier-attempts.ts';
import type { Handover } from '../../src/engine/handover.ts';
import type { Handovers, HandoversOptions } from '../../src/engine/handovers.ts';
import type { Path } from '../../src/envelope.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { QueueEvidence, QueueFate } from '../../src/relay/evidence.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import type { AttemptState } from '../../src/store/ledger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { someHandovers } from '../support/handovers.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';

const message = { queueId: 'Q0', digest: 'd0' };
const nextHop = '127.0.0.1:10025';
const suffix = 'clamgate.example.org';
const never = new AbortController().signal;
const to = (address: string): Path => ({ address, parameters: [] });
const ok: RelayResult = { kind: 'reply', reply: reply(250, '2.0.0', 'Ok: queued as N1') };
const refusal: RelayResult = { kind: 'reply', reply: reply(451, '4.3.0', 'Later') };
const lost: RelayResult = { kind: 'unknown', detail: 'no reply' };
const unreachable: RelayResult = { kind: 'unreachable', detail: 'refused' };

/** What a witness knows, and what it was asked to keep. */
class StandInEvidence implements QueueEvidence {
  holds = true;
  fates: QueueFate[] = ['unknown'];
  /** What `hold` waits for. */
  reached: Promise<unknown> = Promise.resolve();
  readonly held = new Set<string>();
  readonly released = new Set<string>();
  hold(queueId: string): Promise<boolean> {
    if (this.holds) this.held.add(queueId);
    return this.reached.then(() => this.holds);
  }
  fate(queueId: string): Promise<QueueFate> {
    if (this.released.has(queueId)) return Promise.resolve('unknown');
    const [next = 'unknown'] = this.fates.length > 1 ? this.fates.splice(0, 1) : this.fates;
    return Promise.resolve(next);
  }
  release(queueId: string): void {
    this.held.delete(queueId);
    this.released.add(queueId);
  }
}

describe('Handovers', () => {
  const clock = new FakeClock();
  let ledger: MemoryLedger;
  let evidence: StandInEvidence;
  let events: HandoverEvent[];
  let handovers: Handovers;

  beforeEach(() => {
    ledger = new MemoryLedger((finish) => {
      queueMicrotask(finish);
    });
    evidence = new StandInEvidence();
    events = [];
    handovers = started();
  });

  function started(over: Partial<HandoversOptions> = {}): Handovers {
    let attempts = 0;
    const newAttempt = () => `${over.inDoubt ?? 'a'}${++attempts}x${events.length}`;
    const tell = (event: HandoverEvent) => events.push(event);
    return someHandovers(clock, { ledger, evidence, suffix, newAttempt, tell, ...over });
  }

  /** What is durable, as after a crash. */
  function crash(over: Partial<HandoversOptions> = {}): void {
    ledger = ledger.crash();
    handovers = started({ ledger, newAttempt: () => `after-crash-${events.length}`, ...over });
  }

  const claim = (...recipients: string[]): Promise<Handover> =>
    handovers.claim(message, recipients.map(to), nextHop, never);

  /** One try, up to the question if it is asked, and to the end if `results` are given. */
  async function attempted(
    given: { recipients?: string[]; asks?: boolean; results?: RelayResult[] } = {},
  ): Promise<readonly Answer[]> {
    const { recipients = ['b'], asks = true, results } = given;
    const handover = await claim(...recipients);
    const attempt = handovers.nameAttempt('host');
    await handover.begin(attempt);
    if (asks) expect(await ask(attempt)).toBe('go');
    if (!results) return [];
    const answers = await handover.settle(results);
    handovers.forget(attempt);
    handover.release();
    return answers;
  }

  const ask = (attempt: Attempt, queueId = 'N1'): Promise<string> =>
    handovers.asked({ heloName: attempt.helloName, queueId, instance: 'i' });
  const states = (): AttemptState[] => ledger.find('Q0').map(({ state }) => state);
  const words = (answers: readonly (Answer | undefined)[]): (string | undefined)[] =>
    answers.map((answer) =>
      answer?.kind === 'next-hop' ? String(answer.reply.code) : answer?.situation,
    );

  /** The next hop is known to ask. */
  async function knownToAsk(): Promise<void> {
    const other = await handovers.claim({ queueId: 'Q9', digest: 'd9' }, [to('x')], nextHop, never);
    const attempt = handovers.nameAttempt('host');
    await other.begin(attempt);
    await ask(attempt, 'N9');
    await other.settle([ok]);
    handovers.forget(attempt);
    other.release();
    ledger.flush();
  }

  test('accepted: the retry gets the same reply, also after a crash', async () => {
    expect(words(await attempted({ results: [ok] }))).toEqual(['250']);
    expect([states(), [...evidence.held]]).toEqual([['delivered'], []]);
    crash();
    const again = await claim('b', 'c');
    expect(again.earlier).toEqual([{ kind: 'next-hop', reply: ok.reply }, undefined]);
    expect(again.due).toEqual([to('c')]);
  });

  test.each<[string, RelayResult]>([
    ['refused', refusal],
    ['not reached', unreachable],
  ])('%s: the retry is sent', async (_, result) => {
    await attempted({ results: [result] });
    expect(states()).toEqual(['aborted']);
    crash();
    expect((await claim('b')).due).toEqual([to('b')]);
  });

  test.each<[string, { digest?: string; recipient?: string; orcpt?: string }]>([
    ['other bytes', { digest: 'd1' }],
    ['another recipient', { recipient: 'c' }],
    ['another ORCPT', { orcpt: 'rfc822;alias' }],
  ])('%s: a new message', async (_, { digest = 'd0', recipient = 'b', orcpt }) => {
    await attempted({ results: [ok] });
    const parameters = orcpt === undefined ? [] : [{ keyword: 'ORCPT', value: orcpt }];
    const path = { address: recipient, parameters };
    const other = await handovers.claim({ queueId: 'Q0', digest }, [path], nextHop, never);
    expect(other.due).toEqual([path]);
  });

  test('without a key nothing is known and nothing written, but the question is answered', async () => {
    for (let times = 0; times < 2; times++) {
      const handover = await handovers.claim(undefined, [to('b')], nextHop, never);
      expect(handover.due).toEqual([to('b')]);
      const attempt = handovers.nameAttempt('host');
      await handover.begin(attempt);
      expect(await ask(attempt)).toBe('go');
      expect(words(await handover.settle([ok]))).toEqual(['250']);
      handovers.forget(attempt);
    }
    expect(ledger.unsettled()).toEqual([]);
  });

  test('one transaction at a time works on a recipient', async () => {
    const first = await claim('b');
    const second = claim('b');
    let waited = true;
    void second.then(() => (waited = false));
    await new Promise(setImmediate);
    expect(waited).toBe(true);
    const attempt = handovers.nameAttempt('host');
    await first.begin(attempt);
    await ask(attempt);
    await first.settle([ok]);
    first.release();
    expect((await second).due).toEqual([]);
  });

  describe('the commit question', () => {
    test.each([
      ['mail.example.org', 'not-ours'],
      ['clamgate.example.org', 'not-ours'],
      ['x.clamgate.example.org', 'stale'],
      ['X.CLAMGATE.example.org', 'stale'],
      ['x.y.clamgate.example.org', 'stale'],
      ['', 'not-ours'],
    ])('about %j: %s', async (heloName, expected) => {
      expect(await handovers.asked({ heloName, queueId: 'N1', instance: 'i' })).toBe(expected);
    });

    test('go: only once it is durable, and the queue file is held', async () => {
      const handover = await claim('b');
      const attempt = handovers.nameAttempt('host');
      expect(attempt.helloName).toBe(`${attempt.id}.${suffix}`);
      await handover.begin(attempt);
      expect(await ask(attempt)).toBe('go');
      expect([states(), [...evidence.held]]).toEqual([['prepared'], ['N1']]);
      expect(ledger.find('Q0')[0]?.nextQueueId).toBe('N1');
    });

    test('stale when it cannot be made durable; the peer is told of our disk, not of the next hop', async () => {
      const handover = await claim('b');
      const attempt = handovers.nameAttempt('host');
      await handover.begin(attempt);
      ledger.failAt({ at: 1, kind: 'refused' });
      expect(await ask(attempt)).toBe('stale');
      expect(words(await handover.settle([refusal]))).toEqual(['store-failed']);
    });

    test('stale, and not written down, when the reply was lost while the file was being held', async () => {
      await knownToAsk();
      const held = Promise.withResolvers<boolean>();
      evidence.hold = () => held.promise;
      const handover = await claim('b');
      const attempt = handovers.nameAttempt('host');
      await handover.begin(attempt);
      const asked = ask(attempt);
      expect(words(await handover.settle([lost]))).toEqual(['next-hop-unreachable']);
      held.resolve(true);
      expect([await asked, states()]).toEqual(['stale', []]);
    });

    test('stale after the attempt was given up', async () => {
      const attempt = handovers.nameAttempt('host');
      await (await claim('b')).begin(attempt);
      handovers.forget(attempt);
      expect(await ask(attempt)).toBe('stale');
    });

    test('stale when the next hop was lost meanwhile, and nothing is written down any more', async () => {
      await knownToAsk();
      const handover = await claim('b');
      const attempt = handovers.nameAttempt('host');
      await handover.begin(attempt);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      evidence.reached = promise;
      const asking = ask(attempt);
      expect(words(await handover.settle([lost]))).toEqual(['next-hop-unreachable']);
      resolve(undefined);
      expect(await asking).toBe('stale');
      expect([states(), [...evidence.held]]).toEqual([[], []]);
    });

    test('an attempt of the process before this one is stale', async () => {
      const attempt = handovers.nameAttempt('host');
      await (await claim('b')).begin(attempt);
      crash();
      expect(await ask(attempt)).toBe('stale');
    });

    test('without a witness: go all the same, and told', async () => {
      evidence.holds = false;
      await attempted();
      expect(events).toContainEqual({ kind: 'no-witness', nextQueueId: 'N1' });
    });
  });

  describe('no reply after the dot', () => {
    test('never asked, by a next hop that asks: certainly not accepted', async () => {
      await knownToAsk();
      const said = await attempted({ asks: false, results: [lost] });
      expect([words(said), states()]).toEqual([['next-hop-unreachable'], []]);
      expect((await claim('b')).due).toEqual([to('b')]);
    });

    test.each<[QueueFate[], string, AttemptState]>([
      [['committed'], '250', 'delivered'],
      [['not-committed'], 'next-hop-unreachable', 'aborted'],
      [['undecided', 'committed'], '250', 'delivered'],
      [['undecided'], 'earlier-unknown', 'prepared'],
      [['unknown'], 'next-hop-unreachable', 'in-doubt'],
    ])('allowed, and the queue says %j: %s', async (fates, expected, state) => {
      evidence.fates = fates;
      const pending = attempted({ results: [lost] });
      for (let turns = 0; turns < 50; turns++) {
        await new Promise(setImmediate);
        clock.advance(500);
      }
      expect([words(await pending), states()]).toEqual([[expected], [state]]);
      // Until the end is certain a retry may have to ask.
      const open = state === 'prepared' || state === 'in-doubt';
      expect([...evidence.held]).toEqual(open ? ['N1'] : []);
    });

    test('a next hop that does not ask: in doubt, sent again by rule, or held', async () => {
      const said = await attempted({ asks: false, results: [lost] });
      expect([words(said), states()]).toEqual([['next-hop-unreachable'], ['in-doubt']]);
      expect((await claim('b')).due).toEqual([to('b')]);
      crash({ inDoubt: 'hold' });
      expect(words((await claim('b')).earlier)).toEqual(['earlier-unknown']);
      expect(events.filter(({ kind }) => kind === 'in-doubt')).toHaveLength(1);
    });

    test('over LMTP each recipient has its own end', async () => {
      const said = await attempted({
        recipients: ['b', 'c', 'd'],
        asks: false,
        results: [ok, refusal, lost],
      });
      expect(words(said)).toEqual(['250', '451', 'next-hop-unreachable']);
      expect(states()).toEqual(['delivered', 'aborted', 'in-doubt']);
    });
  });

  describe('a crash', () => {
    test('before the question, at a next hop that asks: aborted, sent again', async () => {
      await knownToAsk();
      await attempted({ asks: false });
      ledger.flush();
      crash();
      expect((await claim('b')).due).toEqual([to('b')]);
      expect([states(), events]).toEqual([[], []]);
    });

    test('at a next hop that does not ask: in doubt', async () => {
      await attempted({ asks: false });
      crash();
      expect((await claim('b')).due).toEqual([to('b')]);
      expect([states(), events.map(({ kind }) => kind)]).toEqual([['in-doubt'], ['in-doubt']]);
    });

    test.each<[QueueFate, string | undefined, AttemptState]>([
      ['committed', '250', 'delivered'],
      ['not-committed', undefined, 'aborted'],
      ['undecided', 'earlier-unknown', 'prepared'],
      ['unknown', undefined, 'in-doubt'],
    ])('after it was allowed, and the queue says %s: %s', async (fate, expected, state) => {
      await attempted();
      evidence.fates = [fate];
      crash();
      const [answer] = words((await claim('b')).earlier);
      expect([answer, states()]).toEqual([expected, [state]]);
    });

    test('evidence is asked for once, however many the recipients are', async () => {
      const many = Array.from({ length: 50 }, (_, i) => `b${i}`);
      await attempted({ recipients: many });
      let asked = 0;
      evidence.fate = () => {
        asked++;
        return Promise.resolve('committed');
      };
      crash();
      const answers = words((await claim(...many)).earlier);
      expect([new Set(answers), asked]).toEqual([new Set(['250']), 1]);
    });

    test('what is found out for one recipient holds for all of its attempt', async () => {
      await attempted({ recipients: ['b', 'c'] });
      evidence.fates = ['committed'];
      crash();
      expect(words((await claim('b', 'c')).earlier)).toEqual(['250', '250']);
      expect([states(), events.map(({ kind }) => kind)]).toEqual([
        ['delivered', 'delivered'],
        ['recovered'],
      ]);
    });

    test.each<[QueueFate, string | undefined, AttemptState]>([
      ['committed', '250', 'delivered'],
      ['not-committed', undefined, 'aborted'],
    ])('a retry while recover is at work, and the queue says %s', async (fate, expected, state) => {
      await attempted();
      // Recovery asks first, and releases; the retry comes too late for the evidence.
      evidence.fates = [fate, 'unknown'];
      crash();
      const [, retry] = await Promise.all([handovers.recover(), claim('b')]);
      expect([words(retry.earlier), states()]).toEqual([[expected], [state]]);
      expect(events.map(({ kind }) => kind)).toEqual(['recovered']);
    });

    test('recover settles what there is evidence for, and leaves the rest', async () => {
      await attempted();
      evidence.fates = ['committed'];
      crash();
      await handovers.recover();
      expect([states(), events.map(({ kind }) => kind)]).toEqual([['delivered'], ['recovered']]);
    });
  });

  test('what ends in custody is not taken again', async () => {
    const handover = await claim('b', 'c');
    await handover.end(handovers.nameAttempt('host'), 'quarantined', 'K1');
    handover.release();
    crash();
    expect(words((await claim('b', 'c')).earlier)).toEqual(['taken', 'taken']);
    expect(ledger.find('Q0')[0]).toMatchObject({ state: 'quarantined', quarantineId: 'K1' });
  });

  test('the next hop has it and the ledger fails: the truth is told, and an operator hears', async () => {
    const handover = await claim('b');
    const attempt = handovers.nameAttempt('host');
    await handover.begin(attempt);
    await ask(attempt);
    ledger.failAt({ at: 1, kind: 'refused' });
    expect(words(await handover.settle([ok]))).toEqual(['250']);
    expect(events.map(({ kind }) => kind)).toContain('ledger-failed');
    // The ledger still says `prepared`: only the evidence tells a retry.
    expect([states(), [...evidence.held]]).toEqual([['prepared'], ['N1']]);
  });

  test('in custody and the ledger fails: it stays in custody, and an operator hears', async () => {
    const handover = await claim('b');
    ledger.failAt({ at: 1, kind: 'refused' });
    await handover.end(handovers.nameAttempt('host'), 'quarantined', 'K1');
    expect(events.map(({ kind }) => kind)).toEqual(['ledger-failed']);
  });

  test.each(['refused', 'unknown'] as const)(
    'the ledger fails before anything is sent (%s): a retry is not in doubt',
    async (kind) => {
      handovers = started({ inDoubt: 'hold' });
      ledger.failAt({ at: 1, kind });
      const handover = await claim('b');
      const attempt = handovers.nameAttempt('host');
      await expect(handover.begin(attempt)).rejects.toMatchObject({ code: 'STORE' });
      handover.release();
      await new Promise(setImmediate);
      expect((await claim('b')).due).toEqual([to('b')]);
    },
  );

  test('a next hop that is told to ask and does not is told of once', async () => {
    await attempted({ recipients: ['b'], asks: false, results: [ok] });
    await attempted({ recipients: ['c'], asks: false, results: [ok] });
    expect(events).toEqual([{ kind: 'not-asked', nextHop }]);
  });

  test('a next hop that stops asking is not trusted to ask any more', async () => {
    await knownToAsk();
    await attempted({ recipients: ['c'], asks: false, results: [ok] });
    const said = await attempted({ recipients: ['d'], asks: false, results: [lost] });
    expect([words(said), ledger.unsettled().map(({ state }) => state)]).toEqual([
      ['next-hop-unreachable'],
      ['in-doubt'],
    ]);
  });

  test('what was accepted holds, also where a later attempt failed before that was known', async () => {
    await attempted();
    crash();
    await attempted({ results: [refusal] });
    // The queue file of that one was another.
    evidence.released.clear();
    evidence.fates = ['committed'];
    // It was in doubt, was sent again and refused; then the witness was there again.
    expect(states()).toEqual(['in-doubt', 'aborted']);
    await handovers.recover();
    expect(words((await claim('b')).earlier)).toEqual(['250']);
  });

  test('of a reply without end a retry hears the beginning', async () => {
    const lines = Array.from({ length: 200 }, (_, at) => `${at} ${'x'.repeat(2000)}`);
    await attempted({ results: [{ kind: 'reply', reply: { code: 250, lines } }] });
    const [entry] = ledger.find('Q0');
    expect(entry?.reply?.lines.map((line) => line.length)).toEqual([512, 512, 512, 512]);
    expect(words((await claim('b')).earlier)).toEqual(['250']);
  });

  describe('of several attempts', () => {
    /** Two, told go for N1 and N2, the end of neither was seen; unless the second came to one. */
    async function two(...second: RelayResult[]): Promise<void> {
      await attempted({ results: [lost] });
      const handover = await claim('b');
      const attempt = handovers.nameAttempt('host');
      await handover.begin(attempt);
      expect(await ask(attempt, 'N2')).toBe('go');
      await handover.settle(second.length > 0 ? second : [lost]);
      handovers.forget(attempt);
      handover.release();
    }

    test.each([
      ['the first', { N1: 'committed' }, ['250']],
      ['the second', { N2: 'committed' }, ['250']],
      [
        'the second, and of the first nobody can tell yet',
        { N1: 'undecided', N2: 'committed' },
        ['250'],
      ],
      ['nobody can tell yet which', { N1: 'undecided', N2: 'not-committed' }, ['earlier-unknown']],
      ['none', { N1: 'not-committed', N2: 'not-committed' }, [undefined]],
    ] as const)('whose ends were not seen it was committed by %s', async (_, fates, expected) => {
      await two();
      expect(states()).toEqual(['in-doubt', 'in-doubt']);
      const known: Readonly<Record<string, QueueFate>> = fates;
      evidence.fate = (queueId) => Promise.resolve(known[queueId] ?? 'unknown');
      expect(words((await claim('b')).earlier)).toEqual(expected);
    });

    test.each([
      ['committed', ['250']],
      ['undecided', ['earlier-unknown']],
      ['not-committed', [undefined]],
      ['unknown', [undefined]],
    ] as const)(
      'the first is not known of, the second was refused; it is %s',
      async (fate, expected) => {
        await two(refusal);
        expect(states()).toEqual(['in-doubt', 'aborted']);
        evidence.fate = () => Promise.resolve(fate);
        expect(words((await claim('b')).earlier)).toEqual(expected);
      },
    );
  });

  describe('settled by hand', () => {
    /** Two recipients in doubt, and their attempt. */
    async function inDoubt(): Promise<string> {
      await attempted({ recipients: ['b', 'c'] });
      crash({ inDoubt: 'hold' });
      (await claim('b', 'c')).release();
      const attempt = ledger.find('Q0')[0]?.attempt ?? '';
      events = [];
      return attempt;
    }

    test.each([
      ['delivered', ['250', '250']],
      ['aborted', [undefined, undefined]],
    ] as const)('%s: what a retry is told, and what the log is', async (state, expected) => {
      const attempt = await inDoubt();
      evidence.held.add('N1');
      const settled = await handovers.settle({ attempt, state });
      expect(settled).toMatchObject({ kind: 'settled', entries: [{ state }, { state }] });
      expect([states(), [...evidence.held]]).toEqual([[state, state], []]);
      expect(events).toEqual([
        { kind: 'settled-by-hand', attempt, queueId: 'Q0', recipients: ['b', 'c'], state },
      ]);
      expect(words((await claim('b', 'c')).earlier)).toEqual(expected);
      expect(await handovers.settle({ attempt, state })).toEqual({ kind: 'nothing-open' });
    });

    test('one recipient of several', async () => {
      const attempt = await inDoubt();
      const settled = await handovers.settle({
        attempt,
        recipients: ['c', 'd'],
        state: 'delivered',
      });
      expect(settled).toMatchObject({ entries: [{ recipient: 'c' }] });
      expect(words((await claim('b', 'c')).earlier)).toEqual(['earlier-unknown', '250']);
    });

    test.each([{ attempt: 'none' }, { recipients: ['d'] }])('nothing open: %j', async (other) => {
      const order = { attempt: await inDoubt(), state: 'delivered', ...other } as const;
      expect(await handovers.settle(order)).toEqual({ kind: 'nothing-open' });
      expect(states()).toEqual(['in-doubt', 'in-doubt']);
    });

    test('not what is at work', async () => {
      await attempted();
      const attempt = ledger.find('Q0')[0]?.attempt ?? '';
      expect(await handovers.settle({ attempt, state: 'aborted' })).toEqual({ kind: 'at-work' });
      expect(states()).toEqual(['prepared']);
    });

    test('not while a retry of it is at work', async () => {
      const attempt = await inDoubt();
      const retry = await claim('b');
      const order = { attempt, state: 'delivered' } as const;
      expect(await handovers.settle(order)).toEqual({ kind: 'at-work' });
      expect(events).toEqual([]);
      retry.release();
      expect(await handovers.settle(order)).toMatchObject({ kind: 'settled' });
    });

    test('a retry that comes meanwhile waits for it', async () => {
      const attempt = await inDoubt();
      const settling = handovers.settle({ attempt, state: 'delivered' });
      expect(words((await claim('b')).earlier)).toEqual(['250']);
      await settling;
    });

    test('a ledger that cannot be written: an error, and nothing is claimed', async () => {
      const attempt = await inDoubt();
      ledger.failAt({ at: 1, kind: 'refused' });
      await expect(handovers.settle({ attempt, state: 'aborted' })).rejects.toMatchObject({
        code: 'STORE',
      });
      expect([states(), handovers.load.claims]).toEqual([['in-doubt', 'in-doubt'], 0]);
    });
  });

  test('nothing is held in the end', async () => {
    await attempted({ results: [ok] });
    await attempted({ recipients: ['c'], results: [refusal] });
    expect(handovers.load).toEqual({ attempts: 0, claims: 0 });
  });
});
