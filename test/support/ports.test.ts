import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePort, portAnswers } from './ports.ts';

/** Prints three ports that another process is given meanwhile. */
const program = `
import { freePort } from ${JSON.stringify(join(import.meta.dirname, 'ports.ts'))};
console.log(await freePort(), await freePort(), await freePort());
`;

describe('freePort', () => {
  test('never gives a port twice, nor one that is listened on', async () => {
    const first = await freePort();
    const server = createServer().listen(first + 1, '127.0.0.1');
    await once(server, 'listening');
    const others = [await freePort(), await freePort()];
    server.close();

    expect(others).toEqual([first + 2, first + 3]);
  });

  test('goes on when its first block is used up', async () => {
    const ports: number[] = [];
    while (ports.length < 60) ports.push(await freePort());
    expect(new Set(ports).size).toBe(60);
  });

  test('gives other processes other ports', async () => {
    const ours = await freePort();
    const args = ['--input-type=module-typescript', '-e', program];
    const { stdout } = spawnSync('node', args, { encoding: 'utf8' });
    const theirs = stdout.trim().split(' ').map(Number);

    expect(theirs).toHaveLength(3);
    for (const port of theirs) expect(Math.abs(port - ours)).toBeGreaterThan(3);
  });
});

describe('portAnswers', () => {
  test('resolves when somebody listens, and rejects when nobody does', async () => {
    const port = await freePort();
    await expect(portAnswers(port, 0.01)).rejects.toThrow(`nothing listens on port ${port}`);
    const server = createServer().listen(port, '127.0.0.1');
    await expect(portAnswers(port, 5)).resolves.toBeUndefined();
    server.close();
  });
});
