/** The scanner that a configuration describes: how far it goes where malware was found. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { poolSettings, scannerOf } from '../../src/daemon/config-scanner.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import { ClamdPool } from '../../src/scan/clamd-pool.ts';
import { decide } from '../../src/verdict/verdict.ts';
import { tomlWith } from '../support/config-file.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

let clamd: FakeClamd;

beforeEach(async () => {
  clamd = await FakeClamd.start();
});

afterEach(() => clamd.stop());

const rule = '[[banned]]\nname = "exe"\nnames = ["*.exe"]\n';

it.each([
  ['quarantine', ['infected'], 'infected'],
  ['reject', ['infected'], 'infected'],
  ['discard', ['infected'], 'infected'],
  ['tag', ['infected', 'banned'], 'banned'],
  ['pass', ['infected', 'banned'], 'banned'],
  ['defer', ['infected', 'banned'], 'banned'],
])('by infected = "%s" it sees %j, and the rule of %s decides', async (action, kinds, kind) => {
  clamd.script.push({ step: 'say', words: 'stream: Win.X FOUND\0' });
  const toml = `[clamd]\nendpoints = ["${clamd.address.name}"]\n[rules]\ninfected = "${action}"\n${rule}`;
  const config = parseConfig(tomlWith(toml), 'clamgate.toml');
  const clock = new FakeClock();
  const pool = new ClamdPool(poolSettings(config), { clock, random: () => 0.5 });
  try {
    const scanner = scannerOf(config, { clock, pool, workers: undefined });
    const bytes = messages.message(messages.withAttachment('a.exe', Buffer.from('harmless')));
    const signal = new AbortController().signal;
    const { findings } = await scanner.scan(MemoryContent.of(bytes), signal);
    expect(findings.map((one) => one.kind)).toEqual(kinds);
    expect(decide(findings, config.rules).kind).toBe(kind);
  } finally {
    pool.close();
  }
});
