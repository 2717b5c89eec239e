/** Ordinary mail, the benign part of the hostile set: none of it is called encrypted or banned. */
import { expect, test } from '@jest/globals';
import { defaultLimits } from '../../src/limits.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import { benignMessages } from '../evasion/benign.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';

test('no benign message has a finding of ours about encryption or banned parts', async () => {
  const clamd = await FakeClamd.start();
  const scanner = new MessageScan({
    endpoints: [clamd.address],
    clock: new FakeClock(),
    limits: defaultLimits,
    clamd: defaultClamdSettings,
  });
  const found: string[] = [];
  for (const { name, bytes } of benignMessages()) {
    const { findings } = await scanner.scan(MemoryContent.of(bytes), new AbortController().signal);
    for (const { kind, detail } of findings) {
      if (kind === 'encrypted' || kind === 'banned') found.push(`${name}: ${kind} ${detail}`);
    }
  }
  await clamd.stop();
  expect(found).toEqual([]);
}, 60_000);
