import { beforeEach, describe, expect, test } from '@jest/globals';
import { ImpossibleState } from '../../src/assert.ts';
import { Intake } from '../../src/engine/intake.ts';
import { Scans } from '../../src/engine/scans.ts';
import { HeaderCollector } from '../../src/protocol/message/header.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import { Spool } from '../../src/store/spool.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { bytesOf, StandInScanner } from '../support/stand-ins.ts';

const message = Buffer.from('Subject: x\r\n\r\nbody\r\n');
const never = new AbortController().signal;

describe('Intake', () => {
  let files: MemoryFiles;
  let scanner: StandInScanner;
  let scans: Scans;

  beforeEach(() => {
    files = new MemoryFiles();
    scanner = new StandInScanner();
    scans = new Scans({ scanner, ledger: noLedger, clock: new FakeClock() });
  });

  function intake(headerBytesMax = 1000, memoryBytes = 1000): Intake {
    const spool = new Spool({ files, directory: '/', memoryBytes });
    return new Intake(spool, new HeaderCollector(headerBytesMax), scans);
  }

  test('keeps the bytes, sets the header apart, and is scanned while it arrives', async () => {
    const arriving = intake();
    expect(scanner.open).toBe(1);
    expect(arriving.write(message.subarray(0, 15))).toBeUndefined();
    expect(arriving.write(message.subarray(15))).toBeUndefined();
    arriving.finish();
    expect(await arriving.report(never)).toEqual({ findings: [], streams: [], parts: [] });
    expect(arriving.header.toString()).toBe('Subject: x\r\n\r\n');
    expect(await bytesOf(arriving.content.chunks(never))).toEqual(message);
    expect(scanner.open).toBe(0);
  });

  test('a message that ends in its header section is all header', () => {
    const arriving = intake();
    void arriving.write(Buffer.from('Subject: x\r\n'));
    arriving.finish();
    expect(arriving.header.toString()).toBe('Subject: x\r\n');
  });

  test('beyond the ceiling of the header nothing more is kept', () => {
    const arriving = intake(10);
    void arriving.write(message);
    expect(arriving.headerTooLarge).toBe(true);
    const { size } = arriving.content;
    void arriving.write(message);
    expect(arriving.content.size).toBe(size);
  });

  test('of a header of a GiB no more is kept than the ceiling and a piece', () => {
    const arriving = intake(1000, 1_000_000);
    const piece = Buffer.alloc(64 * 1024, 'x: y\r\n');
    for (let sent = 0; sent < 1024 ** 3; sent += piece.length) void arriving.write(piece);
    expect(arriving.content.size).toBeLessThanOrEqual(1000 + piece.length);
    expect(arriving.header.length).toBeLessThanOrEqual(1000);
    expect(arriving.headerTooLarge).toBe(true);
  });

  test('a full disk does not stop the peer; the end tells, and the scan is ended', async () => {
    const arriving = intake(1000, 0);
    files.failAt({ at: 1, kind: 'ENOSPC' });
    await arriving.write(message);
    expect(arriving.write(message)).toBeUndefined();
    expect(() => {
      arriving.finish();
    }).toThrow('ENOSPC');
    await new Promise(setImmediate);
    expect(scanner.open).toBe(0);
  });

  test('a failed scan is told by the report, and is nothing unhandled until then', async () => {
    scanner.throws = new TypeError('a bug');
    const arriving = intake();
    arriving.finish();
    await new Promise(setImmediate);
    await expect(arriving.report(never)).rejects.toThrow('a bug');
  });

  test('a report is not asked for before the end', () => {
    expect(() => intake().report(never)).toThrow(ImpossibleState);
  });

  test('disposed: the scan ends and the file is closed', async () => {
    const arriving = intake(1000, 0);
    await arriving.write(message);
    expect(files.handles).toBe(1);
    arriving.dispose(false);
    await new Promise(setImmediate);
    expect([scanner.open, files.handles, files.paths()]).toEqual([0, 0, []]);
  });
});
