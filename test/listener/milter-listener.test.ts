import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MilterEngine } from '../../src/engine/milter-engine.ts';
import { MilterListener } from '../../src/listener/milter-listener.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { until } from '../support/memory-content.ts';
import { Parts } from '../engine/parts.ts';
import { frame, hello, message, postfixTerms, said } from '../protocol/milter/mta.ts';

describe('MilterListener', () => {
  let directory: string;
  let path: string;
  let parts: Parts;
  let sessions: WaitingLine;
  let listener: MilterListener;
  let faults: unknown[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'milter-listener-'));
    path = join(directory, 'socket');
    parts = new Parts();
    sessions = new WaitingLine({ places: 1, waiting: 1, waitMs: 1000 }, parts.clock);
    faults = [];
    const engine = new MilterEngine({ listener: path, holds: false }, parts.engineParts());
    listener = new MilterListener(
      { engine },
      {
        clock: parts.clock,
        sessions,
        stopping: parts.stopping.signal,
        onFault: (error) => faults.push(error),
      },
    );
    const group = process.getgid?.();
    await listener.open({ path }, 0o640, group);
  });

  afterEach(async () => {
    listener.destroy();
    await listener.close();
    rmSync(directory, { recursive: true });
    expect(faults).toEqual([]);
  });

  async function mta(
    ...frames: readonly Buffer[]
  ): Promise<{ socket: Socket; heard: () => string[] }> {
    const socket = connect(path);
    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk)).on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(Buffer.concat(frames));
    return { socket, heard: () => said(heard) };
  }

  test('a message, however its bytes come', async () => {
    const { socket, heard } = await mta();
    for (const byte of Buffer.concat([...hello, ...message])) socket.write(Buffer.from([byte]));
    await until(() => heard().at(-1) === 'a', 'the answer');
    expect(heard()).toEqual([
      ...said([postfixTerms]),
      'c',
      'c',
      'c',
      'i\0\0\0\x01X-Virus-Scanned\0 clamgate\0',
      'a',
    ]);
    socket.write(frame('Q'));
    await once(socket, 'close');
    await until(() => listener.sessions === 0, 'the end');
  });

  test('permissions and group of the socket are those that were asked for', () => {
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(path).gid).toBe(process.getgid?.());
  });

  test('an MTA hears nothing until there is room, and none is turned away with nonsense', async () => {
    const first = await mta(...hello);
    await until(() => first.heard().length > 0, 'the terms');
    const second = await mta(...hello);
    await until(() => sessions.waiting === 1, 'the second waits');
    const third = await mta(...hello);
    await until(() => third.socket.destroyed, 'its end');
    expect([second.heard(), third.heard()]).toEqual([[], []]);
    first.socket.destroy();
    await until(() => second.heard().length > 0, 'its turn');
  });

  test('an MTA that goes takes its message with it', async () => {
    parts.scanner.hangs = true;
    const { socket, heard } = await mta(...hello, ...message);
    await until(() => parts.scanner.open > 0 && heard().length === 4, 'the scan');
    socket.destroy();
    await until(() => parts.records.length > 0, 'the record');
    expect(parts.records).toMatchObject([{ outcome: 'abandoned' }]);
  });

  test('going down: who has nothing under way is let go at once, what is scanned is answered', async () => {
    parts.scanner.hangs = true;
    const { socket, heard } = await mta(...hello, ...message);
    await until(() => parts.scanner.open > 0 && heard().length === 4, 'the scan');
    parts.stopping.abort();
    const late = await mta(...hello);
    listener.cutOff();
    await until(() => socket.destroyed && late.socket.destroyed, 'their ends');
    expect(heard().at(-1)).toMatch(/^y451 4\.3\.2 /);
    expect(late.heard()).toEqual([]);
  });

  test('a reload holds for the next message of an open session', async () => {
    const { socket, heard } = await mta(...hello, ...message);
    await until(() => heard().at(-1) === 'a', 'the answer');
    parts.scanner.findings = [{ kind: 'infected', stream: 'message', detail: 'x' }];
    const engine = new MilterEngine({ listener: path, holds: true }, parts.engineParts());
    listener.settings = { engine };
    socket.write(Buffer.concat([frame('A'), ...message]));
    await until(() => heard().filter((word) => word === 'a').length === 2, 'the answer');
    expect(heard()).toContain('qclamgate: infected\0');
  });
});
