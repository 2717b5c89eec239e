import { readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { WitnessVerb, WitnessWord } from '../../src/protocol/witness/line.ts';
import { Witness } from '../../src/witness/witness.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';
import { QueueDirectory } from './queue-directory.ts';

const longId = '4bKWxz75PmzNtL';

describe('Witness', () => {
  let queue: QueueDirectory;
  let clock: FakeClock;
  let troubles: string[];
  let witness: Witness;

  beforeEach(() => {
    queue = new QueueDirectory();
    clock = new FakeClock();
    troubles = [];
    witness = create();
  });
  afterEach(() => {
    witness.close();
    expect([openFiles(), clock.pending]).toEqual([0, 0]);
    queue.remove();
  });

  function create(more: { log?: string; heldMax?: number } = {}): Witness {
    return new Witness({
      queueDirectory: queue.path,
      heldMax: 100,
      clock,
      onTrouble: (detail) => troubles.push(detail),
      ...more,
    });
  }

  /** Descriptors of this process that lead into the queue, removed files included. */
  function openFiles(): number {
    const links = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
    return links.filter((link) => link.startsWith(queue.path)).length;
  }

  async function ask(verb: WitnessVerb, queueId: string, of = witness): Promise<WitnessWord> {
    return of.answer({ number: 1, verb, queueId });
  }

  /** It looks twice, and between the looks time passes. */
  async function fate(queueId: string, of = witness, between = () => undefined): Promise<string> {
    const timers = clock.pending;
    let answer: WitnessWord | undefined;
    void ask('fate', queueId, of).then((word) => (answer = word));
    await until(() => answer !== undefined || clock.pending > timers, 'an answer or a second look');
    if (answer === undefined) {
      between();
      clock.advance(100);
    }
    await until(() => answer !== undefined, 'an answer');
    return answer ?? '';
  }

  describe.each([
    ['in incoming', 'A1B2C3', 'incoming/A1B2C3'],
    ['hashed by a short id', 'A1B2C3', 'incoming/A/1/A1B2C3'],
    ['hashed by a long id', longId, `incoming/F/${longId}`],
  ])('with a descriptor, %s', (_, queueId, path) => {
    beforeEach(async () => {
      queue.begin(path);
      expect(await ask('hold', queueId)).toBe('held');
    });

    test('undecided, then committed, through every queue and after delivery', async () => {
      expect(await fate(queueId)).toBe('undecided');
      queue.commit(path);
      expect(await fate(queueId)).toBe('committed');
      queue.move(path, `active/${queueId}`);
      queue.move(`active/${queueId}`, `deferred/A/${queueId}`);
      expect(await fate(queueId)).toBe('committed');
      queue.unlink(`deferred/A/${queueId}`);
      expect(await fate(queueId)).toBe('committed');
    });

    test('removed before it was complete: not committed', async () => {
      queue.unlink(path);
      expect(await fate(queueId)).toBe('not-committed');
    });

    test('asked again it is the same file, on one descriptor', async () => {
      expect([await ask('hold', queueId), openFiles()]).toEqual(['held', 1]);
    });

    test('released: the descriptor is closed, and nothing is known', async () => {
      queue.unlink(path);
      expect(await ask('release', queueId)).toBe('released');
      expect([openFiles(), witness.held]).toEqual([0, 0]);
      expect(await fate(queueId)).toBe('unknown');
    });

    test('when it is decided only the fact is kept', async () => {
      clock.advance(10_000);
      await until(() => clock.pending === 1, 'a first look: undecided');
      expect(openFiles()).toBe(1);
      queue.commit(path);
      queue.unlink(path);
      clock.advance(10_000);
      await until(() => openFiles() === 0, 'closed');
      expect([await fate(queueId), witness.held]).toEqual(['committed', 0]);
      expect(await ask('hold', queueId)).toBe('held');
      await ask('release', queueId);
      expect(await fate(queueId)).toBe('unknown');
    });

    test('a release that comes while it is being opened leaves nothing open', async () => {
      await ask('release', queueId);
      const holding = ask('hold', queueId);
      await ask('release', queueId);
      await holding;
      await until(() => openFiles() === 0, 'closed');
      expect(witness.held).toBe(0);
    });
  });

  test.each([true, false])('left behind incomplete, held %s: unknown in the end', async (held) => {
    queue.begin('incoming/A1');
    if (held) await ask('hold', 'A1');
    queue.date('incoming/A1', clock.now() - 15 * 60_000);
    expect(await fate('A1')).toBe('undecided');
    queue.date('incoming/A1', clock.now() - 15 * 60_000 - 2000);
    expect(await fate('A1')).toBe('unknown');
    // Whoever wrote it was alive after all.
    queue.commit('incoming/A1');
    expect(await fate('A1')).toBe('committed');
  });

  test('what is left behind keeps its descriptor: it may be committed or removed yet', async () => {
    queue.begin('incoming/A1');
    await ask('hold', 'A1');
    queue.date('incoming/A1', clock.now() - 60 * 60_000);
    clock.advance(10_000);
    await until(() => clock.pending === 1, 'looked at');
    queue.unlink('incoming/A1');
    expect(await fate('A1')).toBe('not-committed');
  });

  test('several holds of one file at once share a descriptor', async () => {
    queue.begin('incoming/A1');
    const words = await Promise.all([ask('hold', 'A1'), ask('hold', 'A1'), ask('hold', 'A1')]);
    expect([words, openFiles()]).toEqual([['held', 'held', 'held'], 1]);
  });

  test('what is not there is not held', async () => {
    expect([await ask('hold', 'A1'), witness.held]).toEqual(['not-found', 0]);
  });

  test.each([
    ['incoming', 'committed'],
    ['active', 'committed'],
    ['deferred/A', 'committed'],
    ['deferred', 'committed'],
    ['hold', 'committed'],
    ['incoming/A/1', 'committed'],
  ])('without a descriptor, complete in %s: %s', async (directory, word) => {
    queue.begin(`${directory}/A1`);
    queue.commit(`${directory}/A1`);
    expect(await fate('A1')).toBe(word);
  });

  test('without a descriptor, incomplete: undecided', async () => {
    queue.begin('incoming/A1');
    expect(await fate('A1')).toBe('undecided');
  });

  test('a file that moves while it is looked for is found at the second look', async () => {
    const found = await fate('A1', witness, () => {
      queue.begin('active/A1');
      queue.commit('active/A1');
      return undefined;
    });
    expect(found).toBe('committed');
  });

  test('a link is not followed, and a directory is no queue file', async () => {
    const elsewhere = queue.at('secret');
    writeFileSync(elsewhere, 'x', { mode: 0o700 });
    symlinkSync(elsewhere, queue.at('incoming/A1'));
    queue.begin('incoming/B1/x');
    expect([await ask('hold', 'A1'), await ask('hold', 'B1')]).toEqual(['not-found', 'not-found']);
    expect([await fate('A1'), await fate('B1')]).toEqual(['unknown', 'unknown']);
    expect([openFiles(), troubles]).toEqual([0, []]);
  });

  test('the log is asked last', async () => {
    const log = queue.at('log');
    writeFileSync(log, 'Nov 21 09:00:00 h postfix/qmgr[1]: A1: from=<>, size=1\n');
    const other = create({ log });
    expect([await fate('A1', other), await fate('A1')]).toEqual(['committed', 'unknown']);
    queue.begin('incoming/A1');
    expect(await fate('A1', other)).toBe('undecided');
    expect(await fate('B1', other)).toBe('unknown');
  });

  test('a log that cannot be read is told, and no evidence', async () => {
    const other = create({ log: queue.at('none') });
    expect(await fate('A1', other)).toBe('failed');
    expect(troubles).toEqual([expect.stringMatching(/^fate A1: .*ENOENT/)]);
  });

  test('a queue that cannot be read is told, and no evidence', async () => {
    // A name too long for the file system is the one failure that also root gets.
    const other = new Witness({
      queueDirectory: `${queue.path}/${'x'.repeat(300)}`,
      heldMax: 1,
      clock,
      onTrouble: (detail) => troubles.push(detail),
    });
    expect([await ask('hold', 'A1', other), other.held]).toEqual(['failed', 0]);
    expect(await ask('fate', 'A1', other)).toBe('failed');
    expect(troubles).toHaveLength(2);
    other.close();
  });

  test('full: what is decided makes room, then it refuses aloud', async () => {
    const small = create({ heldMax: 2 });
    for (const id of ['A1', 'B1', 'C1', 'D1', 'E1']) queue.begin(`incoming/${id}`);
    await ask('hold', 'A1', small);
    await ask('hold', 'B1', small);
    queue.commit('incoming/A1');
    queue.unlink('incoming/A1');
    queue.unlink('incoming/B1');
    expect([await ask('hold', 'C1', small), await ask('hold', 'D1', small)]).toEqual([
      'held',
      'held',
    ]);
    expect(troubles).toEqual([]);
    expect(await ask('hold', 'E1', small)).toBe('full');
    expect(troubles).toEqual(['2 queue files are held and none is decided: E1 is not held']);
    expect([await ask('hold', 'D1', small), openFiles()]).toEqual(['held', 2]);
    const fates = [];
    for (const id of ['A1', 'B1', 'C1', 'D1']) fates.push(await fate(id, small));
    expect(fates).toEqual(['committed', 'not-committed', 'undecided', 'undecided']);
    small.close();
  });
});
