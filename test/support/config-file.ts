import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for one test, with files in it. */
export interface Folder {
  readonly path: string;
  /** Writes a file and gives its path. */
  write(name: string, content: string | Buffer): string;
  remove(): void;
}

export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'clamgate-test-'));
  return {
    path,
    write(name, content) {
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
    remove() {
      rmSync(path, { recursive: true });
    },
  };
}

/** A configuration with one listener, and more after it. */
export function tomlWith(more = ''): string {
  return `[[listener]]
protocol = "smtp"
address = "127.0.0.1:10024"
next_hop = "127.0.0.1:10025"
${more}`;
}
