/** `make run` without its set-up: what a newcomer sees, and that nothing stays. */
import { expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeNeeding } from '../support/needs.ts';

const program = join(import.meta.dirname, '../../scripts/first-look.ts');

jest.setTimeout(120_000);

describeNeeding(['root', 'postfix', 'clamd'], 'the first look', () => {
  test('shows a clean message delivered and EICAR in quarantine, and removes everything', async () => {
    const child = spawn('node', [program], {
      env: { ...process.env, ONCE: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString();
    if (child.exitCode === null) await once(child, 'exit');
    const [clean = '', eicar = ''] =
      output.split('\nA clean message\n').at(-1)?.split('\nEICAR\n') ?? [];

    expect(clean).toMatch(/clamgate +scanned it clean in \d+ ms, handed it back: queued as \w+\n/);
    expect(clean).toMatch(/the recipient +got it \(\d+ bytes\)/);
    expect(eicar).toMatch(/clamgate +found \S+ in \d+ ms, quarantined it as \S+\n/);
    expect(eicar).toMatch(/the recipient +got nothing/);
    expect(eicar).toMatch(/everything is removed\.\n$/);
    expect(child.exitCode).toBe(0);

    const [, directory = ''] = /quarantine, log +(\S+)/.exec(output) ?? [];
    expect(directory).not.toBe('');
    expect(existsSync(directory)).toBe(false);
  });
});
