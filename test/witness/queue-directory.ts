/** A directory that looks like Postfix's queue, with files that go through it as cleanup's do. */
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';

export class QueueDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'clamgate-queue-'));

  constructor() {
    for (const queue of ['incoming', 'active', 'deferred', 'hold']) mkdirSync(this.at(queue));
  }

  at(name: string): string {
    return join(this.path, name);
  }

  /** As cleanup has it while it writes. */
  begin(name: string): void {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), 'content', { mode: 0o600 });
  }

  /** As if it had been written to then for the last time; milliseconds since the epoch. */
  date(name: string, ms: number): void {
    utimesSync(this.at(name), ms / 1000, ms / 1000);
  }

  commit(name: string): void {
    chmodSync(this.at(name), 0o700);
  }

  move(from: string, to: string): void {
    mkdirSync(dirname(this.at(to)), { recursive: true });
    renameSync(this.at(from), this.at(to));
  }

  unlink(name: string): void {
    unlinkSync(this.at(name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
