import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Notifier, systemdNotify } from '../../src/daemon/systemd-notify.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';

/** Says nothing before it is told to. */
class SlowSay {
  readonly said: string[] = [];
  #release: ((error?: Error) => void) | undefined;

  readonly say = (assignments: readonly string[]): Promise<void> => {
    this.said.push(assignments.join(' '));
    return new Promise((resolve, reject) => {
      this.#release = (error) => {
        if (error) reject(error);
        else resolve();
      };
    });
  };

  async arrive(error?: Error): Promise<void> {
    this.#release?.(error);
    await new Promise(setImmediate);
  }
}

let folder: Folder;
let slow: SlowSay;
let troubles: string[];
let notifier: Notifier;
beforeEach(() => {
  folder = makeFolder();
  slow = new SlowSay();
  troubles = [];
  notifier = new Notifier(slow.say, (detail) => troubles.push(detail));
});
afterEach(() => {
  folder.remove();
});

test('messages go one after the other, and what must be said is never left out', async () => {
  notifier.tell({ READY: '1', STATUS: 'a b' });
  notifier.tell({ RELOADING: '1' });
  notifier.tell({ READY: '1' });
  expect(slow.said).toEqual(['READY=1 STATUS=a b']);
  await slow.arrive();
  await slow.arrive();
  await slow.arrive();
  expect(slow.said).toEqual(['READY=1 STATUS=a b', 'RELOADING=1', 'READY=1']);
});

test('how things are is said as it is last, however slow systemd is', async () => {
  for (const status of ['1', '2', '3']) notifier.refresh({ STATUS: status });
  notifier.tell({ STOPPING: '1' });
  for (const status of ['4', '5']) notifier.refresh({ STATUS: status });
  for (let turn = 0; turn < 10; turn++) await slow.arrive();
  expect(slow.said).toEqual(['STATUS=1', 'STATUS=3', 'STOPPING=1', 'STATUS=5']);
});

test('a message that cannot be said is told of, and the next is said', async () => {
  notifier.tell({ READY: '1' });
  notifier.tell({ STOPPING: '1' });
  await slow.arrive(new Error('no systemd'));
  expect([troubles, slow.said]).toEqual([['no systemd'], ['READY=1', 'STOPPING=1']]);
  const said = notifier.said();
  await slow.arrive();
  await said;
});

/** The program in place of systemd-notify. */
function program(text: string): string {
  chmodSync(folder.write('systemd-notify', `#!/bin/sh\n${text}\n`), 0o755);
  return `${folder.path}:/usr/bin:/bin`;
}

test('the program is given the message, the socket, and nothing else of our environment', async () => {
  const path = program('{ printf "%s|" "$@"; env; } > "$(dirname "$0")/seen"');
  await systemdNotify('/run/n', path)(['READY=1', 'STATUS=two words']);
  const seen = readFileSync(join(folder.path, 'seen'), 'utf8');
  expect(seen).toMatch(/^READY=1\|STATUS=two words\|/);
  expect(seen).toContain('NOTIFY_SOCKET=/run/n\n');
  expect(seen).not.toMatch(/LISTEN_|WATCHDOG|HOME=/);
});

test.each([
  ['fails', 'echo "no such socket" >&2; exit 1', /^no such socket$/],
  ['is silent', 'exit 3', /Command failed/],
])('a program that %s is an error with its words', async (_, text, words) => {
  await expect(systemdNotify('/run/n', program(text))(['READY=1'])).rejects.toThrow(words);
});

test('a program that is missing is an error, too', async () => {
  await expect(systemdNotify('/run/n', folder.path)(['READY=1'])).rejects.toThrow(/ENOENT/);
});
